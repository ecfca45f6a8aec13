"""Calls to gateways. First the row with its idempotency key is committed, then the call is made, then its outcome is stored.

`ask_…` decides under the order's lock, with every call whose outcome is open counted against what is left, and answers the row.
`send` makes the call, once: only whoever wrote the row sends it, right after the commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money, is_exact
from core.refusals import Invalid, NotFound, Refusal, Unavailable
from orders.models import Order
from orders.operations import lock_order
from payments.gateways.base import Held, Purchase, Refused, Started, Unknown
from payments.models import GatewayCall, PaymentIntent
from payments.operations import facts
from payments.operations.accounts import gateway_of
from payments.states import HOLDING, OPEN_CALLS, WAITING, CallKind, CallState, IntentState


def new_key() -> str:
    """A name that nothing else has."""
    return uuid.uuid4().hex


def locked_intent(intent_id: int) -> PaymentIntent:
    """The payment with its order locked; call it inside a transaction. Raises NotFound."""
    order_id = PaymentIntent.objects.filter(pk=intent_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_payment", _("There is no such payment."))
    order = lock_order(order_id)
    intent = PaymentIntent.objects.select_related("account").get(pk=intent_id)
    intent.order = order
    return intent


def open_sum(kind: str, **conditions: Any) -> Decimal:
    """What is asked of gateways and not known yet, of one kind."""
    rows = GatewayCall.objects.filter(kind=kind, state__in=sorted(OPEN_CALLS), **conditions)
    return rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def capturable(intent: PaymentIntent) -> Decimal:
    """What can still be taken: held, less what is being taken or let go."""
    if intent.state not in HOLDING or _is_open(intent, CallKind.CANCEL, CallKind.CAPTURE):
        return Decimal(0)
    return intent.held


def refundable(intent: PaymentIntent) -> Decimal:
    """What can still be given back through the gateway."""
    return intent.captured - intent.refunded - open_sum(CallKind.REFUND, intent=intent)


def ask_for_capture(
    *, intent_id: int, amount: Decimal, final: bool = False, key: str, actor: Actor, now: datetime
) -> tuple[GatewayCall, bool]:
    """Write down a capture of `amount`, at most what is held and what the order owes. final: the rest is let go.

    Answers the row and whether it is new: the same key again answers the first. Raises Invalid or Refusal `over_capture`, `under_way`.
    """
    with transaction.atomic():
        intent = locked_intent(intent_id)
        if known := GatewayCall.objects.filter(key=key).first():
            return _same(known, intent), False
        _check_amount(amount, intent)
        _check_quiet(intent, CallKind.CAPTURE, CallKind.CANCEL)
        if intent.state not in HOLDING or amount > intent.held:
            raise Refusal(
                "over_capture", _("Only {held} is held.").format(held=_money(intent.held, intent)), field="amount"
            )
        owed = intent.order.owed_by_customer - open_sum(CallKind.CAPTURE, intent__order=intent.order_id)
        if amount > owed:
            message = _("Only {owed} is owed.").format(owed=_money(max(owed, Decimal(0)), intent))
            raise Refusal("over_capture", message, field="amount")
        # Where a payment can be taken once only, the gateway lets go of the rest.
        final = final or not intent.parts or amount == intent.held
        return _write(intent, CallKind.CAPTURE, key, amount=amount, final=final, actor=actor, now=now), True


def ask_for_refund(
    *,
    intent_id: int,
    amount: Decimal,
    target: str = "",
    purpose: Mapping[str, Any],
    key: str,
    actor: Actor,
    now: datetime,
) -> tuple[GatewayCall, bool]:
    """Write down a refund of at most what was captured and is not going back already. target: the gateway's name of the capture.

    Answers as `ask_for_capture`. Raises Invalid or Refusal `over_refund`.
    """
    with transaction.atomic():
        intent = locked_intent(intent_id)
        if known := GatewayCall.objects.filter(key=key).first():
            return _same(known, intent), False
        _check_amount(amount, intent)
        order = intent.order
        left = min(
            refundable(intent),
            order.captured_total - order.refunded_total - open_sum(CallKind.REFUND, intent__order=order.pk),
        )
        if amount > left:
            message = _("At most {left} can go back this way.").format(left=_money(max(left, Decimal(0)), intent))
            raise Refusal("over_refund", message, field="amount")
        call = _write(
            intent, CallKind.REFUND, key, amount=amount, target=target, purpose=dict(purpose), actor=actor, now=now
        )
        return call, True


def ask_for_cancel(*, intent_id: int, key: str, actor: Actor, now: datetime) -> tuple[GatewayCall, bool]:
    """Write down that what is held is let go, or that the page to pay is closed. Answers as `ask_for_capture`.

    Raises Refusal `under_way` while a capture or the customer's own payment is not known, `nothing_held` when there is nothing.
    """
    with transaction.atomic():
        intent = locked_intent(intent_id)
        if known := GatewayCall.objects.filter(key=key).first():
            return _same(known, intent), False
        if intent.state not in HOLDING | WAITING:
            raise Refusal("nothing_held", _("Nothing is held any more."))
        _check_quiet(intent, CallKind.CREATE, CallKind.CONFIRM, CallKind.CAPTURE, CallKind.CANCEL)
        return _write(intent, CallKind.CANCEL, key, actor=actor, now=now), True


def ask_for_confirm(*, intent_id: int, actor: Actor, now: datetime) -> tuple[GatewayCall, bool]:
    """Write down that what the customer agreed to is taken; at most once for a payment, unless the gateway refused it."""
    with transaction.atomic():
        intent = locked_intent(intent_id)
        earlier = intent.calls.filter(kind=CallKind.CONFIRM).order_by("-pk").first()
        if earlier is not None and earlier.state != CallState.REFUSED:
            return earlier, False
        if intent.state != IntentState.REQUIRES_ACTION or _is_open(intent, CallKind.CANCEL):
            raise Refusal("not_waiting", _("This payment is closed."))
        return _write(intent, CallKind.CONFIRM, new_key(), actor=actor, now=now), True


def send(call: GatewayCall, *, now: datetime, purchase: Purchase | None = None) -> GatewayCall:
    """Make the call whose row was just committed, and store its outcome. purchase: what a `create` is about."""
    intent = call.intent
    gateway = gateway_of(intent.account)
    held = held_of(intent)
    result: Any = None
    refused: Refused | None = None
    lost = ""
    try:
        if call.kind == CallKind.CREATE:
            assert purchase is not None  # noqa: S101 - written by start_payment alone
            result = gateway.start(purchase)
        elif call.kind == CallKind.CONFIRM:
            result = gateway.confirm(held, key=call.key)
        elif call.kind == CallKind.CAPTURE:
            result = gateway.capture(held, amount=_amount(call), final=call.final, key=call.key)
        elif call.kind == CallKind.REFUND:
            result = gateway.refund(held, amount=_amount(call), capture=call.target, key=call.key)
        else:
            gateway.cancel(held, key=call.key)
    except Refused as error:
        refused = error
    except Unknown as error:
        lost = str(error) or _("No answer.")
    return _store(call.pk, result, refused, lost, now=now)


def held_of(intent: PaymentIntent) -> Held:
    """The payment by all its names."""
    return Held(intent.key, intent.reference, intent.parent, intent.currency, intent.manual)


def _store(call_id: int, result: Any, refused: Refused | None, lost: str, *, now: datetime) -> GatewayCall:
    with transaction.atomic():
        order_id = GatewayCall.objects.values_list("intent__order_id", flat=True).get(pk=call_id)
        order = lock_order(order_id)
        call = GatewayCall.objects.select_related("intent__account").get(pk=call_id)
        call.intent.order = order
        if call.state not in OPEN_CALLS:
            return call  # a webhook or the sweeper was faster
        if refused is not None:
            facts.refuse_call(call, refused.code, refused.text, now=now)
        elif lost:
            facts.lose_call(call, lost, now=now)
        elif isinstance(result, Started):
            facts.apply_started(call, result, now=now)
        elif call.kind == CallKind.CAPTURE:
            facts.apply_capture(call, result, now=now)
        elif call.kind == CallKind.REFUND:
            facts.apply_refund(call, result, now=now)
        elif call.kind == CallKind.CANCEL:
            facts.apply_cancel(call, now=now)
        else:
            facts.close_call(call, "succeed", reference=str(result), now=now)
        return call


def _write(intent: PaymentIntent, kind: str, key: str, *, actor: Actor, now: datetime, **fields: Any) -> GatewayCall:
    """The row of a call, and when to ask for it should nobody come back with its outcome."""
    if not intent.account_id:
        raise Unavailable("no_gateway", _("There is no account with a gateway."))
    call = GatewayCall.objects.create(
        intent=intent, kind=kind, key=key, actor=actor.ref, actor_label=actor.label[:120], created_at=now, **fields
    )
    PaymentIntent.objects.filter(pk=intent.pk).update(look_at=now + facts.LOOK_AT_OPEN)
    return call


def _same(call: GatewayCall, intent: PaymentIntent) -> GatewayCall:
    if call.intent_id != intent.pk:
        raise Refusal("key_taken", _("This was sent for another payment."))
    return call


def _is_open(intent: PaymentIntent, *kinds: str) -> bool:
    return intent.calls.filter(kind__in=kinds, state__in=sorted(OPEN_CALLS)).exists()


def _check_quiet(intent: PaymentIntent, *kinds: str) -> None:
    if _is_open(intent, *kinds):
        raise Refusal(
            "under_way", _("Something is asked of the gateway already and not known yet. Look again in a minute.")
        )


def _check_amount(amount: Decimal, intent: PaymentIntent) -> None:
    if not amount.is_finite() or amount <= 0:
        raise Invalid("bad_amount", _("Give an amount above zero."), field="amount")
    if not is_exact(amount, intent.currency):
        message = _("{currency} has fewer decimals than that.").format(currency=intent.currency)
        raise Invalid("bad_amount", message, field="amount")


def _amount(call: GatewayCall) -> Decimal:
    return call.amount or Decimal(0)


def _money(amount: Decimal, intent: PaymentIntent) -> str:
    return format_money(amount, intent.currency)


def due_from_customer(order: Order) -> Decimal:
    """What the customer is still to pay: owed, less what gateways hold already."""
    sums = PaymentIntent.objects.filter(order=order, state__in=sorted(HOLDING)).aggregate(
        authorized=Sum("authorized"), captured=Sum("captured"), released=Sum("released")
    )
    held = (sums["authorized"] or 0) - (sums["captured"] or 0) - (sums["released"] or 0)
    return max(Decimal(0), order.owed_by_customer - held)
