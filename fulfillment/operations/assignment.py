"""Give units of orders to locations as work orders, and take them back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Protocol

from django.db.models import Count, F

from core.actors import Actor
from core.bulk import copy_rows
from fulfillment.delivery.book import Book, take_work_ids
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.purchases import DEFAULT_CARRIER
from fulfillment.states import ACTIVE_STATES, FulfillmentState
from inventory.operations import Level
from orders.models import OrderLine


class Assigned(Protocol):
    """Units of a line given to a site (routing.engine.types.Allocation is one)."""

    line_id: int
    variant_id: int
    site_id: int
    quantity: int


class Terms(Protocol):
    """How a location works (inventory.models.Location is one)."""

    cutoff: time | None
    time_zone: str
    handling_days: int
    country: str


@dataclass(slots=True)
class Assignment:
    """The units of one order to be shipped. first_part: the number of its next fulfillment order."""

    order_id: int
    units: Sequence[Assigned]
    service: str
    country: str
    held: bool
    first_part: int = 1
    postal_code: str = ""
    earliest: date | None = None  # with `expected` the days between which the last parcel should arrive
    expected: date | None = None
    due: datetime | None = None
    numbers: list[str] = field(default_factory=list)


SERVICES = ("economy", "standard", "express")


def service_of(shipping_method: str) -> str:
    """Our service for what the channel called the shipping method."""
    words = shipping_method.lower()
    return next((service for service in SERVICES if service in words), "standard")


def create_fulfillment_orders(
    assignments: Sequence[Assignment],
    levels: Mapping[tuple[int, int], Level],
    terms: Mapping[int, Terms],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """One work order for each order and location, set-based. Fills `due`, `earliest`, `expected` and `numbers` of each assignment.

    levels: the locked levels of the units; their bins give the walking order. terms: how each location works.
    """
    parts = [(a, site_id, units) for a in assignments for site_id, units in _by_site(a.units).items()]
    ids, book = take_work_ids(len(parts))
    due_at = _due_at(book, {site_id: terms[site_id] for _a, site_id, _units in parts}, now=now)
    orders: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    ref, label = actor.ref, actor.label[:120]
    for id_, (a, site_id, units) in zip(ids, parts, strict=True):
        due, leaves = due_at[site_id]
        number = f"F{a.order_id}-{a.first_part + len(a.numbers)}"
        earliest, expected = book.expected(
            leaves,
            carrier=DEFAULT_CARRIER,
            service=a.service,
            from_country=terms[site_id].country,
            to_country=a.country,
            postal_code=a.postal_code,
        )
        a.numbers.append(number)
        a.due = min(a.due, due) if a.due else due
        a.earliest = max(a.earliest, earliest) if a.earliest else earliest
        a.expected = max(a.expected, expected) if a.expected else expected
        state = FulfillmentState.ON_HOLD.value if a.held else FulfillmentState.OPEN.value
        bins = [level.bin for unit in units if (level := levels.get((unit.variant_id, site_id))) and level.bin]
        total = sum(unit.quantity for unit in units)
        orders.append(
            (
                id_,
                a.order_id,
                site_id,
                number,
                state,
                a.service,
                total,
                min(bins, default=""),
                due,
                earliest,
                expected,
                now,
                now,
                ref,
                label,
            )
        )
        lines += [(id_, unit.line_id, unit.quantity, 0, 0, 0) for unit in units]
    copy_rows(FulfillmentOrder, _ORDER_COLUMNS, (row + _NEW for row in orders))
    copy_rows(
        FulfillmentLine, ("fulfillment_order_id", "order_line_id", "quantity", "picked", "packed", "shipped"), lines
    )


_ORDER_COLUMNS = (
    "id", "order_id", "location_id", "number", "state", "service", "units", "first_bin", "ship_by", "expected_from", "expected_on", "created_at",
    "state_at", "state_by", "state_by_label", "has_label", "assigned_to", "version",
)  # fmt: skip
_NEW = (False, "", 1)


def _due_at(book: Book, sites: Mapping[int, Terms], *, now: datetime) -> dict[int, tuple[datetime, date]]:
    """By when work given now should leave each site, and the day whose parcels it leaves with."""
    return {
        site: book.due(
            now, location_id=site, cutoff=place.cutoff, zone=place.time_zone, handling_days=place.handling_days
        )
        for site, place in sites.items()
    }


def _by_site(units: Sequence[Assigned]) -> dict[int, list[Assigned]]:
    sites: dict[int, list[Assigned]] = defaultdict(list)
    for unit in units:
        sites[unit.site_id].append(unit)
    return sites


def next_part(order_id: int) -> int:
    """The running number of the order's next fulfillment order (the order is locked, so nobody else takes it)."""
    return FulfillmentOrder.objects.filter(order_id=order_id).aggregate(n=Count("id"))["n"] + 1


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Units taken back from one location."""

    line_id: int
    variant_id: int
    location_id: int
    quantity: int


def withdraw_units(*, order_id: int, wanted: Mapping[int, int], actor: Actor, now: datetime) -> list[Withdrawn]:
    """Take unpicked units of order lines (line id → units) back from active work orders, the latest first.

    Fewer may come back than wanted: what is picked stays. Work orders that become empty are cancelled. The caller has locked the
    order, releases the reservations and lowers the lines' allocated counts.
    """
    active = list(
        FulfillmentOrder.objects.select_for_update(of=("self",), no_key=True)
        .filter(order_id=order_id, state__in=ACTIVE_STATES)
        .order_by("id")
    )
    lines = FulfillmentLine.objects.filter(fulfillment_order__in=active, order_line_id__in=wanted).order_by(
        "-fulfillment_order_id"
    )
    by_id = {fo.pk: fo for fo in active}
    variants = dict(OrderLine.objects.filter(pk__in=wanted).values_list("pk", "variant_id"))
    left = dict(wanted)
    taken: list[Withdrawn] = []
    for line in lines:
        units = min(left[line.order_line_id], line.quantity - line.picked)
        if units <= 0:
            continue
        left[line.order_line_id] -= units
        fulfillment_order = by_id[line.fulfillment_order_id]
        taken.append(Withdrawn(line.order_line_id, variants[line.order_line_id], fulfillment_order.location_id, units))
        fulfillment_order.units -= units
        FulfillmentLine.objects.filter(pk=line.pk).update(quantity=F("quantity") - units)
    for fulfillment_order in active:
        _close_if_empty(fulfillment_order, actor=actor, now=now)
    return taken


def _close_if_empty(fulfillment_order: FulfillmentOrder, *, actor: Actor, now: datetime) -> None:
    if fulfillment_order.units == 0:
        fulfillment_order.state = FulfillmentState.CANCELLED
        fulfillment_order.state_at, fulfillment_order.state_by, fulfillment_order.state_by_label = (
            now,
            actor.ref,
            actor.label[:120],
        )
    fulfillment_order.version += 1
    fulfillment_order.save(update_fields=["units", "state", "state_at", "state_by", "state_by_label", "version"])
