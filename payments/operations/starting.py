"""A payment begins: the customer is sent to a gateway's page, or one that began elsewhere (a shop's own checkout) is taken over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from orders.models import Order, PaymentRecord
from orders.operations import lock_order
from orders.states import Lifecycle
from payments.gateways.base import Held, Purchase, Refused, Snapshot, Unknown
from payments.models import CapturePolicy, GatewayAccount, GatewayCall, PaymentIntent
from payments.operations import facts
from payments.operations.accounts import gateway_of
from payments.operations.calling import ask_for_cancel, due_from_customer, new_key, send
from payments.states import WAITING, CallKind, CallState, IntentState

#: A page where the customer pays is not offered again when it ends this soon.
_SOON = timedelta(minutes=10)

#: Gives the address of a page of ours for a payment: (payment id, "return" | "cancel") → absolute URL.
Addresses = Callable[[int, str], str]


def start_payment(
    *, order_id: int, account_id: int, addresses: Addresses, actor: Actor, now: datetime
) -> PaymentIntent:
    """Have the gateway prepare a page where the customer pays what the order is still owed. Not inside a transaction.

    A page that waits already, for the same amount, is answered again; others are closed first, so that nobody pays twice.
    Raises Refusal `nothing_due`, `cancelled`, `under_way`, `gateway_refused`, `not_known`; NotFound for an account not offered.
    """
    waiting = _open_payments(order_id)
    with transaction.atomic():
        order = lock_order(order_id)
        amount = _due(order)
        if again := _reusable(waiting, account_id, amount, now):
            return again
    _close(waiting, keep=None, now=now)
    with transaction.atomic():
        order = lock_order(order_id)
        amount = _due(order)
        if order.payment_intents.filter(state__in=sorted(WAITING)).exists():
            raise Refusal("under_way", _("A payment is being set up already. Look again in a minute."))
        account = GatewayAccount.objects.filter(pk=account_id, active=True).first()
        if account is None:
            raise NotFound("no_such_gateway", _("This way to pay is not offered any more."))
        intent = PaymentIntent.objects.create(
            account=account, order=order, key=new_key(), amount=amount, currency=order.currency,
            manual=account.capture != CapturePolicy.AT_ONCE, actor=actor.ref, created_at=now,
            look_at=now + facts.LOOK_AT_OPEN,
        )  # fmt: skip
        call = GatewayCall.objects.create(
            intent=intent, kind=CallKind.CREATE, key=intent.key, actor=actor.ref, actor_label=actor.label[:120],
            created_at=now,
        )  # fmt: skip
    purchase = Purchase(
        key=intent.key, number=order.number, amount=amount, currency=order.currency, manual=intent.manual,
        email=order.email, language=order.language, return_url=addresses(intent.pk, "return"),
        cancel_url=addresses(intent.pk, "cancel"),
    )  # fmt: skip
    call = send(call, now=now, purchase=purchase)
    if call.state == CallState.REFUSED:
        raise Refusal("gateway_refused", call.answer)
    if call.state != CallState.SUCCEEDED:
        raise Refusal("not_known", _("The gateway does not answer now. Try again in a few minutes."))
    return call.intent


def _due(order: Order) -> Decimal:
    if order.lifecycle == Lifecycle.CANCELLED:
        raise Refusal("cancelled", _("The order is cancelled."))
    amount = due_from_customer(order)
    if amount <= 0:
        raise Refusal("nothing_due", _("Nothing is owed."))
    return amount


def _open_payments(order_id: int) -> list[PaymentIntent]:
    rows = PaymentIntent.objects.filter(order_id=order_id, state__in=sorted(WAITING)).select_related("account")
    return list(rows.order_by("pk"))


def _reusable(waiting: list[PaymentIntent], account_id: int, amount: Decimal, now: datetime) -> PaymentIntent | None:
    for intent in waiting:
        lasts = intent.expires_at is None or intent.expires_at > now + _SOON
        if intent.account_id == account_id and intent.amount == amount and intent.pay_url and lasts:
            return intent
    return None


def _close(waiting: list[PaymentIntent], *, keep: int | None, now: datetime) -> None:
    """Close pages where the customer has not paid; one that cannot be closed now stands in the way and says so."""
    for intent in waiting:
        if intent.pk != keep and intent.state == IntentState.REQUIRES_ACTION:
            call, new = ask_for_cancel(intent_id=intent.pk, key=new_key(), actor=Actor.system("payments"), now=now)
            if new:
                send(call, now=now)


def close_open_pages(*, order_id: int, now: datetime) -> None:
    """Close every page where the order could still be paid, because nothing is to be paid any more. Not inside a transaction."""
    _close(_open_payments(order_id), keep=None, now=now)


def adopt_payment(*, order_id: int, account_id: int, reference: str, actor: Actor, now: datetime) -> PaymentIntent:
    """Take over a payment that began elsewhere, by the gateway's name of it: from then on it is captured and refunded here.

    What the order's books already say of it (a record with the same reference) is not recorded twice. Not inside a transaction.
    Raises Invalid for a name the gateway does not know or that belongs elsewhere, Refusal `known` when an order has it already.
    """
    account = GatewayAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound("no_such_gateway", _("There is no such account."))
    reference = reference.strip()
    order = Order.objects.get(pk=order_id)
    try:
        seen = gateway_of(account).fetch(Held("", reference, reference, order.currency, True))
    except Refused as refusal:
        raise Invalid("unknown_reference", refusal.text or refusal.code, field="reference") from refusal
    except Unknown as error:
        raise Refusal("not_known", _("The gateway does not answer now. Try again in a few minutes.")) from error
    _check_adoptable(seen, order)
    try:
        return _adopt(order_id, account, seen, actor=actor, now=now)
    except IntegrityError as error:
        raise Refusal("known", _("This payment belongs to an order already."), field="reference") from error


def _check_adoptable(seen: Snapshot, order: Order) -> None:
    if seen.currency != order.currency:
        message = _("That payment is in {currency}.").format(currency=seen.currency)
        raise Invalid("wrong_currency", message, field="reference")
    if seen.key:
        raise Invalid("known", _("This payment belongs to an order already."), field="reference")
    if not seen.authorized:
        raise Invalid("not_paid", _("Nobody has paid there yet."), field="reference")
    if seen.authorized > order.total:
        raise Invalid("too_much", _("That payment is higher than the order."), field="reference")


def _adopt(order_id: int, account: GatewayAccount, seen: Snapshot, *, actor: Actor, now: datetime) -> PaymentIntent:
    with transaction.atomic():
        order = lock_order(order_id)
        intent = PaymentIntent.objects.create(
            account=account, order=order, key=new_key(), amount=seen.amount, currency=order.currency,
            manual=seen.manual, reference=seen.reference, parent=seen.reference, actor=actor.ref, created_at=now,
        )  # fmt: skip
        booked = _booked(order, seen.reference)
        if booked.get("capture") and seen.captures is not None:
            raise Refusal("known", _("Its captures are in the order's books already."), field="reference")
        if booked:
            # The order came with this payment: start from what its books say, and record only what is new.
            intent.authorized = min(
                seen.authorized, max(booked.get("authorization", Decimal(0)), booked.get("capture", Decimal(0)))
            )
            _take_over_captured(intent, min(booked.get("capture", Decimal(0)), seen.captured), actor=actor, now=now)
        record(
            order.subject, "gateway.adopted", actor=actor, at=now, gateway=account.name, reference=seen.reference,
            amount=seen.authorized, currency=order.currency,
        )  # fmt: skip
        return facts.apply_snapshot(intent, seen, now=now)


def _take_over_captured(intent: PaymentIntent, captured: Decimal, *, actor: Actor, now: datetime) -> None:
    if captured > 0:
        intent.captured = captured
        intent.authorized = max(intent.authorized, captured)
        GatewayCall.objects.create(
            intent=intent, kind=CallKind.CAPTURE, key=f"{intent.key}:adopted", amount=captured,
            state=CallState.SUCCEEDED, reference=intent.reference, ours=False, actor=actor.ref,
            actor_label=actor.label[:120], created_at=now, finished_at=now,
        )  # fmt: skip


def _booked(order: Order, reference: str) -> dict[str, Decimal]:
    """Kind → what the order's books say was paid under this reference."""
    rows = PaymentRecord.objects.filter(order=order, reference=reference).values("kind").annotate(total=Sum("amount"))
    return {row["kind"]: row["total"] for row in rows}
