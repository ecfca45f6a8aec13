"""The job: from orders and ledger to forecasts, resumable, set-based, and what others ask of the result."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.jobs import run_job
from core.models import Job, JobState, Shop
from core.refusals import Invalid
from forecasting import jobs, running
from forecasting.engine.pools import Pools
from forecasting.history import lead_times, load_histories
from forecasting.jobs import night_run_due, start_forecasts
from forecasting.models import DailyDemand, ForecastResult, ForecastSettings, PastForecast, Stockout
from forecasting.operations.demand import rebuild_demand
from forecasting.operations.saving import save_forecast_settings, settle_past_forecasts
from forecasting.queries import days_without_stock, demand_by_day, reorder_basis
from inventory.models import Variant
from inventory.operations import Move, apply_moves
from oms.orchestration.place_order import place_orders
from orders.models import Order
from purchasing.models import Supplier, SupplierItem
from tests.factories.forecasting import give_demand, make_forecast
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant, new_order

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
SETTINGS = ForecastSettings()


@pytest.fixture(autouse=True)
def kept_as_given(db: None) -> None:
    """The kept demand of these tests is what they write; the job does not make it anew from orders."""
    rebuild_demand(now=NOW)


def sold_daily(variant: Variant, *, days: int = 120, mean: float = 4.0, location: Any = None, seed: int = 1) -> None:
    chance = random.Random(seed)
    units = [sum(chance.random() < mean / 8 for _ in range(8)) for _ in range(days)]
    give_demand(variant, units, until=TODAY, location=location)


def run(clock: datetime = NOW) -> Job:
    job = start_forecasts(actor=ACTOR, now=clock)
    return run_job(job.pk, clock=lambda: clock) or Job.objects.get(pk=job.pk)


def test_a_run_forecasts_every_variant_that_is_asked_for() -> None:
    often, rarely, never = make_variant(), make_variant(), make_variant()
    location = make_location()
    give_stock(often, location, 90)
    sold_daily(often, location=location)
    give_demand(rarely, [2] + [0] * 30 + [1], until=TODAY)
    job = run()
    assert (job.state, job.done, job.total) == (JobState.DONE, 2, 2)
    assert not ForecastResult.objects.filter(variant=never).exists()
    total = ForecastResult.objects.get(variant=often, location=None)
    place = ForecastResult.objects.get(variant=often, location=location)
    assert total.tested and place.tested
    assert total.mean_daily == pytest.approx(4.0, rel=0.25)
    assert place.mean_daily == pytest.approx(total.mean_daily, rel=0.05)
    assert total.position == 90
    assert total.days_of_cover == pytest.approx(90 / total.mean_daily)
    assert total.reorder_point > total.lead_demand_p50 > 0
    assert len(total.horizon["mean"]) == 56
    few = ForecastResult.objects.get(variant=rarely)
    assert (few.pattern, few.tested, few.model) == ("new", False, "average")


def test_a_second_run_renews_and_forgets_what_is_asked_for_no_more() -> None:
    kept, gone = make_variant(), make_variant()
    sold_daily(kept)
    sold_daily(gone)
    run()
    first = ForecastResult.objects.get(variant=kept)
    Variant.objects.filter(pk=gone.pk).update(active=False)
    later = NOW + timedelta(days=1)
    run(later)
    again = ForecastResult.objects.get(variant=kept)
    assert (again.pk, again.made_at) == (first.pk, later), "its address stays"
    assert not ForecastResult.objects.filter(variant=gone).exists()


def test_only_one_run_at_a_time() -> None:
    assert start_forecasts(actor=ACTOR, now=NOW).pk == start_forecasts(actor=ACTOR, now=NOW).pk


def test_a_run_goes_on_where_a_killed_worker_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step the worker dies in, before or after its commit: every variant is done once, and the result is the same."""
    variants = [make_variant() for _ in range(5)]
    for n, variant in enumerate(variants):
        sold_daily(variant, seed=n)
    monkeypatch.setattr(running, "PORTION", 2)
    done: list[int] = []
    save = jobs.save_forecasts

    class Killed(BaseException):
        pass

    def noted(results: Any, pasts: Any, **more: Any) -> None:
        save(results, pasts, **more)
        done.extend(result.variant_id for result in results)
        if len(done) == 4 and not killed:
            killed.append(True)
            raise Killed

    killed: list[bool] = []
    monkeypatch.setattr(jobs, "save_forecasts", noted)
    job = start_forecasts(actor=ACTOR, now=NOW)
    with pytest.raises(Killed):
        run_job(job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.RUNNING, 2), "the step that was killed wrote nothing"
    assert ForecastResult.objects.count() == 2
    later = NOW + timedelta(minutes=5)
    ended = run_job(job.pk, clock=lambda: later)
    assert ended is not None
    assert (ended.state, ended.done) == (JobState.DONE, 5)
    assert ForecastResult.objects.count() == 5
    assert set(ForecastResult.objects.values_list("made_at", flat=True)) == {NOW}


