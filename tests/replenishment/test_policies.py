"""Reorder points: set, kept, taken away, brought in from files, taken over from the forecast."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.jobs import run_job
from core.models import Job, StoredFile, TimelineEntry
from core.refusals import Invalid
from core.timeline import entries_for
from core.timeline_text import is_known, lines_for
from forecasting.models import ForecastResult
from inventory.models import BundleComponent, ReorderPolicy
from replenishment.import_job import policy_lines, start_import
from replenishment.models import Alert, Need
from replenishment.operations import PolicyWish, clear_policies, set_policies, set_policy
from replenishment.operations.forecasts import apply_forecast
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant
from tests.replenishment.stock import set_point

pytestmark = pytest.mark.django_db


def make_forecast(variant, location, point: int, up_to: int, **fields) -> ForecastResult:
    """A forecast that says these two numbers; the rest is of no matter here."""
    values = dict.fromkeys(
        (
            "p50_daily", "daily_variance", "drift", "lead_time_mean", "lead_time_sd", "lead_time_p90", "lead_demand_p50", "error",
            "naive_error", "seasonal_naive_error", "error_ratio", "coverage_p90",
        ),
        1.0,
    )  # fmt: skip
    values |= {"mean_daily": 2.0, "p90_daily": 3.0, "lead_demand_p90": 9.0, "service_level": 0.95, "days_of_cover": 3.0}
    values |= {"model": "mean", "pattern": "smooth", "speed": "fast", "history_days": 90, "stockout_days": 0}
    values |= {"review_days": 7, "position": 0, "tested": True, "horizon": {}, "backtest": {}}
    return ForecastResult.objects.create(
        variant=variant, location=location, made_at=NOW, first_day=NOW.date(), reorder_point=point, order_up_to=up_to,
        **(values | fields),
    )  # fmt: skip


def test_a_policy_tells_its_differences_in_the_variants_history():
    variant, place = make_variant("TENT"), make_location("Main")
    set_point(variant, place, 5, 20)
    set_point(variant, place, 8, 20)
    set_point(variant, place, 8, 20)  # nothing new
    clear_policies(subjects=[(variant.pk, place.pk)], actor=ACTOR, now=NOW)
    kinds = list(TimelineEntry.objects.filter(subject=variant.subject).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["policy.set", "policy.set", "policy.cleared"]
    assert all(map(is_known, kinds))
    cleared, changed, first = lines_for(entries_for(variant.subject))
    assert changed.text == "Reorder point of TENT · Main set."
    assert [(c.field, c.before, c.after) for c in changed.changes] == [("reorder point", "5", "8")]
    assert ("order up to", "", "20") in [(c.field, c.before, c.after) for c in first.changes]
    assert ("reorder point", "8", "—") in [(c.field, c.before, c.after) for c in cleared.changes]


def test_wrong_wishes_are_refused_one_by_one():
    good, bundle, place = make_variant("GOOD"), make_variant("KIT", is_bundle=True), make_location("Main")
    BundleComponent.objects.create(bundle=bundle, component=good, quantity=2)
    outcome = set_policies(
        wishes=[
            PolicyWish(good.pk, place.pk, 3, 9),
            PolicyWish(good.pk, None, 9, 3),
            PolicyWish(bundle.pk, place.pk, 1, 2),
            PolicyWish(good.pk, place.pk + 99, 1, 2),
            PolicyWish(good.pk + 99, None, 1, 2),
        ],
        actor=ACTOR,
        now=NOW,
    )
    assert outcome.done == ["GOOD · Main"]
    assert [label for label, _why in outcome.refused] == ["GOOD", "KIT · Main", "GOOD", "?"]
    assert "components" in outcome.refused[1][1]
    assert ReorderPolicy.objects.get().order_up_to == 9
    for point, up_to, field in ((-1, 3, "reorder_point"), (5, 4, "order_up_to"), (1, 10**8, "order_up_to")):
        with pytest.raises(Invalid) as refused:
            set_policy(
                variant_id=good.pk, location_id=None, reorder_point=point, order_up_to=up_to, actor=ACTOR, now=NOW
            )
        assert refused.value.field == field


def test_setting_and_clearing_opens_and_resolves_at_once():
    variant, place = make_variant(), make_location()
    give_stock(variant, place, 4)
    policy = set_point(variant, place, 5, 12)
    assert Need.objects.get(policy=policy).quantity == 8
    set_point(variant, None, 3, 12)
    assert [a.location_id for a in Alert.objects.exclude(state="resolved")] == [place.pk]
    set_point(variant, place, 3, 12)
    assert not Alert.objects.exclude(state="resolved").exists()
    assert not Need.objects.exists()
    set_point(variant, place, 4, 12)
    assert Alert.objects.filter(state="open").count() == 1
    clear_policies(subjects=[(variant.pk, place.pk)], actor=ACTOR, now=NOW)
    assert not Alert.objects.exclude(state="resolved").exists()
    assert not Need.objects.exists()


def test_a_silent_policy_needs_but_does_not_tell():
    variant, place = make_variant(), make_location()
    policy = set_point(variant, place, 5, 12, alert=False)
    assert not Alert.objects.exists()
    assert policy.need.quantity == 12
    set_point(variant, place, 5, 12, alert=True)
    assert Alert.objects.get().state == "open"
    set_point(variant, place, 6, 12)  # None: as it is
    assert ReorderPolicy.objects.get().alert is True


def test_what_is_switched_off_is_neither_low_nor_needed():
    variant, place = make_variant(), make_location()
    set_point(variant, place, 5, 12)
    set_point(variant, None, 5, 12)
    from replenishment.operations import evaluate_all

    place.active = False
    place.save()
    evaluate_all(now=NOW)
    assert [a.location_id for a in Alert.objects.filter(state="open")] == [None]
    assert [n.policy.location_id for n in Need.objects.all()] == [None]
    variant.active = False
    variant.save()
    evaluate_all(now=NOW)
    assert not Alert.objects.filter(state="open").exists()
    assert not Need.objects.exists()
    variant.active = place.active = True
    variant.save()
    place.save()
    evaluate_all(now=NOW)
    assert Alert.objects.filter(state="open").count() == Need.objects.count() == 2


def test_the_forecast_is_taken_over_but_not_what_a_person_set():
    a, b, c, place = make_variant("A"), make_variant("B"), make_variant("C"), make_location("Main")
    set_point(a, place, 5, 9)
    for variant in (a, b):
        make_forecast(variant, place, 7, 30)
    subjects = [(variant.pk, place.pk) for variant in (a, b, c)]
    outcome = apply_forecast(subjects, actor=ACTOR, now=NOW)
    assert outcome.done == ["B · Main"]
    assert outcome.refused == [("A · Main", "It was set by hand."), ("C · Main", "There is no forecast of it.")]
    assert (ReorderPolicy.objects.get(variant=b).source, ReorderPolicy.objects.get(variant=b).order_up_to) == (
        "forecast",
        30,
    )
    ForecastResult.objects.update(reorder_point=8)
    apply_forecast(subjects, actor=ACTOR, now=NOW)
    assert [p.reorder_point for p in ReorderPolicy.objects.order_by("variant__sku")] == [5, 8]
    outcome = apply_forecast(subjects, over_manual=True, actor=ACTOR, now=NOW)
    assert outcome.done == ["A · Main", "B · Main"]
    assert {p.source for p in ReorderPolicy.objects.all()} == {"forecast"}


def run_import(text: str, *, name: str = "points.csv") -> Job:
    job = start_import(name=name, data=text.encode(), actor=ACTOR, now=NOW)
    run_job(job.pk, clock=timezone.now)
    return Job.objects.get(pk=job.pk)


def test_a_file_comes_in_row_by_row_and_goes_out_as_it_came():
    tent, place = make_variant("TENT"), make_location("Main", code="MAIN")
    make_variant("=SUM")
    job = run_import(
        "SKU;Location;Reorder point;Order up to\n"
        "TENT;main;5;20\nTENT;;9;40\n=SUM;MAIN;1;\nNOPE;MAIN;1;2\nTENT;Moon;1;2\nTENT;MAIN;many;2\nTENT;MAIN;5;4\n"
    )
    assert (job.state, job.done, job.total) == ("done_with_errors", 7, 7)
    errors = {(e.line, e.field): e.message for e in job.errors.all()}
    assert set(errors) == {(5, "sku"), (6, "location"), (7, "reorder_point"), (8, "order_up_to")}
    rows = list(
        policy_lines(ReorderPolicy.objects.select_related("variant", "location").order_by("variant__sku", "pk"))
    )
    assert rows == [("=SUM", "MAIN", 1, 1), ("TENT", "MAIN", 5, 20), ("TENT", "", 9, 40)]
    text = "sku,location,reorder_point,order_up_to\n" + "\n".join(",".join(map(str, row)) for row in rows)
    before = list(ReorderPolicy.objects.order_by("pk").values())
    assert run_import(text).state == "done"
    assert list(ReorderPolicy.objects.order_by("pk").values()) == before
    assert tent.reorder_policies.filter(location=place).exists()


def test_an_import_goes_on_where_it_was_killed(monkeypatch):
    monkeypatch.setattr("replenishment.import_job.PORTION", 2)
    for n in range(5):
        make_variant(f"S-{n}")
    text = "sku,reorder_point,order_up_to\n" + "".join(f"S-{n},{n},{n + 5}\n" for n in range(5))
    job = start_import(name="p.csv", data=text.encode(), actor=ACTOR, now=NOW)
    run_job(job.pk, clock=timezone.now, until=NOW.replace(year=2000))  # one step, then it hands over
    assert ReorderPolicy.objects.count() == 2
    run_job(job.pk, clock=timezone.now)
    assert [p.reorder_point for p in ReorderPolicy.objects.order_by("variant__sku")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"", b"sku,location\nA,B\n", b"\x00\x01\x02", b"name,point\nA,1\n"])
def test_a_file_of_something_else_is_refused_at_once(data):
    with pytest.raises(Invalid) as refused:
        start_import(name="x.csv", data=data, actor=ACTOR, now=NOW)
    assert refused.value.field == "file"
    assert not Job.objects.exists()
    assert not StoredFile.objects.exists()


def test_many_policies_cost_as_many_statements_as_few():
    place = make_location()
    counts = []
    for size in (2, 40):
        wishes = [PolicyWish(make_variant().pk, place.pk, 3, 9) for _n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            assert len(set_policies(wishes=wishes, actor=ACTOR, now=NOW).done) == size
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 15
