"""Quantiles of a demand that is known by mean and variance; plain Python, so that pages may ask without loading a library.

Counts are over-dispersed: the negative binomial with that mean and variance (Syntetos, Boylan and Disney 2009, Forecasting for inventory
planning, J. Oper. Res. Soc. 60, on its fit to lead-time demand), the Poisson distribution where the variance is not above the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, floor, log, sqrt
from statistics import NormalDist

#: Above this mean the sum over single probabilities gives way to Pearson's type III by Wilson and Hilferty's cube.
LARGE = 250.0
_Z = NormalDist()


def quantiles(mean: float, variance: float, shares: Sequence[float]) -> list[float]:
    """The smallest whole demands that are enough with these probabilities (ascending, each 0 < share < 1)."""
    if mean <= 0:
        return [0.0] * len(shares)
    # Rounded, so that the same few days of the week are not reckoned again; far below what a unit is.
    return list(_quantiles(_rounded(mean), _rounded(max(variance, mean)), tuple(shares)))


def quantile(mean: float, variance: float, share: float) -> float:
    """One of `quantiles`."""
    return quantiles(mean, variance, (share,))[0]


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


@lru_cache(maxsize=20_000)
def _quantiles(mean: float, variance: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    return _approximate(mean, variance, shares) if mean > LARGE else _exact(mean, variance, shares)


def _exact(mean: float, variance: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    """By adding up probabilities: p(k + 1) = p(k) · (k + r) / (k + 1) · (1 − p), with p = mean / variance, r = mean · p / (1 − p)."""
    over = variance / mean - 1.0
    if over < 1e-6:
        size, tail, term = 0.0, 0.0, exp(-mean)
    else:
        size, tail = mean / over, over / (1.0 + over)
        term = exp(-size * log(1.0 + over))
    total, k, found = term, 0, []
    end = mean + 60.0 * sqrt(variance) + 60.0
    for share in shares:
        while total < share and k < end:
            term *= (k + size) / (k + 1) * tail if tail else mean / (k + 1)
            k += 1
            total += term
        found.append(float(k))
    return tuple(found)


def _approximate(mean: float, variance: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Three moments of the negative binomial: its skewness is (2 − mean/variance) · sd / mean."""
    sd = sqrt(variance)
    skew = (2.0 - mean / variance) * sd / mean
    found, least = [], 0.0
    for share in shares:
        base = max(0.0, 1.0 + skew * _Z.inv_cdf(share) / 6.0 - skew * skew / 36.0)
        least = max(least, float(floor(mean + sd * 2.0 / skew * (base**3 - 1.0) + 0.5)))
        found.append(max(0.0, least))
    return tuple(found)


def normal_quantile(share: float) -> float:
    """Of the standard normal distribution."""
    return _Z.inv_cdf(share)
