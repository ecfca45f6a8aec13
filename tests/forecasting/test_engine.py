"""Forecasts as numbers: quantiles, what days without stock do, how the choice is made, how good it is on demand whose truth is known."""

from __future__ import annotations

from datetime import date
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.engine.backtest import backtest, origins_of, pinball
from forecasting.engine.candidates import Field, eligible
from forecasting.engine.forecast import forecast_series, share_of
from forecasting.engine.pools import Pools, learn_pools
from forecasting.engine.quantiles import LARGE, quantile, quantiles
from forecasting.engine.reorder import Demand, LeadTime, plan_reorder
from forecasting.engine.series import (
    Series,
    demand_interval,
    dispersion,
    pattern_of,
    speed_of,
    squared_variation,
    weekday_profile,
)
from forecasting.evaluation import evaluate
from forecasting.truth import KINDS, generate

START = date(2025, 1, 6)  # a Monday
POOLS = Pools.first_guess()


def series(units: list[float] | np.ndarray, is_open: np.ndarray | None = None) -> Series:
    array = np.asarray(units, dtype=float)
    return Series(START, array, np.ones(len(array), dtype=bool) if is_open is None else is_open)


means = st.floats(0.01, 5000)
spreads = st.floats(1.0, 30.0)


@given(means, spreads, st.lists(st.floats(0.01, 0.995), min_size=2, max_size=5).map(sorted))
def test_quantiles_are_whole_ordered_and_not_negative(mean: float, over: float, shares: list[float]) -> None:
    found = quantiles(mean, mean * over, shares)
    assert found == sorted(found)
    assert all(value >= 0 and value == int(value) for value in found)


@pytest.mark.parametrize(
    ("mean", "variance"), [(0.3, 0.9), (4.0, 4.0), (12.0, 60.0), (180.0, 2500.0), (900.0, 20_000.0)]
)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_quantiles_are_those_of_the_negative_binomial(mean: float, variance: float, share: float) -> None:
    """Held against numpy's own draws: so many stay at or below it, and not so many below."""
    chance = np.random.default_rng(3)
    if variance > mean:
        size = mean**2 / (variance - mean)
        drawn = chance.negative_binomial(size, size / (size + mean), 200_000)
    else:
        drawn = chance.poisson(mean, 200_000)
    said = quantile(mean, variance, share)
    slack = 0.006 if mean <= LARGE else 0.012
    assert (drawn <= said).mean() >= share - slack
    assert (drawn < said).mean() <= share + slack


@given(st.floats(0.5, 40), st.floats(1.0, 8.0))
def test_a_longer_time_or_a_better_service_never_asks_for_less(daily: float, noise: float) -> None:
    demand = Demand(daily, noise, 0.2)
    points = [
        plan_reorder(demand, LeadTime(lead, 3), review_days=7, cover_days=30, service_level=service).reorder_point
        for lead, service in ((5, 0.9), (14, 0.9), (14, 0.97), (30, 0.97))
    ]
    assert points == sorted(points)


def test_nothing_asked_for_is_nothing_reordered() -> None:
    plan = plan_reorder(Demand(0, 1, 0.3), LeadTime(14, 4), review_days=7, cover_days=30, service_level=0.97)
    assert (plan.reorder_point, plan.order_up_to, plan.p90) == (0, 0, 0)


@pytest.mark.parametrize("service", [0.9, 0.95, 0.98])
@pytest.mark.parametrize(("daily", "noise"), [(0.15, 1.4), (2.0, 2.0), (25.0, 4.0)])
def test_the_reorder_point_reaches_its_service_level_when_demand_is_what_it_says(
    daily: float, noise: float, service: float
) -> None:
    """Cycles with lead times that vary (a rounded gamma), days that are negative binomial, and a level that is off by c."""
    chance = np.random.default_rng(11)
    lead, review, drift, cycles = LeadTime(12, 4), 7, 0.2, 20_000
    plan = plan_reorder(Demand(daily, noise, drift), lead, review_days=review, cover_days=30, service_level=service)
    shape = (lead.mean / lead.sd) ** 2
    days = np.rint(chance.gamma(shape, lead.mean / shape, cycles)) + review
    mean = daily * days * chance.gamma(1 / drift**2, drift**2, cycles)
    size = mean / (noise - 1)
    came = chance.negative_binomial(np.maximum(size, 1e-9), 1 / noise)
    reached = (came <= plan.reorder_point).mean()
    granularity = (came == plan.reorder_point).mean()
    assert service - 0.02 <= reached <= service + 0.02 + granularity


