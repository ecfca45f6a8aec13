"""Rolling origins: what each candidate would have said at some days of the past, against what came.

The measure is the sum over a fortnight, because reordering asks for sums; P50 and P90 of it are scored by pinball loss, and all is put in
units of the history's own mean absolute change from week to week, so that series compare (Hyndman and Koehler 2006, Another look at
measures of forecast accuracy, Int. J. Forecasting 22: MASE with the seasonal naive forecast as its scale).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from forecasting.engine.candidates import BASELINES, BLEND, Field, eligible
from forecasting.engine.quantiles import quantiles
from forecasting.engine.series import WEEK, Array, Series, demand_interval, dispersion, speed_of
from forecasting.limits import FORTNIGHT, ORIGINS

#: Fewer known days, or fewer sales among them, before the first origin teach nothing of their own.
LEAST_DAYS, LEAST_SALES = 56, 8


@dataclass(slots=True)
class Trial:
    """One origin: what came, and what each candidate had said. Sums run over the open days of the horizon only."""

    cut: int  # days of history before it
    actual: float
    expected: dict[str, float]  # sums
    squared: dict[str, float]  # mean squared error of its days
    open_days: int


@dataclass(slots=True)
class Backtest:
    """All origins of a series. scale: mean absolute change from week to week before the first origin, a day."""

    trials: list[Trial]
    scale: float
    root_scale: float  # root of the mean squared change, a day
    noise: float  # φ as known at the first origin
    names: list[str] = field(default_factory=list)

    def mase(self, name: str) -> float:
        """Mean absolute error of the sums, a day, over the scale."""
        return float(np.mean([abs(t.actual - t.expected[name]) / t.open_days for t in self.trials])) / self.scale

    def rmsse(self, name: str) -> float:
        """Root mean squared error of single days over the same of the week-to-week change."""
        return float(np.sqrt(np.mean([t.squared[name] for t in self.trials]))) / self.root_scale

    def pinball(self, name: str, share: float, drift: float) -> float:
        """Mean pinball loss of the sum's quantile, a day, over the scale."""
        losses = [pinball(t.actual, self.said(t, name, drift, (share,))[0], share) / t.open_days for t in self.trials]
        return float(np.mean(losses)) / self.scale

    def score(self, name: str, drift: float) -> float:
        """What the candidates are chosen by: mean pinball loss of P50 and P90."""
        losses = 0.0
        for t in self.trials:
            p50, p90 = self.said(t, name, drift, (0.5, 0.9))
            losses += (pinball(t.actual, p50, 0.5) + pinball(t.actual, p90, 0.9)) / 2.0 / t.open_days
        return losses / len(self.trials) / self.scale

    def coverage(self, name: str, drift: float, share: float = 0.9) -> float:
        """Share of the sums at or below their quantile."""
        return float(np.mean([t.actual <= self.said(t, name, drift, (share,))[0] for t in self.trials]))

    def said(self, trial: Trial, name: str, drift: float, shares: tuple[float, ...]) -> list[float]:
        """Quantiles of a trial's sum as the candidate had it."""
        mean = trial.expected[name]
        return quantiles(mean, self.noise * mean + (drift * mean) ** 2, shares)

    def wander(self, name: str) -> float:
        """c² as these trials alone show it: what the squared error of the sums exceeds the noise by, over the squared mean."""
        over = [
            ((t.actual - t.expected[name]) ** 2 - self.noise * t.expected[name]) / t.expected[name] ** 2
            for t in self.trials
            if t.expected[name] > 0
        ]
        return min(4.0, max(0.0, float(np.mean(over)))) if over else 0.0


def pinball(actual: float, said: float, share: float) -> float:
    """Pinball (quantile) loss: 2 × the asymmetric absolute error, so that P50's is the absolute error."""
    return 2.0 * (share * (actual - said) if actual >= said else (1.0 - share) * (said - actual))


def origins_of(series: Series, *, horizon: int = FORTNIGHT, most: int = ORIGINS) -> list[int]:
    """Days before each origin, oldest first; none where the history is too short or too empty for a test."""
    cuts = [len(series) - horizon * n for n in range(most, 0, -1)]
    known, sales = np.cumsum(series.open), np.cumsum((series.units > 0) & series.open)
    return [cut for cut in cuts if cut > 0 and known[cut - 1] >= LEAST_DAYS and sales[cut - 1] >= LEAST_SALES]


def backtest(series: Series, *, horizon: int = FORTNIGHT, most: int = ORIGINS) -> Backtest | None:
    """Try every eligible candidate at the origins; None where there is none, or the horizons were out of stock.

    Candidates learn their parameters at the first origin and only follow the history after it: nothing is learned from what is tested.
    """
    cuts = origins_of(series, horizon=horizon, most=most)
    if not cuts:
        return None
    first = series.until(cuts[0])
    names = eligible(first, interval=demand_interval(first.closed_up()))
    learned = Field(names, first)
    trials = []
    for cut in cuts:
        open_days = series.open[cut : cut + horizon]
        if not open_days.any():
            continue
        actual = series.units[cut : cut + horizon]
        paths = learned.paths(series.until(cut), horizon)
        trials.append(
            Trial(
                cut,
                float(actual[open_days].sum()),
                {name: float(path[open_days].sum()) for name, path in paths.items()},
                {name: float(((path - actual)[open_days] ** 2).mean()) for name, path in paths.items()},
                int(open_days.sum()),
            )
        )
    if not trials:
        return None
    scale, root = weekly_change(first)
    return Backtest(trials, scale, root, dispersion(first), [*BASELINES, *names, BLEND])


def weekly_change(series: Series) -> tuple[float, float]:
    """Mean absolute, and root mean squared, change of a day from the same weekday a week before, both days known."""
    known = series.open[WEEK:] & series.open[:-WEEK]
    change = (series.units[WEEK:] - series.units[:-WEEK])[known]
    if not change.any():
        mean = float(series.closed_up().mean()) if series.open.any() else 0.0
        return (mean or 1.0, mean or 1.0)
    return float(np.abs(change).mean()), float(np.sqrt((change**2).mean()))


def as_json(tested: Backtest, series: Series, *, chosen: str, drift: float) -> dict[str, Any]:
    """For the page: every candidate's errors, and the chosen one's origins against what came."""
    return {
        "candidates": [
            {
                "model": name,
                "mase": round(tested.mase(name), 4),
                "rmsse": round(tested.rmsse(name), 4),
                "pinball50": round(tested.pinball(name, 0.5, drift), 4),
                "pinball90": round(tested.pinball(name, 0.9, drift), 4),
                "coverage90": round(tested.coverage(name, drift), 4),
            }
            for name in tested.names
        ],
        "origins": [_origin(tested, trial, series, chosen, drift) for trial in tested.trials],
    }


def _origin(tested: Backtest, trial: Trial, series: Series, chosen: str, drift: float) -> dict[str, Any]:
    p50, p90 = tested.said(trial, chosen, drift, (0.5, 0.9))
    return {
        "from": (series.start + timedelta(days=trial.cut)).isoformat(),
        "days": trial.open_days,
        "mean": round(trial.expected[chosen], 2),
        "p50": p50,
        "p90": p90,
        "seasonal_naive": trial.expected["seasonal_naive"],
        "actual": trial.actual,
    }


def speed_at(series: Series) -> str:
    """The speed of a history."""
    return speed_of(demand_interval(series.closed_up()))


def mean_of(path: Array) -> float:
    """Mean of a path as a plain number."""
    return float(path.mean()) if len(path) else 0.0
