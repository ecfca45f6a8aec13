"""What a customer is told about the parcels of an order: plain data, read with a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backorders.models import LinePromise
from fulfillment.carriers import carrier
from fulfillment.models import Direction, FulfillmentLine, FulfillmentOrder, Package, Shipment, TrackingEvent
from fulfillment.queries import mates_of
from fulfillment.states import FulfillmentState, ShipmentState
from orders.groups import bundles_in, grouped
from orders.models import Order, OrderLine

F, T = FulfillmentState, ShipmentState

#: What a carrier's code means to a customer, where the carrier said no more.
_EVENT_WORDS = {
    "label_purchased": gettext_lazy("The carrier was told about the parcel"),
    "in_transit": gettext_lazy("On its way"),
    "out_for_delivery": gettext_lazy("Out for delivery"),
    "delivered": gettext_lazy("Delivered"),
    "exception": gettext_lazy("The delivery did not work out"),
}


#: The step that a parcel in this state has reached; without a shipment it is being prepared, or sent.
_REACHED: dict[str, int] = {T.IN_TRANSIT: 2, T.EXCEPTION: 2, T.OUT_FOR_DELIVERY: 3, T.DELIVERED: 4}


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way. state: done, now, bad, or empty for what is still to come."""

    label: str
    state: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Units of one order line, or of a bundle with those of its components inside."""

    title: str
    sku: str
    quantity: int
    inside: tuple[Item, ...] = ()
    leaves_on: date | None = None  # promised, where it waits for goods


@dataclass(frozen=True, slots=True)
class Report:
    """One report of the carrier."""

    text: str
    place: str
    at: datetime


@dataclass(slots=True)
class Parcel:
    """One work order as the customer sees it: a parcel, sent or being prepared."""

    steps: list[Step]
    items: list[Item]
    sent: bool
    expected_from: date | None = None
    expected_on: date | None = None
    delivered_at: datetime | None = None
    carrier: str = ""
    tracking_numbers: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    problem: str = ""
    together: list[str] = field(default_factory=list)  # numbers of the customer's other orders in the same parcel

    @property
    def late(self) -> bool:
        """True while it is expected since a day that is over."""
        return self.delivered_at is None and self.expected_on is not None and self.expected_on < timezone.localdate()


@dataclass(slots=True)
class Progress:
    """All that an order's customer can ask about its goods.

    waiting: units with no parcel yet that wait for stock. preparing: units with no parcel yet that do not. earlier: units that were
    sent before this system kept the order. cancelled: units that will not come.
    """

    parcels: list[Parcel]
    waiting: list[Item]
    preparing: list[Item]
    earlier: list[Item]
    cancelled: list[Item]

    @property
    def several(self) -> bool:
        return len(self.parcels) > 1

    @property
    def to_come(self) -> bool:
        """True while units have no parcel yet."""
        return bool(self.waiting or self.preparing)


def progress_of(order: Order, lines: Sequence[OrderLine]) -> Progress:
    """The parcels of an order, sent ones first, and what is still to come. Six SQL statements, whatever its size; one more where
    other orders are in one of its parcels."""
    work = list(
        FulfillmentOrder.objects.filter(order=order)
        .exclude(state=F.CANCELLED)
        .order_by("id")
        .prefetch_related(
            Prefetch("lines", FulfillmentLine.objects.order_by("id")),
            Prefetch("shipments", _shipments(), to_attr="live_shipments"),
        )
    )
    by_id = {line.pk: line for line in lines}
    mates = mates_of(work)
    in_work: dict[int, int] = defaultdict(int)
    parcels = []
    for fulfillment_order in work:
        items = _items_of(fulfillment_order, by_id, in_work)
        if items:
            parcel = _parcel(order, fulfillment_order, items)
            parcel.together = [mate.order_number for mate in mates.get(fulfillment_order.pk, ())]
            parcels.append(parcel)
    parcels.sort(key=lambda parcel: not parcel.sent)
    return Progress(
        parcels=parcels,
        waiting=_with_days(order, _items(lines, lambda line: line.backordered)),
        preparing=_items(
            lines,
            lambda line: max(0, line.ordered - line.cancelled - line.backordered - max(line.shipped, in_work[line.pk])),
        ),
        earlier=_items(lines, lambda line: max(0, line.shipped - in_work[line.pk])),
        cancelled=_items(lines, lambda line: line.cancelled),
    )


def _with_days(order: Order, items: list[Item]) -> list[Item]:
    """What waits, with the day on which the last of it should leave; a bundle's is that of its last component."""
    if not items:
        return items
    rows = LinePromise.objects.filter(order=order).values_list("line__sku", "line__bundle__sku", "promised_on")
    days: dict[str, list[date | None]] = defaultdict(list)
    for sku, bundle, day in rows:
        days[bundle or sku].append(day)
    known = {sku: max(day for day in found if day) for sku, found in days.items() if found and all(found)}
    return [replace(item, leaves_on=known.get(item.sku)) for item in items]


