"""Orders from an export: new ones are placed as a batch; known ones catch up with what is safe, and say what is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money
from core.refusals import Refusal
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.import_outcomes import CREATED, UNCHANGED, UPDATED, Outcome, refused
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewOrder, Placed, Refused
from orders.models import Order, OrderLine
from orders.operations.payments import record_payment, record_refund
from orders.states import Lifecycle

ZERO = Decimal(0)


def import_orders(requests: Sequence[NewOrder], *, actor: Actor, now: datetime) -> list[Outcome]:
    """Place or update a batch of orders in one transaction; outcomes in the order of the requests.

    Finished ones (shipped, cancelled) arrive as history and touch no stock. The same order again is unchanged.
    """
    with transaction.atomic():
        known = _known(requests)
        outcomes: dict[int, Outcome] = {}
        new: list[int] = []
        for index, request in enumerate(requests):
            order = known.get((request.channel_id, request.external_id)) or known.get(
                (request.channel_id, request.number)
            )
            if order is None:
                new.append(index)
            else:
                outcomes[index] = _again(order, request, actor=actor, now=now)
        placed = place_orders([requests[index] for index in new], actor=actor, now=now)
        for index, answer in zip(new, placed, strict=True):
            outcomes[index] = _outcome(answer)
    return [outcomes[index] for index in range(len(requests))]


def _outcome(answer: Placed | Refused) -> Outcome:
    if isinstance(answer, Refused):
        return refused(answer.message, field=answer.field.rpartition(".")[2] or answer.field, line=answer.line)
    return Outcome(CREATED if answer.created else UNCHANGED)


def _known(requests: Sequence[NewOrder]) -> dict[tuple[int, str], Order]:
    """Orders that exist, by (channel, external id) and by (channel, number)."""
    lines = Prefetch("lines", queryset=OrderLine.objects.select_related("bundle").order_by("position"))
    channels = {request.channel_id for request in requests}
    by_number = Order.objects.filter(channel__in=channels, number__in={r.number for r in requests if r.number})
    by_id = Order.objects.filter(channel__in=channels, external_id__in={r.external_id for r in requests})
    found = {(order.channel_id, order.number): order for order in by_number.prefetch_related(lines)}
    return found | {(order.channel_id, order.external_id): order for order in by_id.prefetch_related(lines)}


def _again(order: Order, request: NewOrder, *, actor: Actor, now: datetime) -> Outcome:
    if order.external_id != request.external_id and order.number not in (order.external_id, request.external_id):
        message = _("This channel has another order called {number} already (its id is {id}).")
        return refused(message.format(number=order.number, id=order.external_id), field="name")
    news = _News(order, request)
    if reason := news.not_safe():
        return refused(_("Changed in the file, not applied: {reason}").format(reason=reason))
    if not news.any():
        return Outcome(UNCHANGED)
    try:
        with transaction.atomic():
            news.apply(actor=actor, now=now)
    except Refusal as refusal:
        return refused(_("Changed in the file, not applied: {reason}").format(reason=refusal.message))
    return Outcome(UPDATED)


@dataclass(slots=True)
class _Sold:
    """A line as the channel knows it. parts: our lines behind it, each with its units in one of the channel's."""

    sku: str
    quantity: int
    unit_price: Decimal
    parts: list[tuple[OrderLine, int]]


def _sold(lines: Iterable[OrderLine]) -> list[_Sold]:
    """Stored lines by position, the components of a bundle under it."""
    found: list[_Sold] = []
    bundles: dict[int, _Sold] = {}
    for line in lines:
        bundle = line.bundle
        if bundle is None:
            found.append(_Sold(line.sku, line.ordered, line.unit_price, [(line, 1)]))
        elif bundle.pk in bundles:
            bundles[bundle.pk].parts.append((line, line.per_bundle or 1))
        else:
            parts = [(line, line.per_bundle or 1)]
            bundles[bundle.pk] = _Sold(bundle.sku, bundle.quantity, bundle.unit_price, parts)
            found.append(bundles[bundle.pk])
    return found


class _News:
    """What a file says of a known order beyond what is stored. Work done here since is no difference: only where the file is ahead."""

    def __init__(self, order: Order, request: NewOrder) -> None:
        self.order, self.request = order, request
        self.sold = _sold(order.lines.all())
        self.cancelled = {
            line.pk: told.cancelled * per - line.cancelled
            for sold, told in zip(self.sold, request.lines, strict=False)
            for line, per in sold.parts
            if told.cancelled * per > line.cancelled
        }
        self.captured = _sum(p.amount for p in request.payments if p.kind == "capture") - order.captured_total
        self.authorized = _sum(p.amount for p in request.payments if p.kind != "capture") - order.authorized_total
        self.refunded = _sum(refund.amount for refund in request.refunds) - order.refunded_total

    def any(self) -> bool:
        return bool(self.cancelled) or max(self.captured, self.authorized, self.refunded) > 0

    def not_safe(self) -> str:
        """Why the news cannot be applied by itself; empty when it can."""
        order, request = self.order, self.request
        stored = [(sold.sku, sold.quantity, sold.unit_price) for sold in self.sold]
        if stored != [(line.sku, line.quantity, line.unit_price) for line in request.lines]:
            return _("its lines are others than those stored.")
        if request.total is not None and request.total != order.total:
            amounts = {
                "old": format_money(order.total, order.currency),
                "new": format_money(request.total, order.currency),
            }
            return _("its total is {new}, stored is {old}.").format(**amounts)
        left = [
            line.sku
            for sold, told in zip(self.sold, request.lines, strict=True)
            for line, per in sold.parts
            if told.shipped * per > line.shipped + line.cancelled
        ]
        if left:
            return _("{sku} was shipped elsewhere; its stock is still counted here. Ship it here or cancel it.").format(
                sku=left[0]
            )
        return ""

    def apply(self, *, actor: Actor, now: datetime) -> None:
        """Payments first, so that a refund has what it gives back; cancelling last, as it may complete the order."""
        order, request = self.order, self.request
        method = next((p.method for p in request.payments), "")
        reference = next((p.reference for p in request.payments), "")
        for kind, amount, total in (
            ("capture", self.captured, order.captured_total + self.captured),
            ("authorization", self.authorized, order.authorized_total + self.authorized),
        ):
            if amount > 0:
                record_payment(
                    order_id=order.pk, amount=amount, method=method, reference=reference, key=f"import:{kind}:{total.normalize():f}",
                    kind=kind, actor=actor, now=now,
                )  # fmt: skip
        if self.refunded > 0:
            key = f"import:refund:{(order.refunded_total + self.refunded).normalize():f}"
            record_refund(
                order_id=order.pk,
                amount=self.refunded,
                reason=_("Refunded in the channel"),
                key=key,
                actor=actor,
                now=now,
            )
        if self.cancelled and order.lifecycle == Lifecycle.OPEN:
            cancel_order(
                order_id=order.pk, units=self.cancelled, reason=_("Cancelled in the channel"), actor=actor, now=now
            )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
