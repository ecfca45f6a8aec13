"""Keep the daily figures: days are marked by events and made anew from the orders, whole days at a time.

A mark is written after the orders are committed, and taken away in the transaction that reads them; whatever comes between is
marked again. So the figures are late by seconds at most, and never wrong for good.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection, transaction

from core.money import exponent
from core.shop import shop
from orders.queries import day_bounds, shop_zone
from reports.models import DailyFigure, StaleDay

#: Days made anew in one go.
DAYS_AT_ONCE = 31

_MARK = """
    INSERT INTO reports_staleday (day)
    SELECT DISTINCT (placed_at AT TIME ZONE %s)::date FROM orders_order WHERE id = ANY(%s)
     ORDER BY 1
        ON CONFLICT (day) DO NOTHING
"""
_MARK_ALL = """
    INSERT INTO reports_staleday (day)
    SELECT day FROM (SELECT DISTINCT (placed_at AT TIME ZONE %s)::date AS day FROM orders_order
                      UNION SELECT day FROM reports_dailyfigure) days
     ORDER BY 1
        ON CONFLICT (day) DO NOTHING
"""
# A rate in another currency than the shop's (of a shop that changed its own) says nothing: its order counts as one without a rate.
_MAKE = """
    INSERT INTO reports_dailyfigure (day, channel_id, currency, time_zone, orders, cancelled, revenue, refunded,
                                     own_currency, own_revenue, own_refunded, unrated, unrated_revenue)
    SELECT %(day)s, channel_id, currency, %(zone)s, count(*), count(*) FILTER (WHERE lifecycle = 'cancelled'),
           sum(revenue), sum(refunded), %(own)s,
           coalesce(sum(round(revenue * rate, %(decimals)s)), 0), coalesce(sum(round(refunded * rate, %(decimals)s)), 0),
           count(*) FILTER (WHERE rate IS NULL), coalesce(sum(revenue) FILTER (WHERE rate IS NULL), 0)
      FROM (SELECT o.channel_id, o.currency, o.lifecycle, o.total - o.cancelled_total AS revenue, o.refunded_total AS refunded,
                   CASE WHEN o.currency = %(own)s THEN 1 ELSE r.rate END AS rate
              FROM orders_order o
              LEFT JOIN orders_orderrate r ON r.order_id = o.id AND r.currency = %(own)s AND o.currency <> %(own)s
             WHERE o.placed_at >= %(start)s AND o.placed_at < %(end)s AND o.lifecycle <> 'draft') counted
     GROUP BY channel_id, currency
"""


def mark_days_of(order_ids: Sequence[int]) -> None:
    """Mark the days on which these orders were placed. In ascending order, so that concurrent handlers never deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [shop_zone().key, list(order_ids)])


def mark_every_day() -> None:
    """Mark every day that has orders or figures: after the shop's zone changed, or data came in past the events."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_ALL, [shop_zone().key])


def refresh_figures() -> int:
    """Make the figures of some marked days anew; the number of days. Nothing to do is 0. Safe to run in many workers at once."""
    zone, own = shop_zone(), shop().currency
    if DailyFigure.objects.exclude(time_zone=zone.key, own_currency=own).exists():
        mark_every_day()
    with transaction.atomic():
        marked = list(StaleDay.objects.select_for_update(skip_locked=True).order_by("-day")[:DAYS_AT_ONCE])
        StaleDay.objects.filter(pk__in=[mark.pk for mark in marked]).delete()
        make_days((mark.day for mark in marked), zone, own)
    return len(marked)


def make_days(days: Iterable[date], zone: zoneinfo.ZoneInfo, own: str) -> None:
    """Make the figures of these days anew, in the caller's transaction. Days are the zone's: 23 or 25 hours long now and then.

    own: the shop's currency.
    """
    with connection.cursor() as cursor:
        for day in days:
            DailyFigure.objects.filter(day=day).delete()
            start, end = day_bounds(day, zone)
            cursor.execute(
                _MAKE,
                {"day": day, "zone": zone.key, "start": start, "end": end, "own": own, "decimals": exponent(own)},
            )
