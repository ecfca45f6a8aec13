"""When to reorder and up to how much, from what is asked for and how long goods take.

Demand over a lead time L that itself varies, with review every R days (Silver, Pyke and Peterson 1998, Inventory Management and
Production Planning and Scheduling, 3rd ed., §7.10; §7.9 on (R, S) systems, where the risk lasts lead time plus review period):

    E(x) = μ (L + R)        var(x) = φ μ (L + R) + μ² σ_L² + (c μ (L + R))²

φ is a day's variance relative to its mean. The last term is what the textbook leaves out: the level itself is only forecast, its
relative error c is learned from back-tests, and it does not average out over the days (Strijbosch, Syntetos, Boylan and Janssen 2011,
On the interaction between forecasting and stock control, Int. J. Prod. Econ. 133).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from forecasting.engine.quantiles import normal_quantile, quantile, quantiles


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Days from order to arrival: mean and standard deviation."""

    mean: float
    sd: float

    @property
    def p90(self) -> float:
        """Nine of ten arrive by then (as if normally spread, never below the mean)."""
        return self.mean + normal_quantile(0.9) * self.sd


@dataclass(frozen=True, slots=True)
class Demand:
    """Demand as the formula wants it. daily: μ. noise: φ, variance of a day over its mean. drift: c."""

    daily: float
    noise: float
    drift: float

    def variance_over(self, days: float, *, total: float | None = None, lead_sd: float = 0.0) -> float:
        """Variance of the sum over so many days. total: its mean, where the days are not alike."""
        mean = self.daily * days if total is None else total
        return self.noise * mean + (self.drift * mean) ** 2 + (self.daily * lead_sd) ** 2

    def quantiles_over(self, days: float, shares: list[float], *, total: float | None = None) -> list[float]:
        """Quantiles of the sum over so many days."""
        mean = self.daily * days if total is None else total
        return quantiles(mean, self.variance_over(days, total=total), shares)


@dataclass(frozen=True, slots=True)
class ReorderPlan:
    """The answer with the numbers it was made of."""

    risk_days: float  # lead time and review period
    expected: float  # demand over them
    variance: float
    p50: float
    p90: float
    reorder_point: int
    order_up_to: int


def plan_reorder(
    demand: Demand,
    lead: LeadTime,
    *,
    review_days: float,
    cover_days: float,
    service_level: float,
    expected: float | None = None,
) -> ReorderPlan:
    """The reorder point that is enough with the probability `service_level`, and the level to order up to.

    expected: mean demand over lead time and review period where the days to come are not alike.
    Order up to: the reorder point and what `cover_days` are expected to take.
    """
    days = lead.mean + review_days
    mean = demand.daily * days if expected is None else expected
    variance = demand.variance_over(days, total=mean, lead_sd=lead.sd)
    p50, p90 = quantiles(mean, variance, [0.5, 0.9])
    point = int(quantile(mean, variance, service_level))
    return ReorderPlan(days, mean, variance, p50, p90, point, point + ceil(demand.daily * cover_days))
