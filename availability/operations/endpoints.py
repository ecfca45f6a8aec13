"""Endpoints of channels: where their changes are posted, and the key that proves who posts."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from availability.models import Endpoint
from availability.operations.recomputing import recompute
from availability.webhooks.keys import new_secret, seal
from availability.webhooks.sending import read_url
from core.actors import Actor
from core.models import Job
from core.refusals import NotFound, Stale
from core.timeline import record
from orders.models import Channel

#: After a new key is made, messages are signed with the old one too for so long.
BOTH_KEYS = timedelta(hours=24)


def save_endpoint(*, channel_id: int, url: str, active: bool, actor: Actor, now: datetime) -> tuple[Endpoint, str]:
    """Add or change the endpoint of a channel; (endpoint, its key when it is new, else empty).

    An endpoint that is new, switched on or moved is sent every number once, so that it begins with the truth. Raises Invalid (field
    ``url``), NotFound.
    """
    url = url.strip()
    read_url(url)
    with transaction.atomic():
        channel = _channel(channel_id)
        endpoint = Endpoint.objects.filter(channel=channel).first()
        if endpoint is None:
            secret = new_secret()
            endpoint = Endpoint.objects.create(
                channel=channel, url=url, active=active, secret=seal(secret), created_at=now
            )
            record(endpoint.subject, "availability_webhook.added", actor=actor, at=now, url=url)
            if active:
                send_all(endpoint, actor=actor, now=now)
            return endpoint, secret
        wanted = {"url": url, "active": active}
        changes = {
            name: [getattr(endpoint, name), value] for name, value in wanted.items() if getattr(endpoint, name) != value
        }
        if changes:
            endpoint.url, endpoint.active = url, active
            endpoint.save(update_fields=["url", "active"])
            record(endpoint.subject, "availability_webhook.changed", actor=actor, at=now, changes=changes)
            if active:
                send_all(endpoint, actor=actor, now=now)
    return endpoint, ""


def key_mark(endpoint: Endpoint) -> str:
    """A short mark of the present key, for a form that replaces it once."""
    return hashlib.sha256(endpoint.secret.encode()).hexdigest()[:16]


def change_key(*, channel_id: int, mark: str, actor: Actor, now: datetime) -> tuple[Endpoint, str]:
    """Make a new key and answer it, this once. The old one signs as well for a day. Raises NotFound, Stale for a form sent twice."""
    with transaction.atomic():
        _channel(channel_id)
        endpoint = Endpoint.objects.filter(channel_id=channel_id).first()
        if endpoint is None:
            raise NotFound("no_endpoint", _("This channel has no endpoint."))
        if mark != key_mark(endpoint):
            raise Stale("key_changed", _("The key was changed meanwhile."))
        secret = new_secret()
        endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, now + BOTH_KEYS
        endpoint.secret = seal(secret)
        endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
        record(endpoint.subject, "availability_webhook.key_changed", actor=actor, at=now)
    return endpoint, secret


def send_all(endpoint: Endpoint, *, actor: Actor, now: datetime) -> Job | None:
    """Send every number of the channel, whether it changed or not: a job. One at a time for a channel."""
    with transaction.atomic():
        return recompute(
            channel=endpoint.channel, scopes=None, actor=actor, now=now, anyway=True, dedupe_key=f"availability-all:{endpoint.channel_id}",
        )  # fmt: skip


def _channel(channel_id: int) -> Channel:
    found = Channel.objects.select_for_update(of=("self",)).filter(pk=channel_id).first()
    if found is None:
        raise NotFound("no_such_channel", _("There is no such channel."))
    return found
