"""What other apps ask the forecasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import F, Q, Sum

from forecasting.models import DailyDemand, ForecastResult, ForecastSettings, PastForecast, Stockout
from inventory.models import StockLevel

Key = tuple[int, int | None]  # (variant id, location id), None: in total


@dataclass(frozen=True, slots=True)
class ReorderBasis:
    """All that a reorder decision needs of one variant at one location, or in total. Units and days.

    reorder_point and order_up_to are of the stock position (available + incoming), not rounded to packs: that is the caller's.
    """

    variant_id: int
    location_id: int | None
    made_at: datetime
    model: str
    speed: str
    mean_daily: float
    p50_daily: float
    p90_daily: float
    lead_time_mean: float
    lead_time_sd: float
    lead_time_p90: float
    review_days: int
    service_level: float
    lead_demand_p50: float  # over lead time and review period
    lead_demand_p90: float
    reorder_point: int
    order_up_to: int
    tested: bool

    def days_of_cover(self, position: int) -> float | None:
        """How long so many units last at the expected demand; None where nothing is asked for."""
        return max(0, position) / self.mean_daily if self.mean_daily > 0 else None


_FIELDS = tuple(ReorderBasis.__dataclass_fields__)


def reorder_basis(keys: Iterable[Key]) -> dict[Key, ReorderBasis]:
    """The newest forecast of each key that has one. One statement, whatever the number of keys."""
    wanted = set(keys)
    rows = ForecastResult.objects.filter(variant_id__in={variant for variant, _location in wanted}).values(*_FIELDS)
    found = (ReorderBasis(**row) for row in rows)
    return {key: basis for basis in found if (key := (basis.variant_id, basis.location_id)) in wanted}


def forecast_settings() -> ForecastSettings:
    """How the shop reorders; defaults until somebody saves them."""
    return ForecastSettings.objects.first() or ForecastSettings()


#: Variants that are forecast: of two placeholders the first day of history. Bundles have no demand of their own.
WANTED = "v.active AND NOT v.is_bundle AND EXISTS (SELECT FROM forecasting_dailydemand d WHERE d.variant_id = v.id AND d.day >= %s)"


def variants_count(*, since: date) -> int:
    """How many variants a run of the job goes through."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM inventory_variant v WHERE {WANTED}", [since])  # noqa: S608 - a constant
        return int(cursor.fetchone()[0])


def demand_by_day(result: ForecastResult, *, days: int) -> dict[date, int]:
    """Demand of a forecast's series on its last days, cancelled units left out; days without any are missing."""
    rows = DailyDemand.objects.filter(
        variant_id=result.variant_id, day__gte=result.first_day - timedelta(days=days), day__lt=result.first_day
    )
    if result.location_id is not None:
        rows = rows.filter(location_id=result.location_id)
    return {
        row["day"]: row["units"]
        for row in rows.order_by("day").values("day").annotate(units=Sum(F("ordered") - F("cancelled")))
    }


def days_without_stock(result: ForecastResult, *, days: int) -> set[date]:
    """Whole days without stock among the last ones: at the location, or at every location that has the variant."""
    first = result.first_day - timedelta(days=days)
    levels = StockLevel.objects.filter(variant_id=result.variant_id, location__active=True)
    spans = Stockout.objects.filter(variant_id=result.variant_id, first_day__lt=result.first_day).exclude(
        last_day__lt=first
    )
    if result.location_id is not None:
        levels, spans = levels.filter(location_id=result.location_id), spans.filter(location_id=result.location_id)
    out: dict[int, set[date]] = {location_id: set() for location_id in levels.values_list("location_id", flat=True)}
    for location_id, since, end in spans.values_list("location_id", "first_day", "last_day"):
        last = min(end or result.first_day, result.first_day - timedelta(days=1))
        begin = max(since, first)
        if location_id in out:
            out[location_id] |= {begin + timedelta(days=n) for n in range((last - begin).days + 1)}
    return set.intersection(*out.values()) if out else set()


def past_forecasts(result: ForecastResult, *, limit: int = 26) -> list[PastForecast]:
    """Settled forecasts of the same series, the newest first."""
    place = Q(location__isnull=True) if result.location_id is None else Q(location_id=result.location_id)
    settled = PastForecast.objects.filter(place, variant_id=result.variant_id, actual__isnull=False)
    return list(settled.order_by("-first_day")[:limit])
