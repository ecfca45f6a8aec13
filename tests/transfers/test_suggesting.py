"""Suggestions: a pure function under random stock, and the statement that feeds it."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.models import ReorderPolicy
from tests.factories.shop import NOW, give_stock, make_location, make_variant
from tests.transfers.factory import make_transfer
from transfers.queries import positions
from transfers.suggesting import Position, Suggestion, suggest_transfers


@st.composite
def stock(draw: st.DrawFn) -> list[Position]:
    rows = []
    for variant in range(draw(st.integers(1, 4))):
        for location in range(draw(st.integers(2, 5))):
            point, more = draw(st.integers(0, 10)), draw(st.integers(0, 10))
            policy = draw(st.booleans())
            rows.append(
                Position(
                    variant, location, draw(st.integers(-2, 30)), draw(st.integers(0, 6)), point if policy else None,
                    point + more if policy else None,
                )
            )  # fmt: skip
    return rows


@settings(max_examples=400, deadline=None)
@given(rows=stock(), keep=st.integers(0, 8), chance=st.randoms())
def test_nobody_is_hurt_and_nothing_is_left_undone(rows: list[Position], keep: int, chance) -> None:
    found = suggest_transfers(rows, keep=keep)
    given_by: dict[tuple[int, int], int] = defaultdict(int)
    got: dict[tuple[int, int], int] = defaultdict(int)
    for s in found:
        assert s.quantity > 0 and s.origin_id != s.destination_id
        given_by[(s.variant_id, s.origin_id)] += s.quantity
        got[(s.variant_id, s.destination_id)] += s.quantity
    assert not given_by.keys() & got.keys()
    for p in rows:
        key = (p.variant_id, p.location_id)
        if given_by[key]:
            floor = keep if p.order_up_to is None else p.order_up_to
            assert p.available - given_by[key] >= floor
        if got[key]:
            assert p.available + p.expected <= p.reorder_point
            assert p.available + p.expected + got[key] <= p.order_up_to
    for variant in {p.variant_id for p in rows}:  # either all needs are met or all surplus is given
        of_it = [p for p in rows if p.variant_id == variant]
        unmet = sum(p.wanted - got[(variant, p.location_id)] for p in of_it)
        left = sum(p.spare(keep) - given_by[(variant, p.location_id)] for p in of_it)
        assert unmet == 0 or left == 0
    shuffled = sorted(chance.sample(rows, len(rows)), key=lambda p: p.variant_id)
    assert suggest_transfers(shuffled, keep=keep) == found, "the order of rows decides nothing"


def test_the_most_urgent_place_is_served_first_from_the_fullest() -> None:
    rows = [
        Position(1, 1, 0, 0, 5, 10), Position(1, 2, 4, 0, 5, 10), Position(1, 3, 11, 0, 2, 4), Position(1, 4, 8, 0),
    ]  # fmt: skip
    assert suggest_transfers(rows, keep=3) == [Suggestion(3, 1, 1, 7), Suggestion(4, 1, 1, 3), Suggestion(4, 2, 1, 2)]


@pytest.mark.django_db
class TestPositions:
    def policy(self, variant, place, point: int, up_to: int) -> None:
        ReorderPolicy.objects.create(
            variant=variant, location=place, reorder_point=point, order_up_to=up_to, updated_at=NOW
        )

    def test_levels_policies_incoming_and_drafts_all_count(self) -> None:
        full, empty, third, variant = make_location(), make_location(), make_location(), make_variant("A-1")
        give_stock(variant, full, 30)
        give_stock(variant, empty, 2)
        give_stock(variant, empty, 1, bucket="incoming")
        give_stock(variant, third, 9)
        self.policy(variant, empty, 4, 12)
        self.policy(variant, full, 5, 20)
        assert suggest_transfers(positions()) == [Suggestion(full.pk, empty.pk, variant.pk, 9)]
        assert suggest_transfers(positions(origin_id=third.pk)) == [Suggestion(third.pk, empty.pk, variant.pk, 9)]
        assert suggest_transfers(positions(keep=9, origin_id=third.pk), keep=9) == []
        assert suggest_transfers(positions(destination_id=full.pk)) == []
        make_transfer({"A-1": 1}, stock=0, origin=full, destination=empty)
        # The draft takes one from the full place as well: both can spare 9 now, and the place of the lower number gives.
        assert suggest_transfers(positions()) == [Suggestion(min(full.pk, third.pk), empty.pk, variant.pk, 8)]
        make_transfer({"A-1": 1}, stock=0, origin=full, destination=empty)
        assert suggest_transfers(positions()) == [], "two drafted units lift it above its point"

    def test_a_place_without_any_level_may_need_something(self) -> None:
        full, empty, variant = make_location(), make_location(), make_variant()
        give_stock(variant, full, 3)
        self.policy(variant, empty, 0, 5)
        assert suggest_transfers(positions()) == [Suggestion(full.pk, empty.pk, variant.pk, 3)]

    def test_closed_places_and_suppliers_take_no_part(self) -> None:
        variant = make_variant()
        for fields in ({"active": False}, {"kind": "supplier"}):
            give_stock(variant, make_location(**fields), 9)
            self.policy(variant, make_location(**fields), 5, 9)
        open_place = make_location()
        self.policy(variant, open_place, 5, 9)
        assert positions() == []

    def test_one_statement_whatever_there_is(self, django_assert_num_queries) -> None:
        places, variants = [make_location() for _ in range(3)], [make_variant() for _ in range(4)]
        for variant in variants:
            give_stock(variant, places[0], 20)
            self.policy(variant, places[1], 3, 6)
            self.policy(variant, places[2], 3, 6)
        with django_assert_num_queries(1):
            rows = positions()
        assert len(suggest_transfers(rows)) == 8
        some = suggest_transfers(positions(variants=3))
        assert {s.variant_id for s in some} == {variant.pk for variant in variants[:3]}
        assert some == [s for s in suggest_transfers(rows) if s.variant_id != variants[3].pk]
