"""What goods cost, read: cost of goods sold of a period, what stock is worth now and where, what one unit costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection

from core.models import Shop
from core.money import quantize
from core.shop import shop
from purchasing.models import CostMethod, CostSettings

By = Literal["day", "sku"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class CostRow:
    """One day or one SKU of a report. cost: of what was sold, less returns, with late costs of goods sold before; losses apart."""

    key: str
    variant_id: int | None
    units: int
    cost: Decimal
    losses: Decimal


@dataclass(frozen=True, slots=True)
class CostOfGoods:
    """Cost of goods sold from `first` to `last` (both included), in days of the shop's zone and its currency."""

    first: date
    last: date
    currency: str
    rows: list[CostRow]
    units: int
    cost: Decimal
    losses: Decimal
    more: bool


@dataclass(frozen=True, slots=True)
class PlaceValue:
    """What stock at a location is worth; location None: on its way between ours, and rounding."""

    location_id: int | None
    name: str
    units: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class StockValue:
    """What stock is worth now; places sum to the whole. unknown_units: valued at nothing, for nobody said what they cost."""

    currency: str
    units: int
    value: Decimal
    unknown_units: int
    places: list[PlaceValue]


def cost_method() -> str:
    """The method that reports read: "average" or "fifo"."""
    return CostSettings.objects.values_list("method", flat=True).first() or CostMethod.AVERAGE


def zone_of(own: Shop) -> ZoneInfo:
    """The zone in which the shop counts its days."""
    try:
        return ZoneInfo(own.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def cost_of_goods_sold(
    first: date, last: date, *, by: By = "day", method: str | None = None, limit: int = 400
) -> CostOfGoods:
    """Cost of goods sold between two days, by day (newest first) or by SKU (dearest first); the sums are of all rows.

    method: "average" or "fifo"; the shop's own when left out. Raises ValueError for another one.
    """
    own = shop()
    method = method or cost_method()
    if method not in CostMethod.values:
        raise ValueError(f"unknown cost method {method!r}")
    zone = zone_of(own)
    start = datetime.combine(first, time.min, tzinfo=zone)
    end = datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone)
    sums = _sums(method, by)
    with connection.cursor() as cursor:
        if by == "day":
            cursor.execute(sums, [zone.key, start, end, own.currency])
        else:
            cursor.execute(sums, [start, end, own.currency])
        found = cursor.fetchall()
    rows = [CostRow(str(row[0]), row[1], int(row[2]), row[3], row[4]) for row in found]
    return CostOfGoods(
        first, last, own.currency, rows[:limit], sum(r.units for r in rows), sum((r.cost for r in rows), ZERO),
        sum((r.losses for r in rows), ZERO), len(rows) > limit,
    )  # fmt: skip


def _sums(method: str, by: By) -> str:
    expense = f"{method}_expense"  # one of our own two column names
    what = f"""
           -coalesce(sum(e.quantity) FILTER (WHERE e.kind IN ('sale', 'return')), 0) AS units,
           coalesce(sum(e.{expense}) FILTER (WHERE e.kind IN ('sale', 'return', 'revaluation')), 0) AS cost,
           coalesce(sum(e.{expense}) FILTER (WHERE e.kind = 'loss'), 0) AS losses
      FROM purchasing_costentry e"""
    which = "e.at >= %s AND e.at < %s AND e.currency = %s AND e.kind IN ('sale', 'return', 'revaluation', 'loss')"
    if by == "day":
        return (
            f"SELECT (e.at AT TIME ZONE %s)::date AS day, NULL::bigint, {what} WHERE {which} GROUP BY 1 ORDER BY 1 DESC"
        )
    return (
        f"SELECT v.sku, v.id, {what} JOIN inventory_variant v ON v.id = e.variant_id WHERE {which} "
        "GROUP BY 1, 2 ORDER BY cost DESC, v.sku"
    )


_VALUES = """
    SELECT l.id, l.name, coalesce(sum(s.on_hand), 0)::bigint,
           coalesce(sum(CASE WHEN p.units > 0 THEN round(p.{method}_value * s.on_hand / p.units, 6) ELSE 0 END), 0)
      FROM inventory_stocklevel s
      JOIN purchasing_variantcost p ON p.variant_id = s.variant_id
      JOIN inventory_location l ON l.id = s.location_id
     WHERE s.on_hand > 0
     GROUP BY l.id, l.name ORDER BY 4 DESC, l.name
"""
_WHOLE = "SELECT coalesce(sum(units), 0)::bigint, coalesce(sum({method}_value), 0), coalesce(sum(unknown_units), 0)::bigint FROM purchasing_variantcost"


def stock_value(*, method: str | None = None) -> StockValue:
    """What stock is worth now, in all and by location: a location's units of a SKU at what one of it costs. Two statements."""
    own = shop()
    method = method or cost_method()
    if method not in CostMethod.values:
        raise ValueError(f"unknown cost method {method!r}")
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE.format(method=method))
        units, value, unknown = cursor.fetchone()
        cursor.execute(_VALUES.format(method=method))
        places = [
            PlaceValue(pk, name, int(n), quantize(worth, own.currency)) for pk, name, n, worth in cursor.fetchall()
        ]
    rest = PlaceValue(None, "", int(units) - sum(p.units for p in places), value - sum((p.value for p in places), ZERO))
    if rest.units or rest.value:
        places.append(rest)
    return StockValue(own.currency, int(units), value, int(unknown), places)


def unit_costs(variant_ids: Iterable[int], *, method: str | None = None) -> dict[int, Decimal]:
    """Variant id → what one unit in stock costs (4 decimals), in the shop's currency; the last known cost of what is not in stock.

    Variants of which nothing is known are left out. One statement, for pages and forecasts.
    """
    method = method or cost_method()
    if method not in CostMethod.values:
        raise ValueError(f"unknown cost method {method!r}")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT variant_id, round(CASE WHEN units > unknown_units THEN {method}_value / units ELSE last_unit_cost END, 4) "  # noqa: S608
            "FROM purchasing_variantcost WHERE variant_id = ANY(%s)",
            [list(variant_ids)],
        )
        return {variant_id: cost for variant_id, cost in cursor.fetchall() if cost is not None}
