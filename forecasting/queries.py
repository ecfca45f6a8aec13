"""What other apps ask the forecasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from forecasting.models import ForecastResult, ForecastSettings

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
