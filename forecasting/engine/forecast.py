"""One series to its forecast: tested and chosen where the history allows it, by what its class teaches where not."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from forecasting.engine.backtest import as_json, backtest
from forecasting.engine.candidates import BLEND, Field, eligible
from forecasting.engine.pools import Pools
from forecasting.engine.reorder import Demand
from forecasting.engine.series import (
    Array,
    Series,
    demand_interval,
    dispersion,
    pattern_of,
    speed_of,
    squared_variation,
    weekday_profile,
)
from forecasting.limits import BACK_DAYS, HORIZON_DAYS

#: So many sales make a history: below, no model is fitted, and the mean of the known days is the forecast.
FEW_SALES, FEW_DAYS = 8, 56
LEAST_LENGTH = 28


@dataclass(frozen=True, slots=True)
class Forecast:
    """The days to come. path: expected demand of each. Errors are the back-test's (MASE of fortnights), 0 untested."""

    model: str
    speed: str
    pattern: str
    path: Array
    demand: Demand
    history_days: int
    stockout_days: int
    tested: bool
    error: float = 0.0
    naive_error: float = 0.0
    seasonal_naive_error: float = 0.0
    coverage_p90: float = 0.0
    backtest: dict[str, Any] | None = None

    @property
    def error_ratio(self) -> float:
        """Error over the seasonal naive's; 1 where both have none or nothing was tested."""
        if not self.tested:
            return 1.0
        if self.seasonal_naive_error <= 0:
            return 1.0 if self.error <= 0 else 9.99
        return min(9.99, self.error / self.seasonal_naive_error)


def forecast_series(series: Series, pools: Pools, *, days: int = HORIZON_DAYS) -> Forecast:
    """Forecast `days` days after the history's end. Longer histories than three years are cut at their old end."""
    series = series.last(BACK_DAYS)
    known = series.closed_up()
    interval, variation = demand_interval(known), squared_variation(known)
    sales = int(np.count_nonzero(known))
    counts: dict[str, Any] = {"history_days": len(series), "stockout_days": int((~series.open).sum())}
    if sales < FEW_SALES or len(known) < FEW_DAYS:
        return _from_little(series, pools, days, counts)
    speed, pattern = speed_of(interval), pattern_of(interval, variation)
    tested = backtest(series)
    names = eligible(series, interval=interval)
    if tested is None:
        chosen, drift = BLEND, pools.by_speed[speed].drift
    else:
        chosen = pools.choose(tested, speed)
        drift = pools.drift_of(tested, chosen, speed)
    path = Field(names if chosen == BLEND else [chosen], series).paths(series, days)[chosen]
    demand = Demand(float(path.mean()), dispersion(series.last(365)), drift)
    if tested is None:
        return Forecast(chosen, speed, pattern, path, demand, **counts, tested=False)
    return Forecast(
        chosen, speed, pattern, path, demand, **counts, tested=True,
        error=tested.mase(chosen), naive_error=tested.mase("naive"), seasonal_naive_error=tested.mase("seasonal_naive"),
        coverage_p90=tested.coverage(chosen, drift), backtest=as_json(tested, series, chosen=chosen, drift=drift),
    )  # fmt: skip


def _from_little(series: Series, pools: Pools, days: int, counts: dict[str, Any]) -> Forecast:
    """Fewer than eight sales or eight weeks: the mean of the known days, and a spread that says how little n sales tell (1/√n).

    A history begins with a sale, so a short one looks busier than it is: it counts as four weeks long at least.
    """
    known = series.closed_up()
    sales = int(np.count_nonzero(known))
    length = max(len(known), LEAST_LENGTH)
    speed = speed_of(length / sales if sales else float("inf"))
    level = float(known.sum()) / length
    path = level * weekday_profile(series)[series.weekdays(days)]
    drift = sqrt(pools.by_speed[speed].drift ** 2 + 1.0 / max(1, sales))
    return Forecast(
        "average" if sales else "none", speed, "new", path, Demand(float(path.mean()), dispersion(series), drift),
        **counts, tested=False,
    )  # fmt: skip


def share_of(total: Forecast, share: float, series: Series) -> Forecast:
    """A location that sells too little for a forecast of its own: its share of the total's.

    Orders go to one location whole, so a day's variance over its mean stays what it is in total (a thinned compound Poisson stream).
    """
    path = total.path * share
    sales = int(np.count_nonzero(series.closed_up()))
    drift = sqrt(total.demand.drift**2 + (1.0 - share) / max(1, sales))
    return Forecast(
        "share", speed_of(demand_interval(series.closed_up())), "new", path, Demand(float(path.mean()), total.demand.noise, drift),
        history_days=len(series), stockout_days=int((~series.open).sum()), tested=False,
    )  # fmt: skip
