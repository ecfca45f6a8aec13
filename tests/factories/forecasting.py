"""Forecasts and kept demand, as rows: what the pages, the API and other apps read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from forecasting.models import DailyDemand, ForecastResult
from inventory.models import Location, Variant
from tests.factories.shop import NOW

_CANDIDATES = [
    {"model": model, "mase": mase, "rmsse": 0.8, "pinball50": mase, "pinball90": 0.3, "coverage90": 0.9}
    for model, mase in (("ets", 0.5), ("blend", 0.6), ("seasonal_naive", 0.9), ("naive", 1.4))
]


def make_forecast(variant: Variant, location: Location | None = None, **fields: Any) -> ForecastResult:
    """A forecast of two units a day."""
    first = fields.pop("first_day", NOW.date())
    defaults: dict[str, Any] = {
        "made_at": NOW, "first_day": first, "model": "ets", "pattern": "smooth", "speed": "fast", "history_days": 365, "stockout_days": 10,
        "mean_daily": 2.0, "p50_daily": 2.0, "p90_daily": 4.0, "daily_variance": 2.5, "drift": 0.2,
        "horizon": {"mean": [2.0] * 56, "p50": [2.0] * 56, "p90": [4.0] * 56}, "lead_time_mean": 14.0, "lead_time_sd": 4.0, "lead_time_p90": 19.1,
        "review_days": 7, "service_level": 0.97, "lead_demand_p50": 41.0, "lead_demand_p90": 58.0, "reorder_point": 70, "order_up_to": 130,
        "position": 60, "days_of_cover": 30.0, "tested": True, "error": 0.5, "naive_error": 1.4, "seasonal_naive_error": 0.9,
        "error_ratio": 0.56, "coverage_p90": 0.9,
        "backtest": {"candidates": _CANDIDATES, "origins": [
            {"from": (first - timedelta(days=14 * n)).isoformat(), "days": 14, "mean": 28.0, "p50": 28.0, "p90": 36.0, "seasonal_naive": 30.0, "actual": 25.0 + n}
            for n in range(6, 0, -1)
        ]},
    }  # fmt: skip
    return ForecastResult.objects.create(variant=variant, location=location, **{**defaults, **fields})


def give_demand(
    variant: Variant, units: list[int], *, until: date, location: Location | None = None
) -> list[DailyDemand]:
    """Daily demand whose last day is the one before `until`; nothing where units are 0."""
    first = until - timedelta(days=len(units))
    return DailyDemand.objects.bulk_create(
        DailyDemand(variant=variant, location=location, day=first + timedelta(days=n), ordered=count)
        for n, count in enumerate(units)
        if count
    )
