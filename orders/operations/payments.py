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
from orders.operations.refreshing import lock_order, refresh_order


def record_payment(
    *,
    order_id: int,
    amount: Decimal,
    method: str,
    reference: str = "",
    key: str,
    kind: str = PaymentRecord.Kind.CAPTURE,
    actor: Actor,
    now: datetime,
) -> PaymentRecord:
    """Record an authorisation or a capture. The same key again returns what was recorded and changes nothing.

    Raises Invalid for an amount that is not positive or too fine for the currency, Refusal `over_capture` above what is owed.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.payments.filter(key=key).first()
        if known is not None:
            return known
        _check_amount(amount, order)
        if kind == PaymentRecord.Kind.CAPTURE:
            if amount > order.owed_by_customer:
                raise Refusal(
                    "over_capture",
                    _("Only {owed} is owed.").format(owed=_money(order.owed_by_customer, order)),
                    field="amount",
                )
            order.captured_total += amount
        else:
            order.authorized_total += amount
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
    actor: Actor,
    now: datetime,
) -> Refund:
    """Record money given back, at most what was captured and not yet refunded. The same key again returns the first refund.

    lines: order line id → units the refund is for, counted on the lines. Raises Invalid or Refusal `over_refund`.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.refunds.filter(key=key).first()
        if known is not None:
            return known
        _check_amount(amount, order)
        left = order.captured_total - order.refunded_total
        if amount > left:
            raise Refusal(
                "over_refund", _("At most {left} can be refunded.").format(left=_money(left, order)), field="amount"
            )
        for line_id, units in sorted((lines or {}).items()):
            changed = order.lines.filter(pk=line_id, refunded__lte=F("ordered") - units).update(
                refunded=F("refunded") + units
            )
            if units < 0 or not changed:
                raise Invalid("bad_units", _("More units than were ordered."), field=f"line-{line_id}")
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


def _check_amount(amount: Decimal, order: Order) -> None:
    if not amount.is_finite() or amount <= 0:
        raise Invalid("bad_amount", _("Give an amount above zero."), field="amount")
    if not is_exact(amount, order.currency):
        raise Invalid(
            "bad_amount", _("{currency} has fewer decimals than that.").format(currency=order.currency), field="amount"
        )


def _money(amount: Decimal, order: Order) -> str:
    return format_money(amount, order.currency)