def test_the_textbook_formula_is_the_one_that_is_used() -> None:
    """Silver, Pyke, Peterson, §7.10: with no drift, var = L·var(D) + E(D)²·var(L)."""
    demand = Demand(10.0, 2.5, 0.0)
    plan = plan_reorder(demand, LeadTime(9, 3), review_days=0, cover_days=1, service_level=0.5)
    assert plan.expected == 90
    assert plan.variance == pytest.approx(9 * 25 + 100 * 9)


@pytest.mark.parametrize(
    ("interval", "variation", "pattern", "speed"),
    [(1.0, 0.1, "smooth", "fast"), (1.31, 0.5, "erratic", "fast"), (1.32, 0.2, "intermittent", "slow"), (9.0, 0.8, "lumpy", "intermittent")],
)  # fmt: skip
def test_classes(interval: float, variation: float, pattern: str, speed: str) -> None:
    assert (pattern_of(interval, variation), speed_of(interval)) == (pattern, speed)


def test_days_without_stock_count_in_no_class() -> None:
    is_open = np.arange(100) % 2 == 0
    half = series(np.where(is_open, 3.0, 0.0), is_open)
    assert demand_interval(half.closed_up()) == 1.0
    assert squared_variation(half.closed_up()) == 0.0
    assert dispersion(half) == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_days_without_stock_do_not_lower_the_forecast(kind: str) -> None:
    """The same demand once with stock all the time and once sold out now and then, and for the last ten days: the forecasts agree."""
    whole = seeing = blind = 0.0
    for seed in range(12):
        truth = generate(kind, days=400, seed=seed)
        is_open = truth.series.open.copy()
        is_open[-10:] = False
        sold = np.where(is_open, truth.wanted, 0.0)
        whole += forecast_series(series(truth.wanted), POOLS, days=28).path.sum()
        seeing += forecast_series(series(sold, is_open), POOLS, days=28).path.sum()
        blind += forecast_series(series(sold), POOLS, days=28).path.sum()
    assert 0.9 < seeing / whole < 1.15
    assert blind / whole < seeing / whole - 0.1, "counting them as days without demand would have lowered it"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [10.0, 100.0])
def test_the_forecast_of_ten_times_as_much_is_ten_times_as_much(kind: str, factor: float) -> None:
    truth = generate(kind, days=300, seed=5)
    one = forecast_series(truth.series, POOLS, days=28)
    many = forecast_series(Series(truth.series.start, truth.series.units * factor, truth.series.open), POOLS, days=28)
    assert many.pattern == one.pattern
    if many.model == one.model:  # the choice looks at whole quantiles, so near ties may fall otherwise
        assert many.path == pytest.approx(one.path * factor, rel=0.02)
    assert many.demand.noise >= one.demand.noise * factor * 0.98
    p90 = one.demand.quantiles_over(28, [0.9])[0]
    assert many.demand.quantiles_over(28, [0.9])[0] == pytest.approx(p90 * factor, rel=0.2, abs=1.5 * factor)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=160), st.integers(0, 2**16))
def test_any_history_has_a_forecast_that_is_not_negative(units: list[int], seed: int) -> None:
    is_open = np.random.default_rng(seed).random(len(units)) > 0.2
    found = forecast_series(series(np.where(is_open, units, 0), is_open), POOLS, days=28)
    assert len(found.path) == 28
    assert np.isfinite(found.path).all()
    assert (found.path >= 0).all()
    p50, p90 = found.demand.quantiles_over(21, [0.5, 0.9])
    assert 0 <= p50 <= p90
    assert found.demand.noise >= 1
    assert found.error_ratio >= 0


def test_little_history_is_its_mean_with_a_wide_spread() -> None:
    found = forecast_series(series([0, 0, 2, 0, 0, 0, 1, 0, 0, 0]), POOLS, days=7)
    assert (found.model, found.pattern, found.tested) == ("average", "new", False)
    assert found.path.mean() == pytest.approx(3 / 28, rel=0.05), "ten days that begin with a sale count as four weeks"
    assert found.demand.drift > POOLS.by_speed["intermittent"].drift


def test_one_large_order_of_yesterday_is_no_demand_of_every_day() -> None:
    found = forecast_series(series([60]), POOLS, days=28)
    assert found.speed == "intermittent"
    assert found.path.sum() == pytest.approx(60)


def test_nothing_sold_is_nothing_forecast() -> None:
    found = forecast_series(series([0] * 90), POOLS)
    assert (found.model, float(found.path.sum()), found.speed) == ("none", 0.0, "intermittent")


