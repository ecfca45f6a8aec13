"""Histories to rows: forecasts of a variant in total and at its locations, with what they say of reordering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite

import numpy as np

from forecasting.engine.forecast import FEW_DAYS, FEW_SALES, Forecast, forecast_series, share_of
from forecasting.engine.pools import Pools
from forecasting.engine.quantiles import quantiles
from forecasting.engine.reorder import LeadTime, plan_reorder
from forecasting.engine.series import Series
from forecasting.history import History, Place
from forecasting.limits import FORTNIGHT
from forecasting.models import ENDLESS, ForecastResult, ForecastSettings, PastForecast

#: Below this share of demand with a known location, a location's own series tells too little of it.
PLACED_ENOUGH = 0.8


@dataclass(frozen=True, slots=True)
class Made:
    """A forecast as rows: the newest, and what is kept of it to be held against what comes."""

    result: ForecastResult
    past: PastForecast


def make_forecasts(
    histories: Iterable[History], pools: Pools, settings: ForecastSettings, *, today: date, now: datetime
) -> Iterator[list[Made]]:
    """The rows of one variant after another. Slow: call it outside transactions."""
    for history in histories:
        total = forecast_series(history.total, pools)
        made = [_row(history, None, total, history.position, settings, today=today, now=now)]
        for place in history.places:
            if forecast := _at_place(place, total, pools):
                made.append(_row(history, place.location_id, forecast, place.position, settings, today=today, now=now))
        yield made


def _at_place(place: Place, total: Forecast, pools: Pools) -> Forecast | None:
    """Its own forecast where its series tells enough, else its share of the total; none where nothing is known of places."""
    if place.placed_share >= PLACED_ENOUGH and _tells_enough(place.series):
        return forecast_series(place.series, pools)
    return share_of(total, place.share, place.series) if place.share > 0 else None


def _tells_enough(series: Series) -> bool:
    return int(series.open.sum()) >= FEW_DAYS and int(np.count_nonzero(series.closed_up())) >= FEW_SALES


def _row(
    history: History,
    location_id: int | None,
    forecast: Forecast,
    position: int,
    settings: ForecastSettings,
    *,
    today: date,
    now: datetime,
) -> Made:
    lead, demand = history.lead, forecast.demand
    service = settings.service_of(forecast.speed)
    plan = plan_reorder(
        demand, lead, review_days=settings.review_days, cover_days=settings.cover_days, service_level=service,
        expected=expected_over(forecast, lead, settings.review_days),
    )  # fmt: skip
    by_day = [demand.quantiles_over(1, [0.5, 0.9], total=float(mean)) for mean in forecast.path]
    p50, p90 = demand.quantiles_over(1, [0.5, 0.9])
    cover = max(0, position) / demand.daily if demand.daily > 0 else ENDLESS
    result = ForecastResult(
        variant_id=history.variant_id, location_id=location_id, made_at=now, first_day=today, model=forecast.model,
        pattern=forecast.pattern, speed=forecast.speed, history_days=forecast.history_days, stockout_days=forecast.stockout_days,
        mean_daily=demand.daily, p50_daily=p50, p90_daily=p90, daily_variance=demand.noise * demand.daily, drift=demand.drift,
        horizon={"mean": [round(float(mean), 3) for mean in forecast.path], "p50": [q[0] for q in by_day], "p90": [q[1] for q in by_day]},
        lead_time_mean=lead.mean, lead_time_sd=lead.sd, lead_time_p90=lead.p90, review_days=settings.review_days, service_level=service,
        lead_demand_p50=plan.p50, lead_demand_p90=plan.p90, reorder_point=plan.reorder_point, order_up_to=plan.order_up_to,
        position=position, days_of_cover=min(ENDLESS, cover) if isfinite(cover) else ENDLESS, tested=forecast.tested,
        error=forecast.error, naive_error=forecast.naive_error, seasonal_naive_error=forecast.seasonal_naive_error,
        error_ratio=forecast.error_ratio, coverage_p90=forecast.coverage_p90, backtest=forecast.backtest or {},
    )  # fmt: skip
    return Made(result, _past(result, forecast))


def expected_over(forecast: Forecast, lead: LeadTime, review_days: float) -> float:
    """Mean demand over lead time and review period from the path; days beyond it are like its mean."""
    days = lead.mean + review_days
    whole = min(int(days), len(forecast.path))
    return float(forecast.path[:whole].sum()) + (days - whole) * forecast.demand.daily


def _past(result: ForecastResult, forecast: Forecast) -> PastForecast:
    """The fortnight to come, as the back-test would put it."""
    mean = float(forecast.path[:FORTNIGHT].sum())
    p50, p90 = quantiles(mean, forecast.demand.variance_over(FORTNIGHT, total=mean), (0.5, 0.9))
    last = date.fromordinal(result.first_day.toordinal() + FORTNIGHT - 1)
    return PastForecast(
        variant_id=result.variant_id, location_id=result.location_id, made_at=result.made_at, first_day=result.first_day,
        last_day=last, model=result.model, p50=p50, p90=p90,
    )  # fmt: skip