def test_the_number_of_statements_does_not_grow_with_variants(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for many in (2, 12):
        for _ in range(many):
            variant, location = make_variant(), make_location()
            give_stock(variant, location, 10)
            give_demand(variant, [0, 1, 2, 0, 1], until=TODAY, location=location)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            run(NOW + timedelta(hours=many))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_without_the_library_the_job_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "find_spec", lambda name: None)
    job = run()
    assert job.state == JobState.FAILED
    assert "requirements/forecast.txt" in job.message


def test_the_run_of_the_night_is_one_after_two_oclock_of_the_shop() -> None:
    Shop.objects.create(name="Shop", time_zone="Europe/Warsaw")
    assert not night_run_due(now=datetime(2026, 11, 20, 0, 30, tzinfo=UTC))
    at = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    assert night_run_due(now=at)
    job = start_forecasts(actor=ACTOR, now=at)
    Job.objects.filter(pk=job.pk).update(created_at=at)
    assert not night_run_due(now=at + timedelta(hours=9))
    assert night_run_due(now=at + timedelta(days=1))


def test_days_without_stock_are_left_out_of_the_series_at_the_place_and_in_total() -> None:
    variant, here, there = make_variant(), make_location(), make_location()
    began = NOW - timedelta(days=200)
    moves = [Move(variant.pk, place.pk, "on_hand", 5, "received") for place in (here, there)]
    apply_moves(moves, cause="test:stock", actor=ACTOR, now=began)
    give_demand(variant, [1] * 40, until=TODAY, location=here)
    Stockout.objects.create(
        variant=variant, location=here, first_day=TODAY - timedelta(days=10), last_day=TODAY - timedelta(days=4)
    )
    Stockout.objects.create(variant=variant, location=there, first_day=TODAY - timedelta(days=6))
    [history] = load_histories([variant.pk], today=TODAY, settings=SETTINGS)
    out = {place.location_id: int((~place.series.open).sum()) for place in history.places}
    assert out == {here.pk: 7, there.pk: 6}
    assert int((~history.total.open).sum()) == 3, "in total only where nobody had any"
    assert history.total.end == TODAY
    found = make_forecast(variant, first_day=TODAY)
    assert days_without_stock(found, days=90) == {TODAY - timedelta(days=n) for n in (4, 5, 6)}


def test_demand_without_a_place_is_shared_out() -> None:
    """Imported history has no location: the total forecasts, and places take their share of what is known of them."""
    variant, here, there = make_variant(), make_location(), make_location()
    sold_daily(variant)
    give_demand(variant, [3, 0, 3], until=TODAY - timedelta(days=1), location=here)
    give_demand(variant, [0, 2, 0], until=TODAY - timedelta(days=1), location=there)
    run()
    total = ForecastResult.objects.get(variant=variant, location=None)
    part = {f.location_id: f for f in ForecastResult.objects.filter(variant=variant, location__isnull=False)}
    assert part[here.pk].model == "share"
    assert part[here.pk].mean_daily == pytest.approx(total.mean_daily * 0.75, rel=1e-6)
    assert part[there.pk].mean_daily == pytest.approx(total.mean_daily * 0.25, rel=1e-6)