def test_the_shape_of_the_week_is_believed_the_less_the_rarer_it_sells() -> None:
    daily = series(np.where(np.arange(140) % 7 == 5, 20.0, 5.0))
    rare = series(np.where(np.arange(140) % 35 == 5, 2.0, 0.0))
    assert weekday_profile(daily)[5] > 2.0
    assert weekday_profile(rare)[5] < 2.5
    assert weekday_profile(rare).mean() == pytest.approx(1.0)


def test_nothing_of_the_future_reaches_a_back_test() -> None:
    """What is said at an origin does not change when everything after it does."""
    truth = generate("fast", days=300, seed=2, stockouts=False).series
    cut = origins_of(truth)[-1]
    changed = truth.units.copy()
    changed[cut:] = 999
    one, other = backtest(truth), backtest(series(changed))
    assert one and other
    assert one.trials[-1].expected == other.trials[-1].expected
    assert (one.scale, one.noise) == (other.scale, other.noise)


def test_seasonal_models_need_dense_history() -> None:
    assert "ets" in eligible(series([3] * 80), interval=1.0)
    assert "ets" not in eligible(series([3] * 80), interval=5.0)
    assert "ets" not in eligible(series([3] * 20), interval=1.0)
    assert "ets_year" in eligible(series([3] * 730), interval=1.0)


def test_the_seasonal_naive_forecast_skips_days_without_stock() -> None:
    is_open = np.ones(21, dtype=bool)
    is_open[14:] = False
    said = Field([], series(np.where(is_open, np.arange(21), 0), is_open)).paths_of_baselines(
        series(np.where(is_open, np.arange(21), 0), is_open), 7
    )
    assert list(said["seasonal_naive"]) == [7, 8, 9, 10, 11, 12, 13]
    assert set(said["naive"]) == {13.0}


def test_the_class_guards_a_choice_that_six_origins_cannot_make() -> None:
    """A model that wins by luck on one series does not win against what hundreds of others say; a clear winner does."""
    tests = [
        ("fast", tested) for seed in range(12) if (tested := backtest(generate("fast", days=250, seed=seed).series))
    ]
    pools = learn_pools(tests)
    pool = pools.by_speed["fast"]
    assert pool.series == len(tests)
    choices = {pools.choose(tested, "fast") for _speed, tested in tests}
    alone = {min(tested.names[2:], key=lambda name: tested.score(name, pool.drift)) for _speed, tested in tests}
    assert len(choices) < len(alone)
    assert 0.0 <= pool.drift <= 1.5
    assert Pools.from_json(pools.as_json()) == pools


def test_a_share_is_the_totals_with_the_same_noise_and_more_doubt() -> None:
    total = forecast_series(generate("fast", days=200, seed=1).series, POOLS)
    part = share_of(total, 0.25, series([0] * 20 + [1]))
    assert part.path == pytest.approx(total.path * 0.25)
    assert part.demand.noise == total.demand.noise
    assert part.demand.drift > total.demand.drift


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.05, 0.95))
def test_pinball_loss_is_least_at_the_quantile(actual: float, said: float, share: float) -> None:
    assert pinball(actual, said, share) >= 0
    assert pinball(actual, actual, share) == 0
    assert pinball(actual, said, 0.5) == pytest.approx(abs(actual - said))


@pytest.mark.slow
def test_it_beats_naive_and_seasonal_naive_forecasts_in_every_class_and_its_p90_holds() -> None:
    """The whole procedure on demand with known truth, on days that it has not seen (docs/forecast.md has the large table)."""
    named = [(kind, generate(kind, days=400, seed=seed).series) for kind in KINDS for seed in range(14)]
    rows = {row.name: row.as_json() for row in evaluate(named, cuts=2).rows}
    assert set(rows) == set(KINDS)
    for name, row in rows.items():
        for measure in ("mase", "rmsse", "pinball"):
            for rival in ("naive", "seasonal_naive"):
                close = {
                    ("seasonal", "mase", "seasonal_naive"),
                    ("intermittent", "rmsse", "naive"),
                }  # few series, near ties
                slack = 1.05 if (name, measure, rival) in close else 1.0
                assert row[measure]["ours"] < row[measure][rival] * slack, (name, measure, rival, row)
        tolerance = 3 * sqrt(0.9 * 0.1 / row["forecasts"])
        assert row["coverage_p90"] >= 0.9 - tolerance, (name, row)
