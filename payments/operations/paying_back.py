"""Money goes back the way it came: through the gateways first, newest payment first, the rest by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money
from core.refusals import Invalid, Refusal
from orders.models import Order, Refund
from orders.moving_money import under_way
from orders.operations import lock_order, record_refund
from payments.models import GatewayCall, PaymentIntent
from payments.operations.accounts import gateway_of
from payments.operations.calling import ask_for_refund, refundable, send
from payments.operations.credit import refund_to_credit
from payments.states import OPEN_CALLS, CallKind, CallState

#: Ways back besides one payment (its id): through gateways as far as they reach, by hand alone, or as the customer's store credit.
AUTO, HAND, CREDIT = "auto", "hand", "credit"


@dataclass(frozen=True, slots=True)
class Part:
    """What goes back through one payment. target: the gateway's name of the capture, where it wants one."""

    intent: PaymentIntent
    amount: Decimal
    target: str = ""


@dataclass(slots=True)
class PaidBack:
    """What came of it. by_hand: recorded, and to be paid by a person. calls: what was asked of gateways."""

    by_hand: Refund | None = None
    calls: list[GatewayCall] = field(default_factory=list)

    def total(self, *states: str) -> Decimal:
        """The sum of the calls in these states."""
        return sum((call.amount or Decimal(0) for call in self.calls if call.state in states), Decimal(0))

    @property
    def done(self) -> Decimal:
        return self.total(CallState.SUCCEEDED) + (self.by_hand.amount if self.by_hand else Decimal(0))

    @property
    def waiting(self) -> Decimal:
        return self.total(*OPEN_CALLS)

    @property
    def refused(self) -> list[GatewayCall]:
        return [call for call in self.calls if call.state == CallState.REFUSED]


def payments_to_refund(order: Order) -> list[tuple[PaymentIntent, Decimal]]:
    """Payments through which money can go back, newest first, each with how much."""
    rows = order.payment_intents.filter(captured__gt=0).select_related("account").order_by("-created_at", "-pk")
    found = [(intent, refundable(intent)) for intent in rows]
    return [(intent, left) for intent, left in found if left > 0]


def plan_refund(order: Order, amount: Decimal, via: str) -> tuple[list[Part], Decimal]:
    """How `amount` goes back: parts through gateways, and what is left to be paid by hand.

    via: AUTO, HAND, CREDIT, or the id of one payment. Raises Refusal `over_refund` where that payment cannot bear it, Invalid for none.
    """
    if via in (HAND, CREDIT):
        return [], amount
    payments = payments_to_refund(order)
    if via != AUTO:
        payments = [(intent, left) for intent, left in payments if str(intent.pk) == via]
        if not payments:
            raise Invalid("no_such_payment", _("Nothing can go back through this payment."), field="via")
        if payments[0][1] < amount:
            left = format_money(payments[0][1], order.currency)
            raise Refusal("over_refund", _("At most {left} can go back this way.").format(left=left), field="amount")
    parts: list[Part] = []
    rest = amount
    for intent, left in payments:
        for part in _split(intent, min(rest, left)):
            parts.append(part)
            rest -= part.amount
    return parts, rest


def _split(intent: PaymentIntent, amount: Decimal) -> list[Part]:
    """By capture, newest first, where the gateway refunds captures; else as one."""
    if amount <= 0:
        return []
    if not gateway_of(intent.account).refunds_by_capture:
        return [Part(intent, amount)]
    parts = []
    gone = dict(
        intent.calls.filter(kind=CallKind.REFUND, state__in=[CallState.SUCCEEDED, *sorted(OPEN_CALLS)])
        .values_list("target")
        .annotate(total=Sum("amount"))
    )
    captures = intent.calls.filter(kind=CallKind.CAPTURE, state=CallState.SUCCEEDED).order_by("-pk")
    for capture in captures:
        part = min(amount, (capture.amount or Decimal(0)) - gone.get(capture.reference, Decimal(0)))
        if part > 0:
            parts.append(Part(intent, part, capture.reference))
            amount -= part
    return parts


def pay_back(
    *,
    order_id: int,
    amount: Decimal,
    reason: str,
    cause: str = "",
    key: str,
    lines: Mapping[int, int] | None = None,
    via: str = AUTO,
    actor: Actor,
    now: datetime,
) -> PaidBack:
    """Give `amount` back. What goes through a gateway is recorded on the order once the gateway says it is done; what is paid by
    hand at once. Not inside a transaction. The same key again does nothing more and answers what became of it, unless the gateways
    refused all of it: then it is tried anew.

    lines: order line id → units the money is for. Raises Invalid or Refusal `over_refund`, and nothing was asked of anybody then.
    """
    done = PaidBack()
    fresh: list[GatewayCall] = []
    with transaction.atomic():
        order = lock_order(order_id)
        group = list(_calls_of(order, key))
        earlier = [call for call in group if call.state != CallState.REFUSED]
        if earlier or order.refunds.filter(key=key).exists():
            done.calls, done.by_hand = earlier, order.refunds.filter(key=_hand_key(key, bool(earlier))).first()
            return done
        _check(order, amount, lines or {})
        parts, rest = plan_refund(order, amount, via)
        for number, part in enumerate(parts):
            purpose = {
                "reason": reason,
                "cause": cause,
                "group": key,
                "key": key if number == 0 else f"{key}#{number + 1}",
                "lines": {str(line): units for line, units in (lines or {}).items()} if number == 0 else {},
            }
            call, new = ask_for_refund(
                intent_id=part.intent.pk, amount=part.amount, target=part.target, purpose=purpose,
                key=f"refund:{order.pk}:{purpose['key']}:{len(group)}", actor=actor, now=now,
            )  # fmt: skip
            fresh += [call] if new else []
        if rest:
            record = refund_to_credit if via == CREDIT else record_refund
            done.by_hand = record(
                order_id=order_id, amount=rest, reason=reason, cause=cause, key=_hand_key(key, bool(parts)),
                lines=None if parts else lines, actor=actor, now=now,
            )  # fmt: skip
    done.calls = [send(call, now=now) for call in fresh]
    return done


def _calls_of(order: Order, key: str) -> list[GatewayCall]:
    rows = GatewayCall.objects.filter(intent__order=order, kind=CallKind.REFUND, purpose__group=key)
    return list(rows.select_related("intent__account").order_by("pk"))


def _hand_key(key: str, beside_gateways: bool) -> str:
    return f"{key}#hand" if beside_gateways else key


def _check(order: Order, amount: Decimal, lines: Mapping[int, int]) -> None:
    """What would be refused when it is recorded is refused before anybody is asked for money."""
    left = order.captured_total - order.refunded_total - under_way(order).refunds
    if amount > left:
        text = format_money(max(left, Decimal(0)), order.currency)
        raise Refusal("over_refund", _("At most {left} can be refunded.").format(left=text), field="amount")
    room = {line.pk: line.ordered - line.refunded for line in order.lines.filter(pk__in=list(lines))}
    for line_id, units in lines.items():
        if not 0 <= units <= room.get(line_id, -1):
            raise Invalid("bad_units", _("More units than were ordered."), field=f"line-{line_id}")
