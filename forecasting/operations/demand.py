"""Keep daily demand: days are marked by events and made anew from the orders, whole days at a time.

The same statement makes one marked day and the whole history, so keeping and rebuilding cannot disagree. Of an order line, the units that
a location has or had to ship are that location's; the rest has none (imported orders, back-orders, units to route, cancelled ones). A
bundle is no demand of its own: its components are order lines. Returns do not lower demand: the unit was wanted.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Min

from forecasting.models import DailyDemand, DemandState, StaleDemand
from forecasting.operations.stockouts import rebuild_stockouts
from orders.models import Order
from orders.queries import day_bounds, shop_zone

#: Days made anew in one go.
DAYS_AT_ONCE = 31
#: Orders committed while others looked: a change is looked at again until it is this old.
OVERLAP = timedelta(hours=1)

_MARK = """
    INSERT INTO forecasting_staledemand (day)
    SELECT DISTINCT (placed_at AT TIME ZONE %s)::date FROM orders_order WHERE id = ANY(%s)
     ORDER BY 1
        ON CONFLICT (day) DO NOTHING
"""
_MARK_CHANGED = """
    INSERT INTO forecasting_staledemand (day)
    SELECT DISTINCT (placed_at AT TIME ZONE %s)::date FROM orders_order WHERE updated_at >= %s
     ORDER BY 1
        ON CONFLICT (day) DO NOTHING
"""
_MAKE = """
    INSERT INTO forecasting_dailydemand (variant_id, location_id, day, ordered, cancelled, waiting)
    WITH line AS MATERIALIZED (
        SELECT l.id, l.variant_id, l.ordered, l.cancelled, l.backordered, (o.placed_at AT TIME ZONE %(zone)s)::date AS day
          FROM orders_order o
          JOIN orders_orderline l ON l.order_id = o.id
          JOIN inventory_variant v ON v.id = l.variant_id AND NOT v.is_bundle
         WHERE o.placed_at >= %(start)s AND o.placed_at < %(end)s AND o.lifecycle <> 'draft'
    ), placed AS (
        SELECT line.id, fo.location_id, line.variant_id, line.day,
               sum(CASE WHEN fo.state IN ('cancelled', 'incomplete') THEN fl.shipped ELSE fl.quantity END) AS units
          FROM line
          JOIN fulfillment_fulfillmentline fl ON fl.order_line_id = line.id
          JOIN fulfillment_fulfillmentorder fo ON fo.id = fl.fulfillment_order_id
         GROUP BY line.id, fo.location_id, line.variant_id, line.day
    ), part AS (
        SELECT variant_id, location_id, day, units AS ordered, 0 AS cancelled, 0 AS waiting FROM placed WHERE units > 0
         UNION ALL
        SELECT line.variant_id, NULL, line.day, line.ordered - coalesce(p.units, 0), line.cancelled, line.backordered
          FROM line
          LEFT JOIN (SELECT id, sum(units) AS units FROM placed GROUP BY id) p ON p.id = line.id
         WHERE line.ordered > coalesce(p.units, 0)
    )
    SELECT variant_id, location_id, day, sum(ordered), sum(cancelled), sum(waiting) FROM part
     GROUP BY variant_id, location_id, day
"""


def mark_orders(order_ids: Sequence[int]) -> None:
    """Mark the days on which these orders were placed. In ascending order, so that concurrent handlers never deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [shop_zone().key, list(order_ids)])


def mark_changed_orders(*, now: datetime) -> None:
    """Mark the days of all orders that changed since this was last asked: routing and shipping move demand between locations."""
    with transaction.atomic():
        state = DemandState.objects.select_for_update().first()
        if state is None or state.orders_seen_at is None or state.time_zone != shop_zone().key:
            return  # the whole history is made anew
        with connection.cursor() as cursor:
            cursor.execute(_MARK_CHANGED, [state.time_zone, state.orders_seen_at - OVERLAP])
        state.orders_seen_at = now
        state.save(update_fields=["orders_seen_at"])


def refresh_demand(*, now: datetime) -> int:
    """Make the demand of some marked days anew; the number of days, 0 when nothing is left. Safe to run in many workers at once.

    The first time, and after the shop's zone changed, the whole history is made.
    """
    zone = shop_zone()
    state = DemandState.objects.first()
    if state is None or state.time_zone != zone.key:
        return rebuild_demand(now=now)
    with transaction.atomic():
        if _locked_state().time_zone != zone.key:
            return 1  # somebody is changing it just now: look again
        marked = list(StaleDemand.objects.select_for_update(skip_locked=True).order_by("-day")[:DAYS_AT_ONCE])
        days = [mark.day for mark in marked]
        StaleDemand.objects.filter(pk__in=[mark.pk for mark in marked]).delete()
        DailyDemand.objects.filter(day__in=days).delete()
        for day in days:
            _make(*day_bounds(day, zone), zone)
    return len(marked)


def rebuild_demand(*, now: datetime) -> int:
    """Make the whole history, and all days without stock, anew in one transaction; the number of days between its ends."""
    zone = shop_zone()
    with transaction.atomic():
        DemandState.objects.get_or_create(id=1, defaults={"time_zone": zone.key})
        state = _locked_state()
        StaleDemand.objects.all().delete()
        DailyDemand.objects.all().delete()
        days = _ends(zone)
        if days:
            _make(day_bounds(days[0], zone)[0], day_bounds(days[1], zone)[1], zone)
        rebuild_stockouts()
        state.time_zone, state.orders_seen_at = zone.key, now
        state.save()
    return (days[1] - days[0]).days + 1 if days else 0


def _locked_state() -> DemandState:
    """The lock of whoever makes kept demand: one at a time, before any of its rows."""
    return DemandState.objects.select_for_update().get()


def _ends(zone: zoneinfo.ZoneInfo) -> tuple[date, date] | None:
    ends = Order.objects.aggregate(first=Min("placed_at"), last=Max("placed_at"))
    if ends["first"] is None:
        return None
    return ends["first"].astimezone(zone).date(), ends["last"].astimezone(zone).date()


def _make(start: datetime, end: datetime, zone: zoneinfo.ZoneInfo) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, {"zone": zone.key, "start": start, "end": end})
