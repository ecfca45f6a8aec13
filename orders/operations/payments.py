"""Money that comes in and goes back, each once, never more than may be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money, is_exact
from core.outbox import publish
from core.refusals import Invalid, Refusal
from core.timeline import record
from orders.events import PaymentRecorded, RefundRecorded
from orders.models import Order, PaymentRecord, Refund
from orders.moving_money import under_way
from orders.operations.refreshing import lock_order, refresh_order


def record_payment(
    *,
    order_id: int,
    amount: Decimal,
    method: str,
    reference: str = "",
    key: str,
    kind: str = PaymentRecord.Kind.CAPTURE,
    settled: bool = False,
    actor: Actor,
    now: datetime,
) -> PaymentRecord:
    """Record an authorisation or a capture. The same key again returns what was recorded and changes nothing.

    settled: a gateway reports that the money is there. That is a fact, so it is recorded even above what is owed; the rest is then
    owed to the customer. Raises Invalid for an amount that is not positive or too fine for the currency, Refusal `over_capture`
    above what is owed and not being taken elsewhere.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.payments.filter(key=key).first()
        if known is not None:
            return known
        _check_amount(amount, order)
        if kind == PaymentRecord.Kind.CAPTURE:
            if not settled:
                _check_owed(amount, order)
            order.captured_total += amount
        else:
            order.authorized_total += amount
        order.payment_voided = False
        payment = PaymentRecord.objects.create(
            order=order,
            kind=kind,
            amount=amount,
            method=method[:60],
            reference=reference[:120],
            key=key,
            actor=actor.ref,
            at=now,
        )
        refresh_order(order, now=now)
        record(
            order.subject,
            "payment.recorded",
            actor=actor,
            at=now,
            amount=amount,
            currency=order.currency,
            method=method,
            kind=str(kind),
        )
        publish(PaymentRecorded(order.pk), actor=actor)
        return payment


def record_refund(
    *,
    order_id: int,
    amount: Decimal,
    reason: str,
    cause: str = "",
    key: str,
    lines: Mapping[int, int] | None = None,
    settled: bool = False,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Record money given back, at most what was captured and not yet refunded. The same key again returns the first refund.

    lines: order line id → units the refund is for, counted on the lines. settled: a gateway reports that the money has gone back;
    what is on its way back elsewhere is not counted then, as this is part of it. Raises Invalid or Refusal `over_refund`.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.refunds.filter(key=key).first()
        if known is not None:
            return known
        _check_amount(amount, order)
        left = order.captured_total - order.refunded_total - (0 if settled else under_way(order).refunds)
        if amount > left:
            raise Refusal(
                "over_refund", _("At most {left} can be refunded.").format(left=_money(left, order)), field="amount"
            )
        _count_units(order, lines or {}, settled=settled)
        order.overpayment_refunded += min(amount, order.owed_to_customer)
        order.refunded_total += amount
        refund = Refund.objects.create(
            order=order, amount=amount, reason=reason[:200], cause=cause[:60], key=key, actor=actor.ref, at=now
        )
        refresh_order(order, now=now)
        record(
            order.subject,
            "payment.refunded",
            actor=actor,
            at=now,
            amount=amount,
            currency=order.currency,
            reason=reason,
        )
        publish(RefundRecorded(order.pk, refund.pk), actor=actor)
        return refund


def record_void(*, order_id: int, amount: Decimal, method: str, actor: Actor, now: datetime) -> None:
    """Take `amount` off what is authorised: it was let go. The caller says it once, under the order's lock.

    With the last of it, and nothing captured, the order's payment is voided.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        _check_amount(amount, order)
        order.authorized_total = max(Decimal(0), order.authorized_total - amount)
        order.payment_voided = not order.authorized_total and not order.captured_total
        refresh_order(order, now=now)
        record(
            order.subject, "payment.voided", actor=actor, at=now, amount=amount, currency=order.currency, method=method
        )


def _check_owed(amount: Decimal, order: Order) -> None:
    owed = order.owed_by_customer - under_way(order).captures
    if amount > owed:
        message = _("Only {owed} is owed.").format(owed=_money(max(owed, Decimal(0)), order))
        raise Refusal("over_capture", message, field="amount")


def _count_units(order: Order, lines: Mapping[int, int], *, settled: bool) -> None:
    """Count refunded units on the lines. Of money that has gone back already, no more units than there are left."""
    for line_id, units in sorted(lines.items()):
        line = order.lines.filter(pk=line_id).only("ordered", "refunded").first()
        room = line.ordered - line.refunded if line else 0
        if settled:
            units = min(units, room)  # noqa: PLW2901 - the money is gone; units that somebody counted meanwhile stay counted once
        if units < 0 or units > room:
            raise Invalid("bad_units", _("More units than were ordered."), field=f"line-{line_id}")
        if units:
            order.lines.filter(pk=line_id).update(refunded=F("refunded") + units)


def _check_amount(amount: Decimal, order: Order) -> None:
    if not amount.is_finite() or amount <= 0:
        raise Invalid("bad_amount", _("Give an amount above zero."), field="amount")
    if not is_exact(amount, order.currency):
        raise Invalid(
            "bad_amount", _("{currency} has fewer decimals than that.").format(currency=order.currency), field="amount"
        )


def _money(amount: Decimal, order: Order) -> str:
    return format_money(amount, order.currency)
