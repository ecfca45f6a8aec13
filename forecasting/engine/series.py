"""A demand history as arrays, with the days that tell nothing marked, and its class.

A day on which nothing could be promised from midnight to midnight is *censored*: what was asked for is not known. Such days are left out
of every error, spread and class. Models without a season do not see them at all (the days close up); models of the week get the mean of
the same weekday about it in their place, because they need every day in its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

WEEK = 7
ADI_FAST, ADI_SLOW = 1.32, 7.0
CV2_CUT = 0.49
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Series:
    """units: demand of each day from `start`. open: whether anything could be promised on it."""

    start: date
    units: Array
    open: Array

    def __len__(self) -> int:
        return len(self.units)

    @property
    def end(self) -> date:
        """The day after the last."""
        return self.start + timedelta(days=len(self.units))

    def until(self, days: int) -> Series:
        """The first so many days; none for less than none."""
        days = max(0, days)
        return Series(self.start, self.units[:days], self.open[:days])

    def last(self, days: int) -> Series:
        """At most so many days, the newest."""
        drop = max(0, len(self) - days)
        return Series(self.start + timedelta(days=drop), self.units[drop:], self.open[drop:])

    def closed_up(self) -> Array:
        """The days that tell something, one after the other."""
        return self.units[self.open]

    def weekdays(self, days: int = 0) -> Array:
        """0 (Monday) to 6 of its days; with `days`, of so many after its end."""
        first = self.end if days else self.start
        return (first.weekday() + np.arange(days or len(self))) % WEEK

    def filled(self) -> Array:
        """Every day; a censored one is what the open days within four weeks of it lead to expect of its weekday."""
        if self.open.all():
            return self.units
        near = np.convolve(np.where(self.open, self.units, 0.0), np.ones(57), "same")
        count = np.convolve(self.open.astype(float), np.ones(57), "same")
        overall = self.closed_up().mean() if self.open.any() else 0.0
        level = np.where(count >= WEEK, near / np.maximum(count, 1.0), overall)
        return np.where(self.open, self.units, level * weekday_profile(self)[self.weekdays()])


def weekday_profile(series: Series) -> Array:
    """Seven factors with mean 1, Monday first: drawn towards 1 the more, the rarer it is asked for."""
    known = series.closed_up()
    mean = known.mean() if len(known) else 0.0
    if mean <= 0:
        return np.ones(WEEK)
    days = series.weekdays()[series.open]
    sums = np.bincount(days, weights=known, minlength=WEEK)
    counts = np.bincount(days, minlength=WEEK)
    prior = 4.0 * min(50.0, demand_interval(known)) * max(1.0, squared_variation(known))
    profile = (sums / mean + prior) / (counts + prior)
    return profile / profile.mean()


def squared_variation(units: Array) -> float:
    """CV² of the demands that are not zero."""
    sizes = units[units > 0]
    return float(sizes.var() / sizes.mean() ** 2) if len(sizes) else 0.0


def demand_interval(units: Array) -> float:
    """ADI: average days from one demand to the next; infinite without any."""
    sales = np.count_nonzero(units)
    return len(units) / sales if sales else float("inf")


def speed_of(interval: float) -> str:
    """fast, slow or intermittent by the average days between two demands."""
    if interval < ADI_FAST:
        return "fast"
    return "slow" if interval < ADI_SLOW else "intermittent"


def pattern_of(interval: float, variation: float) -> str:
    """Smooth, erratic, intermittent or lumpy.

    Cut-offs ADI 1.32 and CV² 0.49: Syntetos, Boylan and Croston (2005), On the categorization of demand patterns,
    Journal of the Operational Research Society 56, 495-503.
    """
    if interval < ADI_FAST:
        return "smooth" if variation < CV2_CUT else "erratic"
    return "intermittent" if variation < CV2_CUT else "lumpy"


def dispersion(series: Series) -> float:
    """φ: variance of an open day about what the weeks before and its weekday led to expect, over the mean; at least 1 (Poisson)."""
    known = series.closed_up()
    mean = known.mean() if len(known) else 0.0
    if mean <= 0 or len(known) < WEEK:
        return 1.0
    profile = weekday_profile(series)[series.weekdays()[series.open]]
    about = known / profile
    window = min(57, len(known) - (1 - len(known) % 2))
    counts = np.convolve(np.ones(len(known)), np.ones(window), "same")
    level = np.convolve(about, np.ones(window), "same") / counts
    left = known - level * profile
    free = max(1.0, len(known) * (1.0 - 1.0 / window) - WEEK + 1)  # what the level and the week's shape took
    return max(1.0, float((left**2).sum() / free / mean))
