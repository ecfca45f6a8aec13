"""Counts that are made by themselves, the figures of posted counts, and what the database itself refuses."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.models import TimelineEntry
from counts.models import CountSchedule, StockCount
from counts.operations import create_count, finish_count, post_count, record_line
from counts.operations.creating import CountScope, CountSettings
from counts.operations.scheduling import make_due_counts
from counts.queries import accuracy
from inventory.models import Location
from tests.factories.counts import make_count
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> Location:
    place = make_location("Main", time_zone="Asia/Tehran")
    for n in range(4):
        give_stock(make_variant(f"SKU-{n}", cost=Decimal(n + 1)), place, 10, bin=f"S-{n}")
    return place


def schedule(place: Location, **fields: Any) -> CountSchedule:
    return CountSchedule.objects.create(
        **{"location": place, "kind": "bins", "bins": 2, "every_days": 7, "next_on": NOW.date(), **fields}
    )


class TestSchedules:
    def test_the_bins_that_are_due_and_not_being_counted(self, place: Location) -> None:
        one = schedule(place)
        [first] = make_due_counts(actor=ACTOR, now=NOW)
        assert first.scope == {"bins": ["S-0", "S-1"]}
        assert make_due_counts(actor=ACTOR, now=NOW) == [], "its day has moved on"
        one.refresh_from_db()
        assert one.next_on == NOW.date() + timedelta(days=7)
        [second] = make_due_counts(actor=ACTOR, now=NOW + timedelta(days=7))
        assert second.scope == {"bins": ["S-2", "S-3"]}
        assert make_due_counts(actor=ACTOR, now=NOW + timedelta(days=14)) == [], "all of them are being counted"

    def test_days_that_were_missed_make_one_count(self, place: Location) -> None:
        one = schedule(place, kind="abc", abc="C", bins=1, every_days=3)
        assert len(make_due_counts(actor=ACTOR, now=NOW + timedelta(days=10))) == 1
        one.refresh_from_db()
        assert one.next_on == date(2026, 12, 2)

    def test_the_day_is_that_of_the_place(self, place: Location) -> None:
        schedule(place, next_on=date(2026, 11, 21))
        late = NOW.replace(hour=21)  # already the 21st in Tehran
        assert make_due_counts(actor=ACTOR, now=NOW) == [] and len(make_due_counts(actor=ACTOR, now=late)) == 1

    def test_what_cannot_be_made_is_told(self) -> None:
        empty = make_location("Empty")
        schedule(empty, kind="abc", abc="A")
        assert make_due_counts(actor=ACTOR, now=NOW) == []
        assert TimelineEntry.objects.filter(subject=empty.subject, kind="count.not_scheduled").exists()

    def test_many_workers_make_it_once(self, committed: None, threads: Any) -> None:
        place = make_location()
        give_stock(make_variant(), place, 3, bin="S-1")
        schedule(place)
        made = threads(5, lambda i: make_due_counts(actor=ACTOR, now=NOW))
        assert sum(len(one) for one in made) == 1 == StockCount.objects.count()


def test_figures_of_posted_counts(place: Location) -> None:
    scope = CountScope("location")
    count = create_count(
        location_id=place.pk, scope=scope, settings=CountSettings(tolerance_units=50), actor=ACTOR, now=NOW
    )
    for line, units in zip(count.lines.order_by("bin"), (10, 7, 12), strict=False):
        record_line(
            count_id=count.pk, variant_id=line.variant_id, bin_name=line.bin, quantity=units, actor=ACTOR, now=NOW
        )
    finish_count(count_id=count.pk, actor=ACTOR, now=NOW)
    post_count(count_id=count.pk, unlisted="leave", actor=ACTOR, now=NOW)
    period: dict[str, Any] = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
    for by, name in (("count", count.number), ("location", "Main"), ("abc", "C"), ("month", "2026-11")):
        [one] = accuracy(by, **period, zone="Europe/Warsaw", location_id=place.pk)
        assert (one.name, one.lines, one.exact, one.units_net, one.units_off) == (name, 3, 1, -1, 5)
        assert (one.value_net, one.value_off) == (Decimal(-3 * 2 + 2 * 3), Decimal(3 * 2 + 2 * 3))
        assert one.percent == Decimal("33.3")
    assert accuracy("count", since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE counts_stockcount SET state = 'lost'",
        "UPDATE counts_stockcount SET kind = 'tea'",
        "UPDATE counts_stockcount SET tolerance_percent = 101",
        "UPDATE counts_stockcount SET state = 'posted'",
        "UPDATE counts_stockcount SET posted_at = now()",
        "UPDATE counts_stockcountline SET state = 'lost'",
        "UPDATE counts_stockcountline SET counted = -1",
        "UPDATE counts_stockcountline SET counted = 1, counted_at = NULL, on_hand = NULL, movement_id = NULL",
        "UPDATE counts_stockcountline SET result = 'exact'",
        "UPDATE counts_stockcountline SET result = 'odd', difference = 0, unit_value = 0",
        (
            "INSERT INTO counts_stockcountline (count_id, variant_id, bin, home, found, abc, state, moved, counted_by, first_by, reason, result, refused_why) "
            "SELECT count_id, variant_id, bin, false, found, abc, state, moved, '', '', '', '', '' FROM counts_stockcountline"
        ),
        (
            "INSERT INTO counts_stockcountline (count_id, variant_id, bin, home, found, abc, state, moved, counted_by, first_by, reason, result, refused_why) "
            "SELECT count_id, variant_id, 'else', true, found, abc, state, moved, '', '', '', '', '' FROM counts_stockcountline"
        ),
        "UPDATE counts_countschedule SET every_days = 0",
        "UPDATE counts_countschedule SET kind = 'abc'",
    ],
)
def test_the_database_refuses_it(place: Location, statement: str) -> None:
    make_count(make_variant(), place, counted=0)
    schedule(place)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
