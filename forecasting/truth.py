"""Invented demand whose truth is known: for the back-test's table, the benchmark and the tests. The same seed makes the same series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from forecasting.engine.series import WEEK, Array, Series

KINDS = ("fast", "seasonal", "slow", "intermittent")
#: Mean units a day, from and to.
_RATES = {"fast": (4.0, 40.0), "seasonal": (3.0, 30.0), "slow": (0.25, 0.8), "intermittent": (0.03, 0.12)}
_START = date(2024, 1, 1)  # a Monday


@dataclass(frozen=True, slots=True)
class Truth:
    """A series as the shop sees it, what was really wanted, and the mean that made it, day by day."""

    kind: str
    series: Series
    wanted: Array
    rate: Array


def generate(kind: str, *, days: int, seed: int, stockouts: bool = True) -> Truth:
    """A series of a kind. While it is out of stock nothing is sold, whatever was wanted; one day in eight on average, in runs.

    fast, seasonal: negative binomial days with a week (and a year and a trend); slow, intermittent: Poisson customers who take
    geometrically many. Every level wanders by about a tenth in a quarter.
    """
    chance = np.random.default_rng([seed, KINDS.index(kind)])
    low, high = _RATES[kind]
    level = float(np.exp(chance.uniform(np.log(low), np.log(high))))
    wander = np.exp(np.cumsum(chance.normal(0.0, 0.01, days)))
    week = np.exp(chance.normal(0.0, 0.35 if kind in ("fast", "seasonal") else 0.2, WEEK))
    rate = level * wander * (week / week.mean())[np.arange(days) % WEEK]
    if kind == "seasonal":
        phase, depth = chance.uniform(0, 365), chance.uniform(0.3, 0.7)
        rate = rate * (1.0 + depth * np.sin(2 * np.pi * (np.arange(days) + phase) / 365.25))
    if kind in ("fast", "seasonal"):
        size = 8.0  # variance = mean + mean² / size
        wanted = chance.negative_binomial(size, size / (size + rate)).astype(float)
    else:
        each = 1.6
        customers = chance.poisson(rate / each)
        wanted = np.array([chance.geometric(1 / each, n).sum() if n else 0 for n in customers], dtype=float)
    is_open = _open_days(chance, days) if stockouts else np.ones(days, dtype=bool)
    return Truth(kind, Series(_START, np.where(is_open, wanted, 0.0), is_open), wanted, rate)


def _open_days(chance: np.random.Generator, days: int) -> Array:
    """In stock for ten weeks on average, then out for ten days on average."""
    is_open, day = np.ones(days, dtype=bool), 0
    while day < days:
        day += int(chance.geometric(1 / 70))
        out = int(chance.geometric(1 / 10))
        is_open[day : day + out] = False
        day += out
    return is_open
