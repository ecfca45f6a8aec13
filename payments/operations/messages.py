"""Messages of gateways: only a right signature is let in, each once; then the gateway is asked for the facts.

A message never moves money by what it says. It names a payment to look at, so one that is forged, old, repeated, out of order or
about somebody else's order changes nothing that is not so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import NotAllowed
from payments.events import WebhookArrived
from payments.gateways.base import Forged
from payments.models import GatewayAccount, PaymentIntent, WebhookDelivery, WebhookState
from payments.operations.accounts import gateway_of
from payments.operations.asking import ask
from payments.operations.facts import OfAnother

#: Messages are kept for a look back.
KEPT = timedelta(days=90)


def receive(account: GatewayAccount, *, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Take in a message; False when it was here before. Raises NotAllowed for one the gateway did not send, `Unknown` when that
    cannot be checked now (the gateway sends it again)."""
    try:
        message = gateway_of(account).read_webhook(body, headers, now=now)
    except Forged as error:
        raise NotAllowed("forged", _("Not accepted.")) from error
    with transaction.atomic():
        delivery, new = WebhookDelivery.objects.get_or_create(
            account=account,
            event_id=message.event_id[:120],
            defaults={
                "kind": message.kind[:80],
                "reference": (message.references or ("",))[0][:120],
                "intent": _intent_of(account, message.references),
                "said_at": message.said_at,
                "received_at": now,
            },
        )
        if not new:
            WebhookDelivery.objects.filter(pk=delivery.pk).update(repeats=F("repeats") + 1)
            return False
        publish(WebhookArrived(delivery.pk), actor=Actor("system", "gateway", account.name))
    return True


def _intent_of(account: GatewayAccount, references: Sequence[str]) -> PaymentIntent | None:
    """Our payment that goes by one of these names with this account, or has a capture or refund that does."""
    names = [name for name in references if name]
    if not names:
        return None
    rows = PaymentIntent.objects.filter(account=account)
    return (
        rows.filter(Q(reference__in=names) | Q(parent__in=names)).first()
        or rows.filter(calls__reference__in=names).first()
    )


def work_in(delivery_id: int, *, now: datetime) -> WebhookDelivery:
    """Ask the gateway about the payment a message names. Not inside a transaction; safe to run twice."""
    delivery = WebhookDelivery.objects.select_related("account").get(pk=delivery_id)
    if delivery.state != WebhookState.WAITING:
        return delivery
    intent_id = delivery.intent_id
    if intent_id is None:  # its name may have become known since
        intent = _intent_of(delivery.account, [delivery.reference])
        intent_id = intent.pk if intent else None
    if intent_id is None:
        delivery.state = WebhookState.IGNORED
    else:
        delivery.intent_id = intent_id
        try:
            ask(intent_id=intent_id, now=now)
            delivery.state = WebhookState.DONE
        except OfAnother:
            delivery.state = WebhookState.IGNORED
    delivery.save(update_fields=["state", "intent"])
    return delivery


def prune(*, now: datetime) -> int:
    """Forget messages of long ago; the number forgotten."""
    deleted, _by_model = WebhookDelivery.objects.filter(received_at__lt=now - KEPT).delete()
    return deleted
