"""Stock as it was: equal to a replay of the ledger at any moment, from snapshots or without."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from django.db import connection

from core.bulk import copy_rows
from inventory.models import Bucket, StockMovement, StockSnapshot
from inventory.operations import snapshots
from inventory.operations.snapshots import take_snapshots
from inventory.time_travel import Counts, changes_between, changes_of_period, counts_at, difference, skus_of_period
from tests.factories.shop import NOW, make_location, make_variant

pytestmark = pytest.mark.django_db
LONG_AGO = NOW - timedelta(days=60)
Key = tuple[int, int]


def write_history(chance: random.Random, keys: list[Key], rows: int, start: datetime = LONG_AGO) -> None:
    """A ledger of `rows` movements in which acts that waited for a lock stand a little out of the order of their times."""
    at, written = start, []
    for n in range(rows):
        at += timedelta(seconds=chance.choice((0, 0, 1, 30, 4000)))
        key = chance.choice(keys)
        late = timedelta(seconds=chance.choice((0, 0, 0, 0, 20)))
        written.append(
            (*key, chance.choice(Bucket.values), chance.choice((-3, -1, 1, 2, 5)), chance.choice(("received", "shipped")),
             f"order:{n % 50}", "", "system:test", at - late)
        )  # fmt: skip
    columns = ("variant_id", "location_id", "bucket", "quantity", "reason", "cause", "note", "actor", "at")
    copy_rows(StockMovement, columns, written)


def ledger() -> list[tuple[int, int, str, int, datetime]]:
    rows = StockMovement.objects.order_by("id")
    return list(rows.values_list("variant_id", "location_id", "bucket", "quantity", "at"))


def replay(rows: list[tuple[int, int, str, int, datetime]], moment: datetime) -> dict[Key, dict[str, int]]:
    """The plain truth: every movement up to the moment, added up."""
    counts: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(Bucket.values, 0))
    for variant_id, location_id, bucket, quantity, at in rows:
        if at <= moment:
            counts[variant_id, location_id][bucket] += quantity
    return counts


@pytest.fixture
def keys() -> list[Key]:
    places = [make_location(name=f"Place {n}", code=f"P{n}") for n in range(2)]
    variants = [make_variant(f"T-{n}") for n in range(3)]
    return [(variant.pk, place.pk) for variant in variants for place in places]


def as_counts(found: dict[str, int]) -> Counts:
    return Counts(**found)


def test_the_past_equals_a_replay_of_the_ledger_at_200_random_moments(keys: list[Key]) -> None:
    chance = random.Random(5)
    write_history(chance, keys, 2500)
    rows = ledger()
    for rounds in range(2):  # without snapshots, and with them
        for _moment in range(100):
            moment = LONG_AGO + (NOW - LONG_AGO) * chance.random()
            true = replay(rows, moment)
            assert counts_at(keys, moment) == {key: as_counts(true[key]) for key in keys}
        if not rounds:
            assert take_snapshots(now=NOW)[0] > len(keys)


def test_snapshots_are_taken_once_and_go_on_where_they_ended(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 10)
    chance = random.Random(6)
    write_history(chance, keys[:1], 95)
    taken, last = take_snapshots(now=NOW)
    assert 5 <= taken <= 9
    assert take_snapshots(now=NOW) == (0, last)
    write_history(chance, keys[:1], 40, start=LONG_AGO + timedelta(days=20))
    more, _last = take_snapshots(now=NOW, after_id=last)
    assert more >= 1
    assert counts_at(keys, NOW) == {key: as_counts(replay(ledger(), NOW)[key]) for key in keys}


def test_every_snapshot_is_a_clean_cut(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 7)
    write_history(random.Random(7), keys, 900)
    take_snapshots(now=NOW)
    assert StockSnapshot.objects.count() > 50
    for one in StockSnapshot.objects.all():
        of_level = StockMovement.objects.filter(variant_id=one.variant_id, location_id=one.location_id)
        assert not of_level.filter(id__lte=one.movement_id, at__gt=one.at).exists()
        assert not of_level.filter(id__gt=one.movement_id, at__lte=one.at).exists()


def test_young_movements_are_left_alone(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 5)
    write_history(random.Random(8), keys[:1], 50)
    assert take_snapshots(now=LONG_AGO)[0] == 0


def test_a_difference_adds_up_and_names_what_made_it(keys: list[Key], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 20)
    write_history(random.Random(9), keys, 1000)
    take_snapshots(now=NOW)
    since, at = LONG_AGO + timedelta(days=3), LONG_AGO + timedelta(days=9)
    found = difference(keys, since, at)
    for bucket in Bucket.values:
        assert found.of(bucket) == sum(one.quantity for one in found.changes if one.bucket == bucket)
    assert changes_between(keys, since, at) == changes_of_period(since, at)
    place = keys[0][1]
    here = [key for key in keys if key[1] == place]
    assert changes_between(here, since, at) == changes_of_period(since, at, location_id=place)
    on_hand = sum(one.net for one in skus_of_period(since, at))
    assert on_hand == found.of("on_hand")


def test_a_question_about_the_past_reads_a_few_hundred_rows_of_a_long_ledger(keys: list[Key]) -> None:
    write_history(random.Random(10), keys[:1], 20_000)
    take_snapshots(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_stockmovement, inventory_stocksnapshot")
        from inventory import time_travel

        moment = LONG_AGO + timedelta(days=30)
        parameters = {"at": moment, "variants": [keys[0][0]], "locations": [keys[0][1]]}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {time_travel._COUNTS_AT}", parameters)
        plan = cursor.fetchone()[0][0]["Plan"]
    read = [
        row["Actual Rows"] + row.get("Rows Removed by Filter", 0)
        for row in walk(plan)
        if row.get("Relation Name") == "inventory_stockmovement"
    ]
    assert read
    assert max(read) < 3 * snapshots.EVERY


def walk(plan: dict) -> list[dict]:
    return [plan, *(row for part in plan.get("Plans", []) for row in walk(part))]
