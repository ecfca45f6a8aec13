"""What parcels and cancellations do to authorised money: taken when goods leave, let go when nothing is owed any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from core.actors import Actor
from core.refusals import Refusal
from orders.amounts import value_of_first
from orders.models import Order, OrderLine
from orders.operations import lock_order
from orders.states import Lifecycle
from payments.models import CapturePolicy, GatewayCall, PaymentIntent
from payments.operations.calling import ask_for_cancel, ask_for_capture, capturable, open_sum, send
from payments.states import HOLDING, WAITING, CallKind


def all_has_left(lines: Sequence[OrderLine]) -> bool:
    """Whether nothing that can be sent is still here."""
    return all(line.shipped + line.cancelled >= line.ordered for line in lines if line.requires_shipping)


def shipped_value(order: Order, lines: Sequence[OrderLine]) -> Decimal:
    """What the units that have left are worth, with their discount and tax: shipping costs come with the last parcel."""
    return sum(
        (
            value_of_first(line, line.shipped, tax_included=order.tax_included, currency=order.currency)
            for line in lines
        ),
        Decimal(0),
    )


def due_now(order: Order, lines: Sequence[OrderLine], *, taking: Decimal) -> Decimal:
    """What may be taken now that these units have left: their worth, with the last parcel all that is owed; never more than owed.

    taking: what is being captured already.
    """
    owed = order.owed_by_customer - taking
    if not all_has_left(lines):
        owed = min(owed, shipped_value(order, lines) - (order.captured_total - order.overpayment_refunded) - taking)
    return max(Decimal(0), owed)


def capture_shipped(*, order_id: int, cause: str, actor: Actor, now: datetime) -> list[GatewayCall]:
    """Take what the parcels that left are worth from what is held, oldest payment first. Not inside a transaction.

    cause names the occasion ("fulfillment:9"): the same one again asks for nothing twice. A payment that can be taken once only
    waits for the last parcel, because the gateway would let go of the rest. Answers the calls that were made.
    """
    fresh: list[GatewayCall] = []
    with transaction.atomic():
        order = lock_order(order_id)
        held = _holding(order)
        if not held:
            return []
        lines = list(order.lines.all())
        last = all_has_left(lines)
        due = due_now(order, lines, taking=open_sum(CallKind.CAPTURE, intent__order=order))
        for intent in held:
            amount = min(due, capturable(intent))
            if amount <= 0 or not _takes(intent, last=last):
                continue
            call, new = ask_for_capture(
                intent_id=intent.pk, amount=amount, final=last, key=f"{cause}:{intent.pk}", actor=actor, now=now
            )
            fresh += [call] if new else []
            due -= amount
    return [send(call, now=now) for call in fresh]


def _takes(intent: PaymentIntent, *, last: bool) -> bool:
    """Whether this payment is taken by itself when a parcel leaves."""
    policy = intent.account.capture
    if policy == CapturePolicy.BY_HAND:
        return False
    return last or (policy == CapturePolicy.SHIPPED and intent.parts)


def let_go(*, order_id: int, cause: str, actor: Actor, now: datetime) -> list[GatewayCall]:
    """Void what is held for an order that owes nothing more, and close its pages to pay. Not inside a transaction.

    A payment of which something is not known is left to the sweeper, which comes back here. cause: as for `capture_shipped`.
    """
    fresh: list[GatewayCall] = []
    with transaction.atomic():
        order = lock_order(order_id)
        if order.lifecycle == Lifecycle.OPEN and order.owed_by_customer > 0:
            return []
        for intent in _holding(order, *WAITING):
            try:
                call, new = ask_for_cancel(intent_id=intent.pk, key=f"{cause}:{intent.pk}", actor=actor, now=now)
            except Refusal:
                continue
            fresh += [call] if new else []
    return [send(call, now=now) for call in fresh]


def _holding(order: Order, *more: str) -> list[PaymentIntent]:
    rows = order.payment_intents.filter(state__in=[*sorted(HOLDING), *more]).select_related("account")
    return list(rows.order_by("created_at", "pk"))
