"""What an order's page shows, gathered in a fixed number of statements: lines with the place of each unit, parcels, money, history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address
from core.models import User
from core.timeline import entries_for
from core.timeline_text import TimelineLine, lines_for
from fulfillment.models import Direction, FulfillmentLine, FulfillmentOrder, Shipment
from fulfillment.states import FULFILLMENT_MACHINE, FulfillmentState
from fulfillment.tracing import Contents, contents_of
from inventory.models import Tracking
from orders.amounts import line_value
from orders.groups import grouped
from orders.models import Hold, HoldLine, Note, Order, OrderBundle, OrderLine, PaymentRecord, Refund
from orders.offers import Offered, offers_for
from orders.panels import Shown, panels_for
from returns.models import Return
from routing.models import RoutingDecision
from routing.reading import sentences

DECISIONS_SHOWN = 3
TIMELINE_SHOWN = 100
_GONE = frozenset({FulfillmentState.SHIPPED, FulfillmentState.DELIVERED})


@dataclass(frozen=True, slots=True)
class Parcel:
    """One consignment with its tracking numbers."""

    shipment: Shipment
    numbers: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where some units of a line are, and why. badge: (registry, value); url leads to what made it so."""

    units: int
    text: str
    badge: tuple[str, str] | None = None
    url: str = ""
    link: str = ""
    tracking: str = ""
    tone: str = "neutral"


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line with its value and the places of its units; the units of the places add up to the units ordered."""

    line: OrderLine
    value: Decimal
    places: list[Place]
    product_id: int | None
    funnel: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class LineGroup:
    """A bundle with its components and what they are worth together; or a line by itself (bundle None)."""

    bundle: OrderBundle | None
    rows: list[LineRow]
    value: Decimal


@dataclass(frozen=True, slots=True)
class Work:
    """A work order of the order with its parcels."""

    fulfillment_order: FulfillmentOrder
    parcels: list[Parcel]
    units: list[tuple[str, Contents]] = field(
        default_factory=list
    )  # SKU → its lots and serial numbers, where they are known


@dataclass(frozen=True, slots=True)
class OpenHold:
    """What stops the order, or the lines with these SKUs; and who sees to it."""

    hold: Hold
    skus: list[str]
    owner: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A routing run: its sentence, and where its receipt is as JSON."""

    decision: RoutingDecision
    text: str
    url: str


@dataclass(slots=True)
class OrderPage:
    """Everything on the page."""

    order: Order
    lines: list[LineGroup]
    work: list[Work]
    payments: list[PaymentRecord]
    refunds: list[Refund]
    open_holds: list[OpenHold]
    notes: list[Note]
    returns: list[Return]
    decisions: list[Decision]
    timeline: list[TimelineLine]
    offers: list[Offered]
    panels: list[Shown]
    printable: bool
    ship_to: Address = field(default_factory=Address)
    bill_to: Address | None = None  # only where it is another one

    @property
    def has_rare(self) -> bool:
        """True when some acts stand in the menu behind the buttons."""
        return any(one.act.rare for one in self.offers)


def load_page(order: Order, user: User) -> OrderPage:
    """Gather the page of an order (loaded with channel and customer): at most eleven statements, whatever the order has.

    What the order's own columns say it cannot have is not asked for.
    """
    money = user.can("payments.view")

    sold = OrderLine.objects.filter(order=order).select_related("variant", "bundle__variant")
    wide = (f"{path}__{column}" for path in ("variant", "bundle__variant") for column in ("search", "search_text"))
    lines = list(sold.defer(*wide).order_by("position"))
    work_lines = list(
        FulfillmentLine.objects.filter(fulfillment_order__order=order)
        .select_related("fulfillment_order__location")
        .order_by("fulfillment_order_id", "id")
    )
    parcels = _parcels(order) if any(line.fulfillment_order.has_label for line in work_lines) else []
    work = _work(work_lines, parcels, _units_of(lines, work_lines))
    return OrderPage(
        order=order,
        lines=_groups([_line_row(order, line, work_lines, parcels) for line in lines]),
        work=work,
        payments=list(order.payments.order_by("at", "id")) if money else [],
        refunds=list(order.refunds.order_by("at", "id")) if money and order.refunded_total else [],
        open_holds=_open_holds(order, lines),
        notes=list(order.notes.order_by("-at", "-id")),
        returns=list(Return.objects.filter(order=order).order_by("-id")) if order.parcels else [],
        decisions=_decisions(order, lines),
        timeline=lines_for(entries_for(order.subject, limit=TIMELINE_SHOWN)),
        offers=offers_for(order, lines, user),
        panels=panels_for(order, user),
        printable=user.can("fulfillment.print") and any(is_printable(item.fulfillment_order) for item in work),
        ship_to=order.ship_to,
        bill_to=Address.from_json(order.billing_address)
        if order.billing_address not in ({}, order.shipping_address)
        else None,
    )


def _open_holds(order: Order, lines: Sequence[OrderLine]) -> list[OpenHold]:
    """Oldest first. A statement, and one more where a hold stops some lines only; none for an order without holds."""
    if not order.on_hold:
        return []
    holds = list(order.holds.filter(released_at__isnull=True).select_related("owner").order_by("at", "pk"))
    named: dict[int, list[str]] = defaultdict(list)
    if not all(hold.whole for hold in holds):
        skus = {line.pk: line.sku for line in lines}
        for hold_id, line_id in (
            HoldLine.objects.filter(hold__in=holds).values_list("hold_id", "line_id").order_by("pk")
        ):
            named[hold_id].append(skus.get(line_id, ""))
    return [OpenHold(hold, named[hold.pk], Actor.user(hold.owner).label if hold.owner else "") for hold in holds]


