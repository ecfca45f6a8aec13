"""From a change to a message: its body, its attempts, its end."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from availability.events import AvailabilityChanged
from availability.models import ChannelAvailability, Endpoint, PostState, WebhookPost
from availability.webhooks.keys import headers, unseal
from availability.webhooks.sending import Answer, post
from core.actors import Actor
from core.outbox import MAX_ATTEMPTS, own_transactions
from core.timeline import record
from inventory.models import Variant

#: Messages are kept for a look back.
KEPT = timedelta(days=14)
GONE = 410
#: After a call without any answer the endpoint is left alone for so long: many messages do not hold every worker, one after another.
QUIET = timedelta(seconds=30)
_WEBHOOKS = Actor.system("webhooks")


class NotTaken(Exception):
    """The receiver did not take the message; the outbox tries again later."""


@own_transactions
def post_changes(event: AvailabilityChanged, *, actor: Actor, now: datetime) -> None:
    """Post the change to the channel's endpoint, where it has one. Raises NotTaken, so that the outbox comes again with more patience.

    The message keeps its id and body however often it is sent. SKUs of which newer numbers were told meanwhile are left out when the
    body is made; when nothing is left, nothing is sent.
    """
    endpoint = Endpoint.objects.select_related("channel").filter(channel_id=event.channel_id, active=True).first()
    if endpoint is None:
        return
    message = WebhookPost.objects.filter(message_id=event.message_id).first() or _write(endpoint, event, now=now)
    if message.state in (PostState.DELIVERED, PostState.SUPERSEDED):
        return
    if message.attempts and not _current(event):
        WebhookPost.objects.filter(pk=message.pk).update(state=PostState.SUPERSEDED)
        return
    answer = send(endpoint, message, now=now)
    if answer.status == GONE:
        switch_off(endpoint, reason=str(GONE), now=now)
    elif not answer.accepted:
        raise NotTaken(f"{answer.status or 'no answer'}: {answer.text}"[:300])


def send(endpoint: Endpoint, message: WebhookPost, *, now: datetime) -> Answer:
    """One attempt, outside any transaction, and what came of it."""
    body = message.body.encode()
    if message.kind != "test" and endpoint.quiet_until is not None and endpoint.quiet_until > now:
        answer = Answer(0, "not called: it did not answer a moment ago", 0)
    else:
        answer = post(endpoint.url, body, headers(_keys(endpoint, now), message.message_id, int(now.timestamp()), body))
        Endpoint.objects.filter(pk=endpoint.pk).update(quiet_until=None if answer.status else now + QUIET)
    if answer.accepted:
        state = PostState.DELIVERED
    else:
        last = message.attempts + 1 >= MAX_ATTEMPTS or message.kind == "test" or answer.status == GONE
        state = PostState.GAVE_UP if last else PostState.FAILING
    WebhookPost.objects.filter(pk=message.pk).update(
        state=state, attempts=F("attempts") + 1, status=answer.status or None, answer=answer.text, milliseconds=answer.milliseconds,
        attempted_at=now,
    )  # fmt: skip
    return answer


def send_test(endpoint: Endpoint, *, now: datetime) -> Answer:
    """Post a message without items, so that a receiver can prove that it is there and knows the key."""
    body = _body("availability.test", endpoint, [], now)
    message = WebhookPost.objects.create(
        endpoint=endpoint, message_id=f"msg_{uuid.uuid4().hex}", kind="test", body=body, created_at=now
    )
    return send(endpoint, message, now=now)


def switch_off(endpoint: Endpoint, *, reason: str, now: datetime) -> None:
    """The receiver said that it is gone for good (410): nothing more is sent until a person switches it on."""
    with transaction.atomic():
        if Endpoint.objects.filter(pk=endpoint.pk, active=True).update(active=False):
            record(endpoint.subject, "availability_webhook.gone", actor=_WEBHOOKS, at=now, status=reason)


def prune_posts(*, now: datetime) -> int:
    """Forget messages of long ago; the number forgotten."""
    deleted, _by_model = WebhookPost.objects.filter(created_at__lt=now - KEPT).delete()
    return deleted


def _keys(endpoint: Endpoint, now: datetime) -> list[str]:
    keys = [unseal(endpoint.secret)]
    if endpoint.old_secret and endpoint.old_secret_until and endpoint.old_secret_until > now:
        keys.append(unseal(endpoint.old_secret))
    return keys


def _write(endpoint: Endpoint, event: AvailabilityChanged, *, now: datetime) -> WebhookPost:
    items = _current(event)
    found, _created = WebhookPost.objects.get_or_create(
        message_id=event.message_id,
        defaults={
            "endpoint": endpoint,
            "items": len(items),
            "body": _body("availability.changed", endpoint, items, now),
            "state": PostState.WAITING if items else PostState.SUPERSEDED,
            "created_at": now,
        },
    )
    return found


def _current(event: AvailabilityChanged) -> list[tuple[int, int, int]]:
    """The items of which nothing newer was told since."""
    ids = [variant_id for variant_id, _shown, _version in event.items]
    versions = dict(
        ChannelAvailability.objects.filter(channel_id=event.channel_id, variant_id__in=ids).values_list("variant_id", "version")
    )  # fmt: skip
    return [(pk, units, version) for pk, units, version in event.items if versions.get(pk) == version]


def _body(kind: str, endpoint: Endpoint, items: Sequence[tuple[int, int, int]], now: datetime) -> str:
    skus = dict(Variant.objects.filter(pk__in=[item[0] for item in items]).values_list("pk", "sku"))
    told = [{"sku": skus[pk], "available": units, "version": version} for pk, units, version in items if pk in skus]
    data = {"channel": endpoint.channel.name, "items": told}
    return json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False)
