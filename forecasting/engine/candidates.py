"""The models that compete: baselines, models of a level (for rare demand), models with a week (for frequent demand), their mean.

The models themselves are statsforecast's (Nixtla, Apache-2.0): Croston with Syntetos and Boylan's correction, TSB, ADIDA, IMAPA, ETS,
Theta. It is an optional library and slow to load, so it is imported when a forecast is made and never by a page.

A model of a level says one number a day; the shape of the week is put on it (`series.weekday_profile`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Protocol

import numpy as np

from forecasting.engine.series import WEEK, Array, Series, weekday_profile
from forecasting.limits import LIBRARY

BASELINES = ("naive", "seasonal_naive")
LEVELS = ("average", "ses", "croston_sba", "tsb", "adida", "imapa")
SEASONAL = ("ets", "theta")
YEARLY = "ets_year"
BLEND = "blend"
YEAR = 365
AVERAGE_DAYS = 84


class LibraryMissing(RuntimeError):
    """The optional library of models is not installed."""


@cache
def library() -> Any:
    """statsforecast.models; LibraryMissing without it."""
    try:
        from statsforecast import models
    except ImportError as missing:
        raise LibraryMissing(LIBRARY) from missing
    return models


def eligible(series: Series, *, interval: float) -> list[str]:
    """The candidates of a history: every one that it is long and dense enough for. interval: its ADI."""
    names = list(LEVELS)
    if interval < 2.0 and len(series) >= 6 * WEEK:
        names += SEASONAL
        if len(series) >= 2 * YEAR:
            names.append(YEARLY)
    return names


class Candidate(Protocol):
    """Learns once, then says what comes after any longer history of the same series. week: the shape of the week on the days to come."""

    def learn(self, series: Series) -> None: ...

    def path(self, series: Series, days: int, week: Array) -> Array: ...


class _Level:
    """A number for every day, with the shape of the week."""

    def __init__(self, level: Callable[[Array], float]) -> None:
        self.level = level

    def learn(self, series: Series) -> None:
        pass

    def path(self, series: Series, days: int, week: Array) -> Array:
        known = series.closed_up()
        level = float(self.level(known)) if known.any() else 0.0
        return np.maximum(0.0, level * week)


class _Seasonal:
    """A library model with a season of a week: parameters are learned once, states follow the history."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def learn(self, series: Series) -> None:
        self.model.fit(series.filled().astype(float))

    def path(self, series: Series, days: int, week: Array) -> Array:
        said = self.model.forward(series.filled().astype(float), days)["mean"]
        return np.maximum(0.0, np.nan_to_num(said))


class _Yearly(_Seasonal):
    """The same on a history from which the year's shape is taken, and put back on what comes."""

    def learn(self, series: Series) -> None:
        self.model.fit(series.filled() / year_shape(series)[: len(series)])

    def path(self, series: Series, days: int, week: Array) -> Array:
        shape = year_shape(series, days)
        said = self.model.forward(series.filled() / shape[: len(series)], days)["mean"]
        return np.maximum(0.0, np.nan_to_num(said) * shape[len(series) :])


def year_shape(series: Series, beyond: int = 0) -> Array:
    """A factor for each day and so many after: the day of the year over its year's mean, smoothed over seven weeks, half believed."""
    units = series.filled()
    years = len(units) // YEAR
    recent = units[len(units) - years * YEAR :].reshape(years, YEAR)
    means = recent.mean(axis=1, keepdims=True)
    shape = (recent / np.where(means > 0, means, 1.0)).mean(axis=0)
    window = 49
    smooth = np.convolve(np.concatenate([shape[-window:], shape, shape[:window]]), np.ones(window) / window, "same")
    smooth = smooth[window:-window]
    believed = years / (years + 1.0)
    factors = np.maximum(0.2, 1.0 + believed * (smooth / max(1e-9, smooth.mean()) - 1.0))
    first = -len(units) % YEAR
    return factors[(first + np.arange(len(units) + beyond)) % YEAR]


class _Naive:
    def learn(self, series: Series) -> None:
        pass

    def path(self, series: Series, days: int, week: Array) -> Array:
        known = series.closed_up()
        return np.full(days, float(known[-1]) if len(known) else 0.0)


class _SeasonalNaive:
    """The newest known day of the same weekday."""

    def learn(self, series: Series) -> None:
        pass

    def path(self, series: Series, days: int, week: Array) -> Array:
        latest = np.zeros(WEEK)
        weekdays = series.weekdays()
        latest[weekdays[series.open]] = series.units[series.open]  # a later day of the same weekday overwrites
        return latest[series.weekdays(days)]


def _tsb(known: Array) -> float:
    """Started from the whole history's rate and mean size, so that a short history does not begin at nothing."""
    first = int(np.argmax(known > 0))
    return float(library().TSB(alpha_d=0.1, alpha_p=0.04).forecast(known[first:], 1)["mean"][0])


def _of(name: str, **options: Any) -> Callable[[Array], float]:
    return lambda known: getattr(library(), name)(**options).forecast(known, 1)["mean"][0]


_MAKERS: dict[str, Callable[[], Candidate]] = {
    "naive": _Naive,
    "seasonal_naive": _SeasonalNaive,
    "average": lambda: _Level(lambda known: known[-AVERAGE_DAYS:].mean()),
    "ses": lambda: _Level(_of("SimpleExponentialSmoothingOptimized")),
    "croston_sba": lambda: _Level(_of("CrostonSBA")),
    "tsb": lambda: _Level(_tsb),
    "adida": lambda: _Level(_of("ADIDA")),
    "imapa": lambda: _Level(_of("IMAPA")),
    "ets": lambda: _Seasonal(library().AutoETS(season_length=WEEK, model="ANA")),
    "theta": lambda: _Seasonal(library().Theta(season_length=WEEK)),
    YEARLY: lambda: _Yearly(library().AutoETS(season_length=WEEK, model="ANA")),
}


class Field:
    """Candidates that have learned from a history; `paths` are what they say after it, or after more of it."""

    def __init__(self, names: Iterable[str], series: Series) -> None:
        self.candidates = {name: _MAKERS[name]() for name in (*BASELINES, *names)}
        for candidate in self.candidates.values():
            candidate.learn(series)

    def paths(self, series: Series, days: int) -> dict[str, Array]:
        """What each expects of the days after the history; the blend is the mean of those that are no baseline."""
        week = weekday_profile(series)[series.weekdays(days)]
        said = {name: candidate.path(series, days, week) for name, candidate in self.candidates.items()}
        proper = [path for name, path in said.items() if name not in BASELINES]
        return said | {BLEND: np.mean(proper, axis=0)}

    def paths_of_baselines(self, series: Series, days: int) -> dict[str, Array]:
        """The two baselines alone."""
        return {name: self.candidates[name].path(series, days, np.ones(days)) for name in BASELINES}
