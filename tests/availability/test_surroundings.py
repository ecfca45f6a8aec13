"""What no event tells of: locations, catalogue, sales, ends of budgets; and the jobs that work it in."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from availability.models import AvailabilityRule, ChannelAvailability, ChannelSales, LocationPool, WebhookPost
from availability.operations.rules import delete_pool, save_pool, save_rule
from availability.operations.surroundings import refresh_sales, watch_surroundings
from availability.queries import load_inputs, sales_window, units_sold
from core.jobs import run_job
from core.models import Job
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.models import BundleComponent, Location, Product, Variant
from tests.availability.shop import bundle_of, rule_for, settle, shown_of, waiting
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


def run_jobs(now: datetime = NOW) -> int:
    """Run what is queued; how many."""
    jobs = list(Job.objects.filter(kind="availability", state="queued").order_by("pk"))
    for job in jobs:
        run_job(job.pk, clock=lambda: now)
        job.refresh_from_db()
        assert job.state == "done", job.message
    return len(jobs)


@pytest.fixture
def shop():
    """A channel with one SKU of ten, worked in."""
    channel, variant, location = make_channel(time_zone="Europe/Warsaw"), make_variant("A"), make_location("Main")
    give_stock(variant, location, 10)
    for model in (Variant, Product):  # made by the database's clock, which is later than that of the tests
        model.objects.update(updated_at=NOW - timedelta(days=1))
    watch_surroundings(now=NOW)
    assert run_jobs() == 1
    settle()
    return channel, variant, location


def test_a_new_channel_gets_its_first_numbers_and_quiet_is_quiet(shop):
    channel, variant, _location = shop
    assert shown_of(channel, variant) == (10, 1)
    assert watch_surroundings(now=NOW) == 0 and run_jobs() == 0 and waiting() == 0
    other = make_channel()
    assert watch_surroundings(now=NOW) == 1 and run_jobs() == 1
    assert shown_of(other, variant) == (10, 1)


def test_a_location_that_stops_shipping_online_is_noticed(shop):
    channel, variant, location = shop
    Location.objects.filter(pk=location.pk).update(ships_online=False)
    assert watch_surroundings(now=NOW) == 1 and run_jobs() == 1
    assert shown_of(channel, variant) == (0, 2)
    Location.objects.filter(pk=location.pk).update(ships_online=True, channel_ids=[channel.pk + 1])
    assert watch_surroundings(now=NOW) == 0
    Location.objects.filter(pk=location.pk).update(channel_ids=[channel.pk])
    assert watch_surroundings(now=NOW) == 1 and run_jobs() == 1
    assert shown_of(channel, variant) == (10, 3)


def test_a_location_of_a_pool_that_is_switched_off_is_noticed(shop):
    channel, variant, location = shop
    pool = save_pool(pool_id=None, name="One", location_ids=[location.pk], actor=ACTOR, now=NOW)
    rule_for(channel, pool_id=pool.pk)
    watch_surroundings(now=NOW)
    run_jobs()
    Location.objects.filter(pk=location.pk).update(active=False)
    assert watch_surroundings(now=NOW) == 1 and run_jobs() == 1
    assert shown_of(channel, variant)[0] == 0


def test_changes_of_the_catalogue_are_noticed(shop):
    channel, variant, location = shop
    part = make_variant("PART")
    give_stock(part, location, 4)
    settle()
    later = NOW + timedelta(minutes=30)
    Variant.objects.filter(pk=variant.pk).update(active=False, updated_at=later)
    watch_surroundings(now=later)
    settle(later)
    assert shown_of(channel, variant)[0] == 0
    kit = bundle_of("KIT", (part, 1))
    Variant.objects.filter(pk=kit.pk).update(updated_at=later)
    watch_surroundings(now=later)
    settle(later)
    assert shown_of(channel, kit)[0] == 4
    BundleComponent.objects.update(quantity=2)
    Product.objects.filter(pk=kit.product_id).update(updated_at=later + timedelta(minutes=6))
    watch_surroundings(now=later + timedelta(minutes=7))
    settle(later + timedelta(minutes=7))
    assert shown_of(channel, kit)[0] == 2


def test_once_a_day_everything_is_worked_out_again(shop):
    channel, variant, _location = shop
    ChannelAvailability.objects.update(shown=3)
    assert watch_surroundings(now=NOW + timedelta(hours=2)) == 0
    assert watch_surroundings(now=NOW + timedelta(days=1)) == 1 and run_jobs() == 1
    assert shown_of(channel, variant) == (10, 2)


def test_a_budget_ends_with_its_last_day_by_the_clock_of_the_channel(shop):
    channel, variant, _location = shop
    rule = rule_for(channel, scope="sku", sku="A", budget=5, budget_until=NOW.date())
    settle()
    assert shown_of(channel, variant)[0] == 15
    before_midnight, after = NOW.replace(hour=22, minute=59), NOW.replace(hour=23, minute=1)  # Warsaw is an hour ahead
    assert watch_surroundings(now=before_midnight) == 0
    settle(before_midnight)
    assert shown_of(channel, variant)[0] == 15
    watch_surroundings(now=after)
    run_jobs(after)
    settle(after)
    assert shown_of(channel, variant)[0] == 10
    rule.refresh_from_db()
    assert rule.budget_over
    texts = [line.text for line in lines_for(entries_for(rule.subject))]
    assert texts == [f"The oversell budget ended with {NOW.date()}.", "Added."]
    watch_surroundings(now=after)
    assert len(entries_for(rule.subject)) == 2


def test_days_of_sales_follow_what_the_channel_sold(shop):
    channel, variant, _location = shop
    other = make_channel(time_zone="Europe/Warsaw")
    for days_ago, units in ((1, 3), (28, 2), (29, 50), (0, 50)):
        when = NOW - timedelta(days=days_ago)
        make_order(channel, [("A", 1)], placed_at=when, now=NOW)
        order_line_units(units)
    rule_for(channel, buffer="days", value=7)
    rule_for(other, buffer="days", value=7)
    watch_surroundings(now=NOW)
    run_jobs()
    settle()
    assert ChannelSales.objects.get(channel=channel).units == 5
    row = ChannelAvailability.objects.get(channel=channel, variant=variant)
    assert (row.available, row.withheld, row.shown) == (6, 2, 4), "7 × 5 / 28 = 1.25, rounded up"
    assert ChannelAvailability.objects.get(channel=other, variant=variant).shown == 6
    receipt = load_inputs([(channel.pk, variant.pk)], now=NOW).receipt_of((channel.pk, variant.pk))[0]
    assert next(step for step in receipt["steps"] if step["step"] == "buffer")["sold"] == 5
    tomorrow = NOW + timedelta(days=1)
    assert refresh_sales(channel, now=tomorrow) == [variant.pk]
    assert ChannelSales.objects.get(channel=channel).units == 53, "the oldest day has left, today has come in"


def order_line_units(units: int) -> None:
    """Make the newest order one of so many units, which were cancelled but for that: only its sales count here."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_orderline SET ordered = %s, allocated = 1 WHERE id = (SELECT max(id) FROM orders_orderline)", [units])  # fmt: skip