def is_printable(fulfillment_order: FulfillmentOrder) -> bool:
    """True while its label and slip may be printed."""
    return FULFILLMENT_MACHINE.why_not(fulfillment_order, "print") is None


def _parcels(order: Order) -> list[Parcel]:
    shipments = (
        Shipment.objects.filter(order=order, direction=Direction.OUTBOUND)
        .exclude(state="voided")
        .annotate(
            numbers=ArrayAgg(
                "packages__tracking_number", filter=Q(packages__isnull=False), default=[], order_by="packages__id"
            )
        )
        .order_by("id")
    )
    return [Parcel(shipment, shipment.numbers) for shipment in shipments]


def _units_of(
    lines: Sequence[OrderLine], work_lines: Sequence[FulfillmentLine]
) -> dict[int, list[tuple[str, Contents]]]:
    """Fulfillment order → (SKU, lots and serial numbers) of its lines; asked only where a variant is followed."""
    followed = {line.pk: line.sku for line in lines if line.variant and line.variant.tracking != Tracking.NONE}
    mine = [one for one in work_lines if one.order_line_id in followed and one.picked]
    units: dict[int, list[tuple[str, Contents]]] = defaultdict(list)
    contents = contents_of(mine)
    for one in mine:
        if contents[one.pk]:
            units[one.fulfillment_order_id].append((followed[one.order_line_id], contents[one.pk]))
    return units


def _work(
    work_lines: Sequence[FulfillmentLine],
    parcels: Sequence[Parcel],
    units: Mapping[int, list[tuple[str, Contents]]],
) -> list[Work]:
    orders = {line.fulfillment_order_id: line.fulfillment_order for line in work_lines}
    by_order: dict[int | None, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        by_order[parcel.shipment.fulfillment_order_id].append(parcel)
    return [Work(one, by_order[pk], units.get(pk, [])) for pk, one in orders.items()]


def _line_row(
    order: Order, line: OrderLine, work_lines: Iterable[FulfillmentLine], parcels: Sequence[Parcel]
) -> LineRow:
    here = [one for one in work_lines if one.order_line_id == line.pk and one.quantity]
    numbers = {parcel.shipment.fulfillment_order_id: parcel.numbers for parcel in parcels}
    product_id = line.variant.product_id if line.variant else None
    return LineRow(
        line,
        line_value(line, tax_included=order.tax_included),
        places_of(line, here, numbers),
        product_id,
        funnel_of(line),
    )


def _groups(rows: Sequence[LineRow]) -> list[LineGroup]:
    return [
        LineGroup(bundle, members, sum((row.value for row in members), Decimal(0)))
        for bundle, members in grouped(rows, lambda row: row.line.bundle)
    ]


def funnel_of(line: OrderLine) -> list[tuple[str, int]]:
    """How many units have reached at least each stage, as far as they have come; the order is that of their way."""
    stages = [
        (_("Allocated"), line.allocated),
        (_("Picked"), line.picked),
        (_("Packed"), line.packed),
        (_("Shipped"), line.shipped),
        (_("Delivered"), line.delivered),
        (_("Return requested"), line.return_requested),
        (_("Returned"), line.returned),
        (_("Refunded"), line.refunded),
    ]
    return [(name, units) for name, units in stages if units]


def places_of(
    line: OrderLine, work_lines: Iterable[FulfillmentLine], numbers: dict[int | None, list[str]]
) -> list[Place]:
    """Where each unit of a line is: at a location with its work order, in a parcel, waiting, or cancelled.

    numbers: fulfillment order id → tracking numbers. The units add up to `line.ordered`.
    """
    places = []
    shipped_here = 0
    for one in work_lines:
        fulfillment_order = one.fulfillment_order
        gone = fulfillment_order.state in _GONE
        units = (
            one.shipped
            if fulfillment_order.state in (FulfillmentState.CANCELLED, FulfillmentState.INCOMPLETE)
            else one.quantity
        )
        if not units:
            continue
        shipped_here += units if gone else 0
        places.append(
            Place(
                units,
                (_("left {location}") if gone else _("at {location}")).format(location=fulfillment_order.location.name),
                ("fulfillment", fulfillment_order.state),
                reverse("fulfillment-order", args=[fulfillment_order.pk]),
                fulfillment_order.number,
                ", ".join(numbers.get(fulfillment_order.pk, [])) if gone else "",
            )
        )
    return places + _other_places(line, shipped_here)


def _other_places(line: OrderLine, shipped_here: int) -> list[Place]:
    """Units without a work order."""
    elsewhere = line.shipped - shipped_here
    left = _("left before the order came here") if line.requires_shipping else _("nothing to ship")
    rest = (
        (elsewhere, left, "ok"),
        (line.backordered, _("back-ordered: waits for stock"), "bad"),
        (line.to_place, _("without a place: no location may ship it, or it was not routed yet"), "warn"),
        (line.cancelled, _("cancelled"), "neutral"),
    )
    return [Place(units, text, tone=tone) for units, text, tone in rest if units > 0]


def _decisions(order: Order, lines: Sequence[OrderLine]) -> list[Decision]:
    """The newest routing runs with their sentences. Two statements, or one where there are none."""
    found = list(RoutingDecision.objects.filter(order=order).order_by("-id")[:DECISIONS_SHOWN])
    if not found:
        return []
    skus = {line.variant_id: line.sku for line in lines if line.variant_id}
    told = sentences([one.receipt for one in found], skus)
    return [
        Decision(one, text, reverse("order-receipt", args=[order.pk, one.pk]))
        for one, text in zip(found, told, strict=True)
    ]
