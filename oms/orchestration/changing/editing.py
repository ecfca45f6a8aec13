"""The order being changed, in memory: what of it may still be changed, and what the changes want done with its stock.

Nothing is written here. `applying` changes it change by change; `writing` then puts it into the tables in one go.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.refusals import Invalid, Refusal
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.work import who_did
from fulfillment.states import ACTIVE_STATES, FulfillmentState
from oms.orchestration.changing.pricing import ZERO, channel_difference, units_left
from orders.models import Order, OrderBundle, OrderLine, TaxRate

#: Work that nobody has in hand: its units can be taken back.
FREE_STATES = frozenset({FulfillmentState.SCHEDULED, FulfillmentState.OPEN, FulfillmentState.ON_HOLD})
#: Work in somebody's hands. What a pick list says must not change under a picker.
IN_HAND = ACTIVE_STATES - FREE_STATES


@dataclass(slots=True)
class Edit:
    """A locked order with its lines and work, and the changes made to it so far.

    free: line id → units that nobody has in hand: without a place, back-ordered, or in work that waits. in_hand: line id → the
    work that holds others. cancel: line id → units given up. splits: (from, to, units). added: lines whose units look for a place.
    """

    order: Order
    lines: dict[int, OrderLine]
    bundles: dict[int, OrderBundle]
    work: list[FulfillmentOrder]
    free: dict[int, int]
    in_hand: dict[int, list[FulfillmentOrder]]
    country_rates: dict[str, TaxRate]
    shipping_tax: Decimal
    difference: Decimal
    cancel: Counter[int] = field(default_factory=Counter)
    splits: list[tuple[int, int, int]] = field(default_factory=list)
    added: set[int] = field(default_factory=set)
    new: list[str] = field(default_factory=list)  # "new-1" → what it stands for, "12" or "bundle-5"
    new_lines: set[int] = field(default_factory=set)
    new_bundles: set[int] = field(default_factory=set)
    moved: bool = False  # it goes elsewhere
    faster: bool = False  # it goes by another service

    def copied(self) -> Edit:
        """As it is now, to go back to when a change is refused."""
        return Edit(
            copy.copy(self.order),
            {pk: copy.copy(line) for pk, line in self.lines.items()},
            {pk: copy.copy(bundle) for pk, bundle in self.bundles.items()},
            self.work, dict(self.free), self.in_hand, self.country_rates, self.shipping_tax, self.difference, Counter(self.cancel),
            list(self.splits), set(self.added), list(self.new), set(self.new_lines), set(self.new_bundles), self.moved, self.faster,
        )  # fmt: skip

    @property
    def currency(self) -> str:
        return self.order.currency

    @property
    def country_rate(self) -> Decimal:
        """The tax rate of the country that it goes to; 0 where none is known."""
        found = self.country_rates.get(self.order.ship_country)
        return found.rate if found else ZERO

    def parts(self, bundle_id: int) -> list[OrderLine]:
        """The lines of a bundle."""
        return [line for line in self.lines.values() if line.bundle_id == bundle_id]

    def find(self, reference: str) -> tuple[OrderBundle | None, list[OrderLine]]:
        """The line that a reference names, or the bundle with its lines. Raises Invalid."""
        if reference.startswith("new-"):
            n = int(reference[4:])
            reference = self.new[n - 1] if 0 < n <= len(self.new) else ""
        kind, _dash, number = reference.rpartition("-")
        if kind == "bundle" and (bundle := self.bundles.get(int(number))):
            return bundle, self.parts(bundle.pk)
        line = self.lines.get(int(number)) if number and not kind else None
        if line is None:
            message = _("That line is not part of order {number}.").format(number=self.order.number)
            raise Invalid("no_such_line", message, field="line")
        if line.bundle_id:
            message = _("{sku} is part of the bundle {bundle}, which is changed as a whole.")
            bundle_sku = self.bundles[line.bundle_id].sku
            raise Refusal("part_of_bundle", message.format(sku=line.sku, bundle=bundle_sku), field="line")
        return None, [line]

    def alone(self, reference: str) -> OrderLine:
        """The line that a reference names, where it must not be a bundle."""
        bundle, lines = self.find(reference)
        if bundle is not None:
            message = _("{sku} is a bundle: its price and its lines stay together. Give a discount instead.")
            raise Refusal("is_a_bundle", message.format(sku=bundle.sku), field="line")
        return lines[0]

    def changeable(self, bundle: OrderBundle | None, lines: Iterable[OrderLine]) -> int:
        """Units of a line, or whole bundles, that can still be changed."""
        if bundle is None:
            return sum(self.free[line.pk] for line in lines)
        return min(self.free[line.pk] // (line.per_bundle or 1) for line in lines)

    def why_not(self, lines: Iterable[OrderLine]) -> str:
        """Why units of these lines cannot be changed any more, as sentences: who has them in hand, how many have left."""
        told = []
        for line in lines:
            for work in self.in_hand.get(line.pk, ()):
                told.append(f"{work.number}: {who_did(work)}")
            if line.shipped:
                gone = ngettext("{n} unit of {sku} has left.", "{n} units of {sku} have left.", line.shipped)
                told.append(gone.format(n=line.shipped, sku=line.sku))
        return " ".join(dict.fromkeys(told))

    def refuse_started(self, bundle: OrderBundle | None, lines: Iterable[OrderLine]) -> None:
        """Price and discount are changed of a whole line, before any unit of it is in hand."""
        lines = list(lines)
        if any(units_left(line) > self.free[line.pk] for line in lines):
            name = bundle.sku if bundle else lines[0].sku
            message = _("The price of {sku} cannot change any more. {why}").format(sku=name, why=self.why_not(lines))
            raise Refusal("started", _with_advice(message, bundle, self.changeable(bundle, lines)), field="line")

    def refuse_in_hand(self) -> None:
        """Where and how it goes is changed while no parcel of it is being made for the old address or service."""
        held = [work for work in self.work if work.state in IN_HAND]
        if held:
            told = " ".join(f"{work.number}: {who_did(work)}" for work in held)
            message = _("A parcel is being made for it. {why} Change it when that has left or was taken back.")
            raise Refusal("parcel_in_hand", message.format(why=told))


def _with_advice(message: str, bundle: OrderBundle | None, free: int) -> str:
    if bundle is None and free:
        return message + " " + _("Split off the units that wait; their price can change.")
    return message + " " + _("Give money back with a refund instead.")


def open_edit(order: Order, *, lock: bool = True) -> Edit:
    """Read an order for changing it. Five statements. Its lines and active work are locked with it, unless it is only looked at."""
    sold, active = (
        order.lines.order_by("position"),
        FulfillmentOrder.objects.filter(order=order, state__in=ACTIVE_STATES),
    )
    if lock:
        sold = sold.select_for_update(no_key=True)
        active = active.select_for_update(of=("self",), no_key=True)
    lines = {line.pk: line for line in sold}
    bundles = {bundle.pk: bundle for bundle in order.bundles.order_by("position")}
    work = list(active.order_by("id"))
    by_id = {one.pk: one for one in work}
    free = {pk: _without_place(line) for pk, line in lines.items()}
    in_hand: dict[int, list[FulfillmentOrder]] = defaultdict(list)
    for one in FulfillmentLine.objects.filter(fulfillment_order__in=work, quantity__gt=0).order_by("id"):
        found = by_id[one.fulfillment_order_id]
        if found.state in FREE_STATES:
            free[one.order_line_id] += one.quantity - one.picked
        else:
            in_hand[one.order_line_id].append(found)
    rates = {rate.country: rate for rate in TaxRate.objects.all()}
    shipping_tax = order.tax_total - sum((line.tax for line in lines.values()), ZERO)
    return Edit(
        order, lines, bundles, work, free, dict(in_hand), rates, shipping_tax, channel_difference(order)
    )  # fmt: skip


def _without_place(line: OrderLine) -> int:
    """Units in no work: those that wait, and all of a line that is not shipped at all."""
    if not line.requires_shipping:
        return units_left(line) - line.return_requested
    return line.to_place + line.backordered
