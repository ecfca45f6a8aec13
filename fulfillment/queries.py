"""Reading for screens and paper: a constant number of statements, whatever the number of work orders."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Min, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from core.models import Shop
from fulfillment.documents.picklist import PickLine, PickList, bin_key
from fulfillment.documents.slips import Merchant, Slip, SlipLine
from fulfillment.members import Member, ShipToKey, members_of
from fulfillment.models import FulfillmentLine, FulfillmentOrder, Shipment, TrackingEvent
from fulfillment.states import ACTIVE_STATES, FulfillmentState
from inventory.models import StockLevel, Tracking
from inventory.tracing import ToTake, next_lots
from orders.groups import bundles_in, grouped
from orders.models import Order
from orders.states import Fulfillment

S = FulfillmentState
#: (variant id, location id) → bin
Bins = dict[tuple[int, int], str]


def queue() -> QuerySet[FulfillmentOrder]:
    """Work orders with what the queue shows of them."""
    return FulfillmentOrder.objects.select_related("order", "location")


def late(now: datetime) -> Q:
    """Active work that should have left by now."""
    return Q(state__in=[S.OPEN, S.PICKING, S.PICKED, S.PACKED], ship_by__lt=now)


def with_lines(fulfillment_order_ids: Iterable[int]) -> list[FulfillmentOrder]:
    """Work orders with order, channel, location and lines (`.lines.all()`, in the order's sequence), in the given order."""
    ids = list(fulfillment_order_ids)
    lines = (
        FulfillmentLine.objects.filter(quantity__gt=0)
        .select_related("order_line__bundle", "order_line__variant")
        .defer("order_line__variant__search", "order_line__variant__search_text")
        .order_by("order_line__position", "id")
    )
    found = (
        FulfillmentOrder.objects.filter(pk__in=ids)
        .select_related("order__channel", "location")
        .prefetch_related(Prefetch("lines", queryset=lines))
        .in_bulk()
    )
    return [found[pk] for pk in ids if pk in found]


def bins_of(fulfillment_orders: Sequence[FulfillmentOrder]) -> Bins:
    """Where the goods of these work orders lie."""
    variants = {line.order_line.variant_id or 0 for found in fulfillment_orders for line in found.lines.all()}
    locations = {found.location_id for found in fulfillment_orders}
    rows = StockLevel.objects.filter(variant_id__in=variants, location_id__in=locations).exclude(bin="")
    return {
        (variant, location): bin_name
        for variant, location, bin_name in rows.values_list("variant_id", "location_id", "bin")
    }


def bin_of(bins: Bins, line: FulfillmentLine, fulfillment_order: FulfillmentOrder) -> str:
    """The bin of a line's goods at its location, or an empty string."""
    return bins.get((line.order_line.variant_id or 0, fulfillment_order.location_id), "")


def lots_to_take(fulfillment_orders: Sequence[FulfillmentOrder], *, now: datetime) -> dict[int, list[ToTake]]:
    """Line id → the lots to take what is not picked yet from, for lines followed by lot; the work orders come from `with_lines`.

    Work orders asked together get different units. Two statements; none where nothing is followed by lot.
    """
    lines = [
        (line, found.location_id)
        for found in fulfillment_orders
        for line in found.lines.all()
        if line.quantity > line.picked and line.order_line.variant and line.order_line.variant.tracking == Tracking.LOT
    ]
    wanted = [((line.order_line.variant_id or 0, place), line.quantity - line.picked) for line, place in lines]
    return {line.pk: lots for (line, _place), lots in zip(lines, next_lots(wanted, now=now), strict=True)}


def lines_in_walk_order(fulfillment_order: FulfillmentOrder, bins: Bins) -> list[tuple[FulfillmentLine, str]]:
    """The lines with their bins in the order of the walk."""
    lines = [(line, bin_of(bins, line, fulfillment_order)) for line in fulfillment_order.lines.all()]
    return sorted(lines, key=lambda pair: (bin_key(pair[1]), pair[0].order_line.sku, pair[0].pk))


def in_pick_order(fulfillment_order_ids: Iterable[int]) -> list[int]:
    """The ids in the order of the walk: location, first bin (A-2 before A-10), SKU, then what is due first."""
    rows = (
        FulfillmentOrder.objects.filter(pk__in=list(fulfillment_order_ids))
        .annotate(first_sku=Min("lines__order_line__sku"))
        .values_list("location__rank", "location__name", "first_bin", "first_sku", "ship_by", "pk")
    )
    walk = sorted(rows, key=lambda row: (row[0], row[1], bin_key(row[2]), row[2], row[3] or "", row[4], row[5]))
    return [row[-1] for row in walk]


def merchant() -> Merchant:
    """Who sends, as printed; the shop's logo as a data URI."""
    shop = Shop.objects.select_related("logo").first()
    if shop is None:
        return Merchant(name=settings.MERCHANT_NAME)
    logo = ""
    if shop.logo is not None and shop.logo.content_type in ("image/png", "image/jpeg", "image/svg+xml"):
        logo = f"data:{shop.logo.content_type};base64,{base64.b64encode(bytes(shop.logo.data)).decode()}"
    return Merchant(name=shop.name or settings.MERCHANT_NAME, logo=logo, footer=shop.support_email)


def tracking_url(order: Order) -> str:
    """The customer's page about an order, as an address that works outside."""
    return settings.PUBLIC_URL + reverse("tracking", args=[order.token])


def slips_for(fulfillment_orders: Sequence[FulfillmentOrder]) -> dict[int, Slip]:
    """Packing slips by work order id; the work orders come from `with_lines`."""
    sender, bins, mates = merchant(), bins_of(fulfillment_orders), mates_of(fulfillment_orders)
    return {found.pk: _slip(found, sender, bins, mates.get(found.pk, [])) for found in fulfillment_orders}


def mates_of(fulfillment_orders: Sequence[FulfillmentOrder]) -> dict[int, list[Member]]:
    """Work order id → the others in its parcel, the lead first. One statement; none where nobody shares a parcel."""
    shared = [found.pk for found in fulfillment_orders if found.consolidation_id is not None]
    parcels: dict[int, list[Member]] = defaultdict(list)
    for member in members_of(shared) if shared else ():
        parcels[member.consolidation_id].append(member)
    return {one.pk: [other for other in parcel if other is not one] for parcel in parcels.values() for one in parcel}


def _slip(found: FulfillmentOrder, sender: Merchant, bins: Bins, mates: Sequence[Member]) -> Slip:
    order = found.order
    return Slip(
        number=found.number,
        order_number=order.number,
        ordered_on=order.placed_at.astimezone(ZoneInfo(order.channel.time_zone)).date(),
        merchant=sender,
        ship_to=tuple(order.ship_to.lines()),
        lines=tuple(_slip_lines(lines_in_walk_order(found, bins))),
        language=order.language,
        service=order.shipping_method,
        tracking_url=tracking_url(order),
        customer_note=order.customer_note,
        together=tuple(mate.order_number for mate in mates),
    )


def _slip_lines(lines: Sequence[tuple[FulfillmentLine, str]]) -> Iterator[SlipLine]:
    """The lines as printed: each where the walk comes to it, the components of a bundle together under its title."""
    for bundle, parts in grouped(lines, lambda pair: pair[0].order_line.bundle):
        count = bundles_in((line.quantity, line.order_line) for line, _bin in parts)
        for n, (line, bin_name) in enumerate(parts):
            heading = (bundle.title, count) if bundle and n == 0 else None
            sold = line.order_line
            yield SlipLine(sold.sku, sold.title, line.quantity, bin_name, part=bundle is not None, heading=heading)


def pick_list_for(
    fulfillment_orders: Sequence[FulfillmentOrder], *, number: str, language: str, now: datetime
) -> PickList:
    """One walk over these work orders; the units that are not picked yet."""
    bins, lots = bins_of(fulfillment_orders), lots_to_take(fulfillment_orders, now=now)
    names = sorted({found.location.name for found in fulfillment_orders})
    zone = fulfillment_orders[0].location.time_zone if fulfillment_orders else "UTC"
    totes = {pk: mates[0].lead_number for pk, mates in mates_of(fulfillment_orders).items() if mates}
    return PickList(
        number=number,
        location=", ".join(names),
        printed_at=now.astimezone(ZoneInfo(zone)),
        lines=tuple(
            PickLine(
                line.order_line.sku,
                line.order_line.title,
                bin_of(bins, line, found),
                line.quantity - line.picked,
                found.number,
                tote=tote if (tote := totes.get(found.pk, "")) != found.number else "",
                lots=tuple((lot.code, lot.expires_on, lot.units) for lot in lots.get(line.pk, ())),
            )
            for found in fulfillment_orders
            for line in found.lines.all()
            if line.quantity > line.picked
        ),
        language=language,
    )


def shipments_of(order_id: int) -> list[Shipment]:
    """An order's outbound parcels with packages and reports (newest first), for order page, API and portal. Three statements."""
    reports = TrackingEvent.objects.order_by("-at", "-id")
    return list(
        Shipment.objects.filter(order_id=order_id, direction="outbound")
        .exclude(state="voided")
        .select_related("fulfillment_order__location")
        .prefetch_related("packages", Prefetch("tracking", queryset=reports))
        .order_by("id")
    )


def next_work(fulfillment_order: FulfillmentOrder, states: Iterable[str]) -> int | None:
    """The work order to do after this one at the same location: the most urgent of those states that nobody else has."""
    return (
        FulfillmentOrder.objects.filter(location_id=fulfillment_order.location_id, state__in=list(states))
        .exclude(pk=fulfillment_order.pk)
        .exclude(order__fulfillment=Fulfillment.ON_HOLD)
        .order_by("ship_by", "id")
        .values_list("pk", flat=True)
        .first()
    )


def active_counts() -> dict[int, int]:
    """Location id → work orders that are still in the building."""
    rows = (
        FulfillmentOrder.objects.filter(state__in=ACTIVE_STATES).values_list("location_id").annotate(count=Count("id"))
    )
    return dict(rows)


_PICKED = """
    SELECT l.variant_id, fo.location_id, sum(fl.picked - fl.shipped)
      FROM fulfillment_fulfillmentorder fo
      JOIN fulfillment_fulfillmentline fl ON fl.fulfillment_order_id = fo.id AND fl.picked > fl.shipped
      JOIN orders_orderline l ON l.id = fl.order_line_id
      JOIN unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
        ON k.variant_id = l.variant_id AND k.location_id = fo.location_id
     WHERE fo.state IN ('scheduled', 'open', 'on_hold', 'picking', 'picked', 'packed') GROUP BY 1, 2
"""


def picked_units(keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Units of these (variant, location) that were picked and have not left: on hand, but in a tote or a carton. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_PICKED, [[key[0] for key in keys], [key[1] for key in keys]])
        return {(variant_id, location_id): units for variant_id, location_id, units in cursor.fetchall()}


# ---- merge and split -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mergeable:
    """Other work of the same customer, and why it cannot travel with this one, or "". state: the work order's."""

    fulfillment_order: FulfillmentOrder
    why_not: str


def mergeable_with(found: FulfillmentOrder) -> list[Mergeable]:
    """What else of the same customer waits, the most urgent first, what can travel with this work order before the rest. Two statements."""
    order = found.order
    same = Q(order__customer_id=order.customer_id) if order.customer_id else Q(order__email__iexact=order.email)
    rows = FulfillmentOrder.objects.filter(same, state__in=[S.OPEN, S.SCHEDULED, S.ON_HOLD, S.PICKING])
    others = rows.exclude(order=order).select_related("order", "location").annotate(
        door=ShipToKey(F("order__shipping_address"))
    )  # fmt: skip
    door = FulfillmentOrder.objects.filter(pk=found.pk).values_list(ShipToKey(F("order__shipping_address")), flat=True)
    key = door.get()
    waiting = [Mergeable(one, _why_apart(found, one, key)) for one in others.order_by("ship_by", "id")[:MOST_SHOWN]]
    return sorted(waiting, key=lambda one: one.why_not != "")


MOST_SHOWN = 50


def _why_apart(found: FulfillmentOrder, other: FulfillmentOrder, key: str) -> str:
    if other.location_id != found.location_id:
        return _("It lies at another location: {location}.").format(location=other.location.name)
    if other.state != S.OPEN or other.order.on_hold:
        state = _("On hold") if other.order.on_hold else other.get_state_display()
        return _("It is “{state}”.").format(state=state)
    if other.service != found.service:
        return _("It goes by another service.")
    if other.door != key:  # type: ignore[attr-defined]  # annotated
        return _("It goes to another address: {address}.").format(address=other.order.ship_to.one_line())
    if found.consolidation_id is not None and other.consolidation_id == found.consolidation_id:
        return _("It travels with this one already.")
    return ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that has some of the goods: for each of them (SKU, units that can be promised there)."""

    location_id: int
    name: str
    has: tuple[tuple[str, int], ...]

    @property
    def label(self) -> str:
        return f"{self.name} ({', '.join(f'{sku}: {units}' for sku, units in self.has)})"


def split_candidates(found: FulfillmentOrder) -> list[Candidate]:
    """Other locations in use that have any of a work order's goods and ship to its country, who has most of it first. One statement."""
    wanted = {line.order_line.variant_id: line for line in found.lines.all() if line.order_line.variant_id}
    levels = StockLevel.objects.filter(variant_id__in=wanted, available__gt=0, location__active=True)
    country = found.order.ship_country
    here = (
        levels.exclude(location=found.location_id).select_related("location").order_by("location__rank", "location_id")
    )
    has: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    names = {}
    for level in here:
        if level.location.ships_to and country not in level.location.ships_to:
            continue
        line = wanted[level.variant_id]
        names[level.location_id] = level.location.name
        has[level.location_id].append((line.order_line.sku, level.available, min(level.available, line.quantity)))
    best = sorted(has, key=lambda pk: -sum(units for _sku, _available, units in has[pk]))
    return [
        Candidate(pk, names[pk], tuple(sorted((sku, available) for sku, available, _units in has[pk]))) for pk in best
    ]


def siblings(found: FulfillmentOrder) -> list[FulfillmentOrder]:
    """Other work orders of the same order that nobody has begun, of the same service: what this one can be put back into."""
    rows = FulfillmentOrder.objects.filter(order=found.order_id, service=found.service, consolidation__isnull=True)
    rows = rows.filter(state=S.ON_HOLD) if found.state == S.ON_HOLD else rows.filter(state__in=[S.OPEN, S.SCHEDULED])
    return list(rows.exclude(pk=found.pk).select_related("location").order_by("id")[:MOST_SHOWN])