def test_cancelled_units_are_no_demand() -> None:
    variant = make_variant()
    DailyDemand.objects.create(variant=variant, day=TODAY - timedelta(days=2), ordered=5, cancelled=5)
    DailyDemand.objects.create(variant=variant, day=TODAY - timedelta(days=1), ordered=4, cancelled=1)
    [history] = load_histories([variant.pk], today=TODAY, settings=SETTINGS)
    assert list(history.total.units) == [0, 3]
    assert demand_by_day(make_forecast(variant, first_day=TODAY), days=9) == {
        TODAY - timedelta(days=2): 0,
        TODAY - timedelta(days=1): 3,
    }


def test_today_is_not_over_and_counts_in_no_series() -> None:
    variant = make_variant()
    give_demand(variant, [2, 9], until=TODAY + timedelta(days=1))
    [history] = load_histories([variant.pk], today=TODAY, settings=SETTINGS)
    assert list(history.total.units) == [2]


def test_the_preferred_suppliers_lead_time_counts() -> None:
    variant, other = make_variant(), make_variant()
    slow = Supplier.objects.create(name="Slow", code="S", currency="EUR", lead_time_days=40, lead_time_spread="9.5")
    quick = Supplier.objects.create(name="Quick", code="Q", currency="EUR", lead_time_days=5, lead_time_spread="1")
    SupplierItem.objects.create(supplier=quick, variant=variant, price=1)
    SupplierItem.objects.create(supplier=slow, variant=variant, price=1, preferred=True, lead_time_days=33)
    found = lead_times([variant.pk, other.pk], SETTINGS)
    assert (found[variant.pk].mean, found[variant.pk].sd) == (33.0, 9.5)
    assert (found[other.pk].mean, found[other.pk].sd) == (SETTINGS.lead_time_days, SETTINGS.lead_time_sd)


def test_the_basis_of_a_reorder_is_asked_for_many_keys_at_once() -> None:
    variant, other, location = make_variant(), make_variant(), make_location()
    make_forecast(variant)
    make_forecast(variant, location, reorder_point=20, order_up_to=40)
    make_forecast(other, mean_daily=0.0, p50_daily=0.0, p90_daily=0.0)
    keys = [(variant.pk, None), (variant.pk, location.pk), (other.pk, None), (other.pk, location.pk)]
    with CaptureQueriesContext(connection) as queries:
        basis = reorder_basis(keys)
    assert len(queries) == 1
    assert set(basis) == set(keys[:3])
    assert (basis[(variant.pk, location.pk)].reorder_point, basis[(variant.pk, None)].reorder_point) == (20, 70)
    assert basis[(variant.pk, None)].days_of_cover(30) == 15.0
    assert basis[(other.pk, None)].days_of_cover(30) is None


def test_past_forecasts_are_kept_weekly_and_settled_when_their_days_are_over() -> None:
    variant, location = make_variant(), make_location()
    give_stock(variant, location, 50)
    sold_daily(variant, location=location)
    for day in (0, 1, 7):
        run(NOW + timedelta(days=day))
    assert sorted(set(PastForecast.objects.values_list("first_day", flat=True))) == [TODAY, TODAY + timedelta(days=7)]
    give_demand(variant, [3] * 20, until=TODAY + timedelta(days=20), location=location)
    Stockout.objects.create(
        variant=variant, location=location, first_day=TODAY + timedelta(days=12), last_day=TODAY + timedelta(days=30)
    )
    assert settle_past_forecasts(today=TODAY + timedelta(days=13)) == 0
    assert settle_past_forecasts(today=TODAY + timedelta(days=14)) == 2
    for past in PastForecast.objects.filter(actual__isnull=False):
        assert (past.first_day, past.actual, past.stockout_days) == (TODAY, 42, 2)
        assert past.p50 <= past.p90


def test_settings_are_checked_and_told() -> None:
    saved = save_forecast_settings(values={"lead_time_days": 21.0, "service_fast": 0.99}, actor=ACTOR, now=NOW)
    assert (saved.lead_time_days, saved.service_of("fast")) == (21.0, 0.99)
    with pytest.raises(Invalid) as refused:
        save_forecast_settings(values={"service_slow": 1.0}, actor=ACTOR, now=NOW)
    assert refused.value.field == "service_slow"