def test_sales_are_worked_out_alike_whether_kept_or_not(shop):
    channel, variant, location = shop
    kit = bundle_of("KIT", (variant, 2))
    give_stock(variant, location, 90)
    make_order(channel, [("KIT", 3)], placed_at=NOW - timedelta(days=2), now=NOW)
    make_order(channel, [("A", 4)], placed_at=NOW - timedelta(days=2), now=NOW)
    rule = AvailabilityRule(channel=channel, scope="channel", buffer="days", value=1, updated_at=NOW)
    pairs = [(channel.pk, variant.pk), (channel.pk, kit.pk)]
    live = load_inputs(pairs, now=NOW, instead=rule).sold
    refresh_sales(channel, now=NOW)
    assert live == load_inputs(pairs, now=NOW, instead=rule).sold == {pairs[0]: 10, pairs[1]: 3}
    assert units_sold(channel.pk, NOW.date(), "Europe/Warsaw") == {variant.pk: 10, kit.pk: 3}


def test_the_window_is_28_local_days_also_when_clocks_change():
    begins, ends = sales_window((NOW - timedelta(days=20)).date(), "Europe/Warsaw")  # over 25 October
    assert (ends - begins).days == 28 and (begins.hour, ends.hour) == (0, 0)
    assert begins.utcoffset() != ends.utcoffset()


def test_a_wide_rule_is_worked_in_by_a_job_in_steps(shop, monkeypatch):
    channel, variant, location = shop
    monkeypatch.setattr("availability.operations.recomputing.FEW_SKUS", 3)
    monkeypatch.setattr("availability.jobs.SKUS_AT_ONCE", 2)
    for _ in range(6):
        give_stock(make_variant(), location, 10)
    settle()
    saved = save_rule(rule_id=None, values={"channel_id": channel.pk, "maximum": 4}, actor=ACTOR, now=NOW)
    assert saved.job is not None and waiting() == 0
    assert run_jobs() == 1
    job = Job.objects.get(pk=saved.job.pk)
    assert (job.done, job.total, job.result) == (7, 7, {"changed": 7})
    assert set(ChannelAvailability.objects.values_list("shown", flat=True)) == {4} and variant.pk


def test_a_pool_in_use_stays(shop):
    channel, _variant, location = shop
    pool = save_pool(pool_id=None, name="One", location_ids=[location.pk], actor=ACTOR, now=NOW)
    rule_for(channel, pool_id=pool.pk)
    with pytest.raises(Refusal) as refused:
        delete_pool(pool_id=pool.pk, actor=ACTOR, now=NOW)
    assert refused.value.code == "pool_in_use"
    assert LocationPool.objects.exists()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("availability_availabilityrule", "scope = 'nothing'"),
        ("availability_availabilityrule", "buffer = 'nothing'"),
        ("availability_availabilityrule", "target = 'x'"),
        ("availability_availabilityrule", "scope = 'sku', target = ''"),
        ("availability_availabilityrule", "scope = 'tag', target = ''"),
        ("availability_availabilityrule", "value = -1"),
        ("availability_availabilityrule", "buffer = 'percent', value = 101"),
        ("availability_availabilityrule", "budget = 5"),
        ("availability_availabilityrule", "budget_until = '2026-01-01'"),
        ("availability_channelavailability", "shown = -1"),
        ("availability_channelavailability", "shown = available + extra + 1"),
        ("availability_channelavailability", "version = -1"),
        ("availability_webhookpost", "state = 'nothing'"),
        ("availability_webhookpost", "kind = 'nothing'"),
    ],
)
def test_the_database_holds_what_must_hold(shop, table, change):
    from availability.models import Endpoint

    channel, _variant, _location = shop
    rule_for(channel)
    endpoint = Endpoint.objects.create(channel=channel, url="https://x.example/", secret="x", created_at=NOW)
    WebhookPost.objects.create(endpoint=endpoint, message_id="m", body="{}", created_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")


def test_one_rule_for_one_thing_and_one_row_for_one_pair(shop):
    channel, variant, _location = shop
    rule_for(channel)
    for make in (
        lambda: AvailabilityRule.objects.create(channel=channel, updated_at=timezone.now()),
        lambda: ChannelAvailability.objects.create(channel=channel, variant=variant),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