def _shipments() -> Any:
    return (
        Shipment.objects.filter(direction=Direction.OUTBOUND)
        .exclude(state__in=(T.VOID_REQUESTED, T.VOIDED))
        .order_by("id")
        .prefetch_related(
            Prefetch("packages", Package.objects.order_by("id")),
            Prefetch("tracking", TrackingEvent.objects.order_by("-at", "-id")),
        )
    )


def _items(lines: Iterable[OrderLine], count: Any) -> list[Item]:
    return items_of([(units, line) for line in lines if (units := count(line)) > 0])


def items_of(units: Sequence[tuple[int, OrderLine]]) -> list[Item]:
    """Units of lines as a customer knows them: the components of a bundle inside it."""
    items: list[Item] = []
    for bundle, parts in grouped(units, lambda pair: pair[1].bundle):
        inside = [Item(line.title, line.sku, n) for n, line in parts]
        items += inside if bundle is None else [Item(bundle.title, bundle.sku, bundles_in(parts), tuple(inside))]
    return items


def _items_of(fulfillment_order: FulfillmentOrder, lines: dict[int, OrderLine], in_work: dict[int, int]) -> list[Item]:
    """The units of a work order; of one that was closed incomplete, only what it sent."""
    here = []
    for row in fulfillment_order.lines.all():
        units = row.shipped if fulfillment_order.state == F.INCOMPLETE else row.quantity
        if units:
            in_work[row.order_line_id] += units
            here.append((units, lines[row.order_line_id]))
    return items_of(here)


def _parcel(order: Order, fulfillment_order: FulfillmentOrder, items: list[Item]) -> Parcel:
    shipment = next(iter(fulfillment_order.live_shipments), None)  # type: ignore[attr-defined]  # prefetched by progress_of
    sent = fulfillment_order.shipped_at is not None
    parcel = Parcel(_steps(order, fulfillment_order, shipment if sent else None), items, sent)
    parcel.expected_from, parcel.expected_on = fulfillment_order.expected_from, fulfillment_order.expected_on
    if parcel.expected_on is None:
        parcel.expected_from, parcel.expected_on = order.expected_from, order.expected_on
    if shipment is None or not sent:
        return parcel
    if shipment.expected_on is not None:
        parcel.expected_from, parcel.expected_on = shipment.expected_from, shipment.expected_on
    parcel.delivered_at = shipment.delivered_at
    parcel.carrier = carrier_name(shipment.carrier)
    parcel.tracking_numbers = [package.tracking_number for package in shipment.packages.all()]
    parcel.reports = [report_of(event) for event in shipment.tracking.all()]
    if shipment.state == T.EXCEPTION:
        parcel.problem = next(
            (report_of(event).text for event in shipment.tracking.all() if event.code == "exception"), ""
        )
    return parcel


def report_of(event: TrackingEvent) -> Report:
    """A carrier's report in the customer's language; one that nobody has translated stays in the carrier's own words."""
    text = _(event.description) if event.description else str(_EVENT_WORDS.get(event.code, event.code))
    return Report(text, event.place, event.at)


def carrier_name(code: str) -> str:
    """The carrier as customers know it; its code where it is no longer set up."""
    try:
        return carrier(code).name
    except KeyError:
        return code


def _steps(order: Order, fulfillment_order: FulfillmentOrder, shipment: Shipment | None) -> list[Step]:
    """Ordered → being prepared → on its way → out for delivery → delivered, with the times that are known."""
    state = shipment.state if shipment else ""
    position = _REACHED.get(state, 1 if fulfillment_order.shipped_at is None else 2)
    out_at = _first_report(shipment, "out_for_delivery")
    times = [
        order.placed_at,
        None,
        fulfillment_order.shipped_at,
        out_at,
        shipment.delivered_at if shipment else None,
    ]
    labels = [_("Ordered"), _("Being prepared"), _("On its way"), _("Out for delivery"), _("Delivered")]
    return [
        Step(
            label,
            _step_state(index, position, failed=state == T.EXCEPTION),
            times[index] if index <= position else None,
        )
        for index, label in enumerate(labels)
    ]


def _step_state(index: int, position: int, *, failed: bool) -> str:
    if index < position or position == 4:
        return "done"
    if index > position:
        return ""
    return "bad" if failed else "now"


def _first_report(shipment: Shipment | None, code: str) -> datetime | None:
    if shipment is None:
        return None
    return min((event.at for event in shipment.tracking.all() if event.code == code), default=None)