def test_a_longer_lead_time_raises_the_reorder_point() -> None:
    variant = make_variant()
    sold_daily(variant)
    run()
    before = ForecastResult.objects.get(variant=variant).reorder_point
    save_forecast_settings(values={"lead_time_days": 60.0}, actor=ACTOR, now=NOW)
    run(NOW + timedelta(hours=1))
    assert ForecastResult.objects.get(variant=variant).reorder_point > before * 2


@pytest.mark.parametrize(
    "fields",
    [
        {"p50_daily": 5.0},
        {"lead_demand_p50": 99.0},
        {"order_up_to": 1},
        {"mean_daily": -1.0},
        {"speed": "brisk"},
        {"pattern": "odd"},
    ],
)
def test_the_database_refuses_a_forecast_that_contradicts_itself(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_forecast(make_variant(), **fields)


def test_the_database_keeps_one_forecast_of_a_series() -> None:
    variant = make_variant()
    make_forecast(variant)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_forecast(variant)


@pytest.mark.parametrize("fields", [{"p50": 5.0, "p90": 4.0}, {"last_day": date(2020, 1, 1)}, {"p50": -1.0}])
def test_the_database_refuses_a_past_forecast_that_contradicts_itself(fields: dict[str, Any]) -> None:
    values = {"made_at": NOW, "first_day": TODAY, "last_day": TODAY, "model": "ets", "p50": 1.0, "p90": 2.0, **fields}
    with pytest.raises(IntegrityError), transaction.atomic():
        PastForecast.objects.create(variant=make_variant(), **values)


@pytest.mark.parametrize("fields", [{"id": 2}, {"lead_time_days": 0}, {"service_fast": 1.0}])
def test_the_database_refuses_settings_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ForecastSettings.objects.create(**fields)


def test_from_real_orders_to_a_forecast() -> None:
    """Finished orders of ten weeks, as an import brings them, then the job as it runs at night."""
    variant, channel = make_variant("REAL"), make_channel()
    requests = [
        new_order(channel, [("REAL", 1 + n % 3)], placed_at=NOW - timedelta(days=n), paid=True) for n in range(1, 71)
    ]
    place_orders(requests, actor=ACTOR, now=NOW)
    Order.objects.update(updated_at=NOW)
    job = run(NOW + timedelta(minutes=1))
    assert job.state == JobState.DONE
    found = ForecastResult.objects.get(variant=variant)
    assert found.mean_daily == pytest.approx(2.0, rel=0.2)
    assert (found.history_days, found.speed) == (70, "fast")


def test_the_command_prints_a_table_for_each_source(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sales.csv"
    first = date(2025, 1, 1)
    rows = [f"A,{first + timedelta(days=n)},{1 + n % 4}" for n in range(160)]
    rows += [f"B,{first + timedelta(days=n)},2" for n in range(0, 160, 9)]
    file.write_text("sku,day,units\n" + "\n".join(rows) + "\n")
    call_command("backtest_forecast", "--file", str(file), "--cuts", "2")
    said = capsys.readouterr().out
    assert "| fast | 1 | 2 |" in said
    assert "off the truth" not in said
    assert "| intermittent | 1 |" in said
    call_command("backtest_forecast", "--generated", "1", "--days", "120", "--cuts", "1", "--json")
    assert '"class": "fast"' in (known := capsys.readouterr().out)
    assert '"truth": {"ours":' in known
    call_command(
        "backtest_forecast", "--file", str(file), "--cuts", "30"
    )  # longer than the history: fewer cuts, no nonsense
    assert "| fast | 1 | 7 |" in capsys.readouterr().out
    file.write_text("sku,day,units\nA,2025-01-01,1\n")
    with pytest.raises(CommandError):
        call_command("backtest_forecast", "--file", str(file))


def test_pools_outlive_the_cursor() -> None:
    variant = make_variant()
    sold_daily(variant)
    job = run()
    assert Pools.from_json(job.cursor["pools"]).by_speed.keys() == {"fast", "slow", "intermittent"}
