"""Read the kept demand of some variants as series: in total, and by location. A fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import numpy as np
from django.db import connection

from forecasting.engine.reorder import LeadTime
from forecasting.engine.series import Array, Series
from forecasting.limits import BACK_DAYS
from forecasting.models import DailyDemand, ForecastSettings, Stockout
from forecasting.queries import WANTED
from inventory.models import StockLevel
from orders.queries import shop_zone
from purchasing.models import SupplierItem

#: Days from which a location's share of the total is taken.
SHARE_DAYS = 180

_FIRST_KNOWN = """
    SELECT l.variant_id, l.location_id, m.at AT TIME ZONE %s
      FROM inventory_stocklevel l
      JOIN LATERAL (SELECT at FROM inventory_stockmovement m
                     WHERE m.variant_id = l.variant_id AND m.location_id = l.location_id ORDER BY id LIMIT 1) m ON true
     WHERE l.variant_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """One variant at one location: its series, its share of what the total sells, and its stock position."""

    location_id: int
    series: Series
    share: float
    placed_share: float  # of the total's demand since it began, how much is known to be some location's
    position: int


@dataclass(frozen=True, slots=True)
class History:
    """One variant: the total series ends yesterday. places: locations that stock it or sold it."""

    variant_id: int
    total: Series
    places: list[Place]
    position: int
    lead: LeadTime


def load_histories(variant_ids: Sequence[int], *, today: date, settings: ForecastSettings) -> list[History]:
    """Histories of the variants that were ever asked for, up to yesterday and at most `BACK_DAYS` long."""
    start = today - timedelta(days=BACK_DAYS)
    ids = sorted(set(variant_ids))
    rows = (
        DailyDemand.objects.filter(variant_id__in=ids, day__gte=start, day__lt=today)
        .order_by("variant_id", "day")
        .values_list("variant_id", "location_id", "day", "ordered", "cancelled")
    )
    stock = _Stock(ids, start, today)
    leads = lead_times(ids, settings)
    return [
        _history(variant_id, list(group), stock, leads[variant_id], start, today)
        for variant_id, group in groupby(rows, key=lambda row: row[0])
    ]


def _history(
    variant_id: int,
    rows: list[tuple[int, int | None, date, int, int]],
    stock: _Stock,
    lead: LeadTime,
    start: date,
    today: date,
) -> History:
    days = (today - start).days
    by_place: dict[int | None, Array] = {}
    for _variant, location_id, day, ordered, cancelled in rows:
        if location_id not in by_place:
            by_place[location_id] = np.zeros(days)
        by_place[location_id][(day - start).days] += ordered - cancelled
    total = np.sum(list(by_place.values()), axis=0)
    first = (rows[0][2] - start).days
    levels = stock.levels.get(variant_id, {})
    shares = {place: float(units[-SHARE_DAYS:].sum()) for place, units in by_place.items() if place is not None}
    located = sum(shares.values())
    places = []
    for location_id in sorted({place for place in by_place if place is not None} | set(levels)):
        units = by_place.get(location_id, np.zeros(days))
        begin = stock.first_known.get((variant_id, location_id), days)
        begin = min(begin, int(np.argmax(units > 0)) if units.any() else days)
        begin = max(first, min(begin, days - 1))
        wanted = total[begin:].sum()
        known = sum(by_place[place][begin:].sum() for place in shares)
        places.append(
            Place(
                location_id,
                Series(
                    start + timedelta(days=begin), units[begin:], stock.open_at(variant_id, location_id, days)[begin:]
                ),
                shares.get(location_id, 0.0) / located if located else 0.0,
                float(known / wanted) if wanted else 0.0,
                levels.get(location_id, 0),
            )
        )
    is_open = stock.open_anywhere(variant_id, days)
    series = Series(start + timedelta(days=first), total[first:], is_open[first:])
    return History(variant_id, series, places, sum(levels.values()), lead)


