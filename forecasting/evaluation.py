"""How good the forecasts are: the whole procedure, as it runs at night, put before days of the past that it has not seen.

At each cut everything is learned from the days before it alone: the pools, the choice of a model by its inner back-test, the spread. What
it then says of the next fortnight is held against what came, beside the naive and the seasonal naive forecast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import process_time
from typing import Any

import numpy as np

from forecasting.engine.backtest import backtest, pinball, speed_at, weekly_change
from forecasting.engine.candidates import BASELINES, Field
from forecasting.engine.forecast import FEW_DAYS, FEW_SALES, Forecast, forecast_series
from forecasting.engine.pools import Pools, learn_pools
from forecasting.engine.quantiles import quantiles
from forecasting.engine.series import Array, Series
from forecasting.limits import FORTNIGHT

SAMPLE = 300  # series of a class from which its pool is learned
RIVALS = ("ours", *BASELINES)


@dataclass(slots=True)
class Row:
    """A class: errors of ours and of both baselines. Means over series, each in units of its own week-to-week change."""

    name: str
    series: int = 0
    forecasts: int = 0
    rmsse: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RIVALS})
    mase: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RIVALS})
    pinball: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RIVALS})
    truth: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in RIVALS})
    hits50: list[float] = field(default_factory=list)
    hits90: list[float] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        def means(errors: dict[str, list[float]]) -> dict[str, float]:
            return {name: round(float(np.mean(values)), 3) for name, values in errors.items()}

        known = {"truth": means(self.truth)} if self.truth["ours"] else {}
        return known | {
            "class": self.name, "series": self.series, "forecasts": self.forecasts, "rmsse": means(self.rmsse),
            "mase": means(self.mase), "pinball": means(self.pinball), "coverage_p50": round(float(np.mean(self.hits50)), 3),
            "coverage_p90": round(float(np.mean(self.hits90)), 3), "models": dict(sorted(self.models.items(), key=lambda pair: -pair[1])),
        }  # fmt: skip


@dataclass(slots=True)
class Evaluation:
    """The table, and what it cost: CPU seconds of this process for so many forecasts."""

    rows: list[Row]
    forecasts: int
    cpu_seconds: float

    def as_json(self) -> dict[str, Any]:
        return {
            "classes": [row.as_json() for row in self.rows],
            "forecasts": self.forecasts,
            "cpu_seconds": round(self.cpu_seconds, 1),
            "forecasts_per_cpu_minute": round(self.forecasts / self.cpu_seconds * 60) if self.cpu_seconds else 0,
        }


def evaluate(
    named: Sequence[tuple[str, Series]],
    *,
    cuts: int = 3,
    horizon: int = FORTNIGHT,
    rates: Sequence[Array] | None = None,
) -> Evaluation:
    """named: (class, series); an empty class is filled with the speed of the series before the cut.

    rates: where the truth is known, the mean that made each series, day by day; what is expected is then held against it as well.
    """
    rows: dict[str, Row] = {}
    made, spent = 0, 0.0
    seen: set[tuple[str, int]] = set()
    for back in range(cuts, 0, -1):
        trains = [(n, kind, series.until(len(series) - back * horizon)) for n, (kind, series) in enumerate(named)]
        trains = [(n, kind, train) for n, kind, train in trains if _enough(train)]
        start = process_time()
        pools = sample_pools(train for _n, _kind, train in trains)
        for n, kind, train in trains:
            forecast = forecast_series(train, pools, days=horizon)
            made += 1
            name = kind or forecast.speed
            row = rows.setdefault(name, Row(name))
            whole = named[n][1]
            after = Series(train.end, whole.units[len(train) :][:horizon], whole.open[len(train) :][:horizon])
            if after.open.any():
                row.series += (name, n) not in seen
                seen.add((name, n))
                _add(row, train, after, forecast, None if rates is None else rates[n][len(train) :][:horizon])
        spent += process_time() - start
    order = {name: n for n, name in enumerate(("fast", "seasonal", "slow", "intermittent"))}
    return Evaluation(sorted(rows.values(), key=lambda row: order.get(row.name, 9)), made, spent)


def sample_pools(series: Iterable[Series]) -> Pools:
    """Pools from at most `SAMPLE` series of each speed, the first that come."""
    counts: dict[str, int] = {}
    tests = []
    for one in series:
        speed = speed_at(one)
        if counts.get(speed, 0) < SAMPLE and (tested := backtest(one)):
            counts[speed] = counts.get(speed, 0) + 1
            tests.append((speed, tested))
    return learn_pools(tests)


def _enough(train: Series) -> bool:
    return int(train.open.sum()) >= FEW_DAYS and int(np.count_nonzero(train.closed_up())) >= FEW_SALES


def _add(row: Row, train: Series, after: Series, forecast: Forecast, rate: Array | None) -> None:
    horizon, is_open = len(after), after.open
    days = int(is_open.sum())
    actual = float(after.closed_up().sum())
    paths = Field([], train).paths_of_baselines(train, horizon) | {"ours": forecast.path}
    scale, root = weekly_change(train)
    demand = forecast.demand
    for name, path in paths.items():
        mean = float(path[is_open].sum())
        row.rmsse[name].append(float(np.sqrt(((path - after.units)[is_open] ** 2).mean())) / root)
        row.mase[name].append(abs(actual - mean) / days / scale)
        if rate is not None:
            row.truth[name].append(abs(float(path.sum() / rate.sum()) - 1.0))
        # A baseline gets the same kind of spread, so that what differs is what it expects.
        p50, p90 = quantiles(mean, demand.noise * mean + (demand.drift * mean) ** 2, (0.5, 0.9))
        row.pinball[name].append((pinball(actual, p50, 0.5) + pinball(actual, p90, 0.9)) / 2 / days / scale)
        if name == "ours":
            row.hits50.append(actual <= p50)
            row.hits90.append(actual <= p90)
    row.forecasts += 1
    row.models[forecast.model] = row.models.get(forecast.model, 0) + 1
