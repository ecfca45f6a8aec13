"""What a change does, as facts before and after: money, lines, stock by SKU and location, work orders, dates, people.

It holds no keys that a second run would number differently, so that the same change on the same order and stock has the same
effect, which its digest names.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from core.addresses import Address
from fulfillment.models import FulfillmentLine
from fulfillment.states import ACTIVE_STATES
from oms.orchestration.changing.pricing import discount_left, units_left
from orders.amounts import line_value, value_of_first
from orders.models import Order, OrderLine

#: Amounts of an order that are shown side by side, in their order.
AMOUNTS = (
    "subtotal", "discount_total", "shipping_total", "tax_total", "adjustment_total", "total", "cancelled_total", "current_total",
    "captured_total", "refunded_total", "owed_by_customer", "owed_to_customer",
)  # fmt: skip
_TEXTS = ("customer_name", "email", "phone", "shipping_method")


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line as it stands. units: not cancelled. discount and value are those of these units."""

    units: int
    unit_price: str
    discount: str
    tax: str
    value: str
    backordered: int
    unplaced: int


@dataclass(frozen=True, slots=True)
class LineEffect:
    """A line before and after; None where it was not there."""

    position: int
    sku: str
    title: str
    bundle: str
    before: LineFacts | None
    after: LineFacts | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class StockEffect:
    """Units of a SKU that are reserved more (or fewer) at a location; at no location: that wait more (or fewer) for stock."""

    sku: str
    location: str
    units: int


@dataclass(frozen=True, slots=True)
class WorkEffect:
    """What becomes of a work order. what: created, cancelled, or changed."""

    number: str
    location: str
    what: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Effect:
    """All that a change does. amounts and texts: name → [before, after]; amounts as decimal text."""

    currency: str
    amounts: dict[str, list[str]]
    lines: list[LineEffect] = field(default_factory=list)
    stock: list[StockEffect] = field(default_factory=list)
    work: list[WorkEffect] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    holds: dict[str, list[str]] = field(default_factory=dict)  # kinds of open holds, before and after

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the change."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Effect:
        """Read what was kept."""
        lines = [
            LineEffect(**{**line, **{side: LineFacts(**line[side]) if line[side] else None for side in ("before", "after")}})
            for line in data["lines"]
        ]  # fmt: skip
        stock = [StockEffect(**one) for one in data["stock"]]
        work = [WorkEffect(**one) for one in data["work"]]
        return cls(data["currency"], data["amounts"], lines, stock, work, data["texts"], data["holds"])

    def digest(self) -> str:
        """Names the effect: the same effect has the same digest."""
        text = json.dumps(self.to_json(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def amount(self, name: str) -> tuple[Decimal, Decimal]:
        """An amount before and after."""
        before, after = self.amounts[name]
        return Decimal(before), Decimal(after)


@dataclass(slots=True)
class Facts:
    """An order as the tables have it: read before and after."""

    order: Order
    lines: dict[int, tuple[OrderLine, str, LineFacts]]
    reserved: dict[tuple[str, str], int]
    waiting: dict[str, int]
    work: dict[str, tuple[str, int]]
    holds: list[str]


def read_facts(order_id: int) -> Facts:
    """Read what an effect is told by. Four statements."""
    order = Order.objects.get(pk=order_id)
    lines, waiting = {}, defaultdict(int)
    for line in OrderLine.objects.filter(order=order).select_related("bundle").order_by("position"):
        lines[line.pk] = line, line.bundle.sku if line.bundle else "", _line_facts(order, line)
        if line.backordered:
            waiting[line.sku] += line.backordered
    reserved, work = defaultdict(int), {}
    rows = FulfillmentLine.objects.filter(fulfillment_order__order=order, fulfillment_order__state__in=ACTIVE_STATES)
    for row in rows.select_related("fulfillment_order__location", "order_line").order_by("fulfillment_order_id", "id"):
        found = row.fulfillment_order
        work[found.number] = found.location.name, found.units
        if units := row.quantity - row.shipped:
            reserved[row.order_line.sku, found.location.name] += units
    holds = sorted(order.holds.filter(released_at__isnull=True).values_list("kind", flat=True))
    return Facts(order, lines, dict(reserved), dict(waiting), work, holds)


def _line_facts(order: Order, line: OrderLine) -> LineFacts:
    whole = line_value(line, tax_included=order.tax_included)
    cancelled = value_of_first(line, line.cancelled, tax_included=order.tax_included, currency=order.currency)
    return LineFacts(
        units_left(line), plain(line.unit_price), plain(discount_left(line, order.currency)), plain(line.tax), plain(whole - cancelled),
        line.backordered, line.to_place if line.requires_shipping else 0,
    )  # fmt: skip


def plain(amount: Decimal) -> str:
    """An amount as text, the same for the same value."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def effect_between(before: Facts, after: Facts) -> Effect:
    """What happened between two readings of an order."""
    amounts = {name: [plain(getattr(before.order, name)), plain(getattr(after.order, name))] for name in AMOUNTS}
    lines = []
    for pk, (line, bundle, facts) in after.lines.items():
        was = before.lines[pk][2] if pk in before.lines else None
        if was is None or was.units or facts.units:
            lines.append(LineEffect(line.position, line.sku, line.title, bundle, was, facts))
    return Effect(
        after.order.currency, amounts, lines, _stock(before, after), _work(before, after), _texts(before.order, after.order),
        {"before": before.holds, "after": after.holds} if before.holds != after.holds else {},
    )  # fmt: skip


def _stock(before: Facts, after: Facts) -> list[StockEffect]:
    found = [
        StockEffect(sku, location, units)
        for sku, location in sorted(before.reserved.keys() | after.reserved.keys())
        if (units := after.reserved.get((sku, location), 0) - before.reserved.get((sku, location), 0))
    ]
    return found + [
        StockEffect(sku, "", units)
        for sku in sorted(before.waiting.keys() | after.waiting.keys())
        if (units := after.waiting.get(sku, 0) - before.waiting.get(sku, 0))
    ]


def _work(before: Facts, after: Facts) -> list[WorkEffect]:
    found = []
    for number in sorted(before.work.keys() | after.work.keys()):
        location, was = before.work.get(number, after.work.get(number, ("", 0)))[0], before.work.get(number, ("", 0))[1]
        now = after.work.get(number, ("", 0))[1]
        if was != now:
            what = "created" if number not in before.work else "cancelled" if number not in after.work else "changed"
            found.append(WorkEffect(number, location, what, was, now))
    return found


def _texts(before: Order, after: Order) -> dict[str, list[str]]:
    pairs = {name: [getattr(before, name), getattr(after, name)] for name in _TEXTS}
    for name in ("shipping_address", "billing_address"):
        pairs[name] = [_address(before, name), _address(after, name)]
    for name in ("ship_by", "expected_from", "expected_on"):
        pairs[name] = [_moment(before, name), _moment(after, name)]
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _address(order: Order, name: str) -> str:
    # Part by part, and not as a country writes it: that would hide what its format leaves out.
    return "\n".join(Address.from_json(getattr(order, name)).to_json().values())


def _moment(order: Order, name: str) -> str:
    value = getattr(order, name)
    return value.isoformat() if value else ""