class _Stock:
    """Positions now, and the days without stock, of some variants. Three statements."""

    def __init__(self, variant_ids: list[int], start: date, today: date) -> None:
        self.levels: dict[int, dict[int, int]] = {}
        for variant_id, location_id, available, incoming in StockLevel.objects.filter(
            variant_id__in=variant_ids, location__active=True
        ).values_list("variant_id", "location_id", "available", "incoming"):
            self.levels.setdefault(variant_id, {})[location_id] = available + incoming
        self.first_known: dict[tuple[int, int], int] = {}
        with connection.cursor() as cursor:
            cursor.execute(_FIRST_KNOWN, [shop_zone().key, variant_ids])
            for variant_id, location_id, at in cursor.fetchall():
                self.first_known[(variant_id, location_id)] = max(0, (at.date() - start).days)
        self.out: dict[tuple[int, int], list[tuple[int, int]]] = {}
        spans = Stockout.objects.filter(variant_id__in=variant_ids, first_day__lt=today).exclude(last_day__lt=start)
        for variant_id, location_id, first, last in spans.values_list(
            "variant_id", "location_id", "first_day", "last_day"
        ):
            begin, end = max(0, (first - start).days), ((last or today) - start).days + 1
            self.out.setdefault((variant_id, location_id), []).append((begin, end))

    def open_at(self, variant_id: int, location_id: int, days: int) -> Array:
        """Whether the location could promise it; before its ledger begins nothing is known and it counts as able."""
        is_open = np.ones(days, dtype=bool)
        for begin, end in self.out.get((variant_id, location_id), ()):
            is_open[begin:end] = False
        return is_open

    def open_anywhere(self, variant_id: int, days: int) -> Array:
        """Whether any location could promise it: one whose ledger begins later could not, when another's says it had nothing."""
        keys = [key for key in self.first_known if key[0] == variant_id]
        out = [key for key in keys if key in self.out]
        if not out:
            return np.ones(days, dtype=bool)
        anywhere, said = np.zeros(days, dtype=bool), np.zeros(days, dtype=bool)
        for key in keys:
            is_open = self.open_at(*key, days)
            known = np.arange(days) >= self.first_known[key]
            anywhere |= is_open & known
            said |= known
        return anywhere | ~said


def lead_times(variant_ids: Sequence[int], settings: ForecastSettings) -> dict[int, LeadTime]:
    """The preferred supplier's lead time of each variant, else the only supplier's, else the shop's own setting."""
    usual = LeadTime(settings.lead_time_days, settings.lead_time_sd)
    found: dict[int, LeadTime] = dict.fromkeys(variant_ids, usual)
    items = (
        SupplierItem.objects.filter(variant_id__in=variant_ids, supplier__active=True)
        .order_by("variant_id", "preferred", "-id")  # the last one wins: the preferred, else the oldest
        .values_list("variant_id", "lead_time_days", "supplier__lead_time_days", "supplier__lead_time_spread")
    )
    for variant_id, own, usual_days, spread in items:
        days = usual_days if own is None else own
        found[variant_id] = LeadTime(float(max(1, days)), float(spread))
    return found


def variants_after(after: int, count: int, *, since: date) -> list[int]:
    """The next so many variants with demand, by id; bundles and inactive ones are no more forecast."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_VARIANTS, [after, since, count])
        return [row[0] for row in cursor.fetchall()]


def variants_sample(count: int, *, since: date, seed: str) -> list[int]:
    """So many variants with eight days of demand at least, the same for the same seed, in no order of interest."""
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, [since, seed, count])
        return [row[0] for row in cursor.fetchall()]


_NEXT_VARIANTS = f"SELECT v.id FROM inventory_variant v WHERE v.id > %s AND {WANTED} ORDER BY v.id LIMIT %s"  # noqa: S608 - constants
_SAMPLE = """
    SELECT variant_id FROM forecasting_dailydemand WHERE day >= %s GROUP BY variant_id HAVING count(*) >= 8
     ORDER BY md5(variant_id::text || %s) LIMIT %s
"""
