"""Which units of an order its customer may still send back, and until when."""

from __future__ import annotations

import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from core.models import Shop
from fulfillment.models import Direction, FulfillmentLine, Shipment
from fulfillment.states import ShipmentState
from orders.models import Order, OrderLine


@dataclass(frozen=True, slots=True)
class ReturnWindow:
    """The merchant's policy: so many days after delivery, days counted in the merchant's zone."""

    days: int
    zone: tzinfo
    auto_approve: bool

    def last_day(self, since: datetime) -> date:
        """The last day on which units that arrived at `since` may be returned."""
        return since.astimezone(self.zone).date() + timedelta(days=self.days)

    def is_open(self, since: datetime, now: datetime) -> bool:
        return now.astimezone(self.zone).date() <= self.last_day(since)


@dataclass(frozen=True, slots=True)
class ReturnableLine:
    """An order line of which units may come back.

    quantity: how many now. until: the last day for the latest of them. sent: units sent and not yet asked back, whatever the day.
    mates: lines of the same bundle that are sent at all, itself among them; without a bundle 1.
    """

    line: OrderLine
    quantity: int
    sent: int
    until: date | None
    mates: int = 1


def return_window(shop: Shop | None = None) -> ReturnWindow:
    """The policy of the shop, read unless it is given; an installation without settings has the defaults."""
    shop = shop or Shop.objects.first() or Shop()
    return ReturnWindow(shop.return_window_days, zone_named(shop.time_zone), shop.auto_approve_returns)


def zone_named(name: str) -> tzinfo:
    """The zone of that name; UTC for one that this machine does not know."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return UTC


def returnable_lines(
    order: Order, *, window: ReturnWindow, now: datetime, lines: Iterable[OrderLine] | None = None
) -> list[ReturnableLine]:
    """The lines of which anything was sent and not yet asked back, in the order's sequence.

    Units count from the delivery of their parcel, or from its hand-over while it is not delivered. Units that were asked back
    before are taken to be the oldest, so that the latest parcels stay returnable for as long as they may.
    """
    all_lines = list(lines if lines is not None else order.lines.select_related("bundle").order_by("position"))
    sent_lines = [line for line in all_lines if line.requires_shipping and line.shipped > line.return_requested]
    if not sent_lines:
        return []
    batches = _batches(order)
    mates = Counter(line.bundle_id for line in all_lines if line.bundle_id and line.requires_shipping)
    offered = (_of_line(line, batches[line.pk], order=order, window=window, now=now) for line in sent_lines)
    return [replace(item, mates=mates[item.line.bundle_id]) if item.line.bundle_id else item for item in offered]


def _of_line(
    line: OrderLine, batches: list[tuple[datetime, int]], *, order: Order, window: ReturnWindow, now: datetime
) -> ReturnableLine:
    known = sum(units for _since, units in batches)
    if line.shipped > known:  # arrived shipped from an export: its day of completion is all that is known
        batches = [(order.completed_at or order.placed_at, line.shipped - known), *batches]
    within = [(since, units) for since, units in batches if window.is_open(since, now)]
    sent = line.shipped - line.return_requested
    quantity = min(sent, sum(units for _since, units in within))
    until = max((window.last_day(since) for since, _units in within), default=None) if quantity else None
    return ReturnableLine(line, quantity, sent, until)


def _batches(order: Order) -> dict[int, list[tuple[datetime, int]]]:
    """Order line id → (since when, units) of each parcel it was sent in."""
    arrived = dict(
        Shipment.objects.filter(order=order, direction=Direction.OUTBOUND)
        .exclude(state=ShipmentState.VOIDED)
        .values_list("fulfillment_order_id", "delivered_at")
    )
    rows = FulfillmentLine.objects.filter(fulfillment_order__order=order, shipped__gt=0).values_list(
        "order_line_id", "shipped", "fulfillment_order_id", "fulfillment_order__shipped_at"
    )
    batches: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for line_id, units, fulfillment_order_id, shipped_at in rows:
        batches[line_id].append((arrived.get(fulfillment_order_id) or shipped_at or order.placed_at, units))
    return batches
