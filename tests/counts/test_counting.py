"""Counting by bin and by scan, counting again, finding what was not listed, and posting what moved meanwhile right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from core.actors import Actor
from core.refusals import Invalid, Refusal
from counts.models import StockCount
from counts.operations import (
    CannotPost,
    abandon_count,
    close_bin,
    create_count,
    create_counts,
    finish_count,
    post_count,
    record_line,
    reopen_count,
)
from counts.operations.counting import NotListed
from counts.operations.creating import CountScope, CountSettings
from inventory.models import StockLevel, StockMovement, Variant
from inventory.operations import Claim, adjust_stock, reserve, ship
from inventory.operations.auditing import audit_stock
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db
ANA, BEN = Actor("user", "901", "Ana"), Actor("user", "902", "Ben")


def on_hand(variant: Variant) -> int:
    return StockLevel.objects.get(variant=variant).on_hand


@pytest.fixture
def shelf() -> dict[str, Any]:
    place = make_location("Main")
    a, b, c = make_variant("A-1"), make_variant("B-1"), make_variant("C-1")
    for variant, bin_name, units in ((a, "S-1", 10), (b, "S-1", 4), (c, "S-2", 7)):
        give_stock(variant, place, units, bin=bin_name)
    return {"place": place, "a": a, "b": b, "c": c}


def of_bins(shelf: dict[str, Any], *bins: str, **settings: Any) -> StockCount:
    return create_count(
        location_id=shelf["place"].pk, scope=CountScope("bins", bins=bins), settings=CountSettings(**settings), actor=ACTOR, now=NOW
    )  # fmt: skip


def counted(count: StockCount, variant: Variant, bin_name: str, quantity: int, who: Actor = ANA, **more: Any) -> Any:
    return record_line(
        count_id=count.pk, variant_id=variant.pk, bin_name=bin_name, quantity=quantity, actor=who, now=NOW, **more
    )


def ended(count: StockCount, **more: Any) -> Any:
    return finish_count(count_id=count.pk, actor=ANA, now=NOW, **more)


def posted(count: StockCount, unlisted: str = "leave", **more: Any) -> Any:
    return post_count(count_id=count.pk, unlisted=unlisted, actor=ACTOR, now=NOW, **more)


def ship_units(variant: Variant, place: Any, units: int) -> None:
    claim = [Claim(variant.pk, place.pk, f"order_line:{variant.pk}", units)]
    with transaction.atomic():
        reserve(claim, cause="order:1", actor=ACTOR, now=NOW)
        ship(claim, cause="order:1", actor=ACTOR, now=NOW)


class TestCounting:
    def test_scan_by_scan_adds_up_and_a_number_replaces(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1")
        counted(count, shelf["a"], "S-1", 1, add=True)
        assert counted(count, shelf["a"], "S-1", 1, add=True).counted == 2
        assert counted(count, shelf["a"], "S-1", 9).counted == 9
        assert counted(count, shelf["a"], "S-1", 1, add=True).counted == 10

    def test_a_difference_is_counted_again_by_somebody_else(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1")
        counted(count, shelf["a"], "S-1", 8)
        counted(count, shelf["b"], "S-1", 4)
        assert close_bin(count_id=count.pk, bin_name="S-1", actor=ANA, now=NOW).recounts == 1
        assert ended(count).recounts == 1
        with pytest.raises(Refusal) as refusal:
            counted(count, shelf["a"], "S-1", 8)
        assert refusal.value.code == "same_person"
        line = counted(count, shelf["a"], "S-1", 9, BEN, done=True)
        assert (line.state, line.first_counted, line.counted, line.first_by) == ("done", 8, 9, ANA.ref)
        assert ended(count).recounts == 0
        posted(count)
        assert on_hand(shelf["a"]) == 9 and on_hand(shelf["b"]) == 4

    def test_within_the_tolerance_nobody_counts_again(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", tolerance_units=1, tolerance_percent=20)
        assert counted(count, shelf["a"], "S-1", 8, done=True).state == "done"
        assert counted(count, shelf["b"], "S-1", 2, done=True).state == "recount"

    def test_what_is_not_listed_is_offered_as_found(self, shelf: dict[str, Any]) -> None:
        stranger = make_variant("NEW-1")
        count = of_bins(shelf, "S-1")
        with pytest.raises(NotListed):
            counted(count, stranger, "S-1", 1)
        line = counted(count, stranger, "S-1", 2, found=True)
        assert (line.home, line.found, line.expected) == (True, True, 0)

    def test_a_misplaced_sku_is_counted_at_home_too(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", second_person=False)
        for name, units in (("a", 10), ("b", 4)):
            counted(count, shelf[name], "S-1", units)
        assert counted(count, shelf["c"], "S-1", 2, found=True).expected == 0
        home = count.lines.get(variant=shelf["c"], home=True)
        assert (home.bin, home.state) == ("S-2", "to_count")
        counted(count, shelf["c"], "S-2", 5)
        ended(count, anyway=True)
        outcome = posted(count)
        assert on_hand(shelf["c"]) == 7 and outcome.adjusted == 1
        assert not StockMovement.objects.filter(cause=count.subject).exists()

    def test_found_elsewhere_and_not_looked_for_at_home_changes_nothing(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", second_person=False)
        counted(count, shelf["c"], "S-1", 2, found=True)
        ended(count, anyway=True)
        posted(count)
        assert on_hand(shelf["c"]) == 7

    def test_a_bundle_is_never_counted(self, shelf: dict[str, Any]) -> None:
        bundle = make_variant("KIT", is_bundle=True)
        with pytest.raises(Invalid):
            counted(of_bins(shelf, "S-1"), bundle, "S-1", 1, found=True)


class TestMovesMeanwhile:
    def test_a_sale_after_the_line_was_counted_is_not_taken_twice(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", tolerance_units=5)
        counted(count, shelf["a"], "S-1", 9)
        ship_units(shelf["a"], shelf["place"], 3)
        counted(count, shelf["b"], "S-1", 4)
        adjust_stock(
            variant_id=shelf["b"].pk, location_id=shelf["place"].pk, quantity=6, reason="received", actor=ACTOR, now=NOW
        )
        ended(count)
        posted(count)
        assert (on_hand(shelf["a"]), on_hand(shelf["b"])) == (10 - 3 - 1, 10)
        assert audit_stock() == []

    def test_what_nobody_found_is_measured_when_the_bin_is_done(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", tolerance_units=20)
        counted(count, shelf["b"], "S-1", 4)
        close_bin(count_id=count.pk, bin_name="S-1", actor=ANA, now=NOW)
        adjust_stock(
            variant_id=shelf["a"].pk, location_id=shelf["place"].pk, quantity=5, reason="received", actor=ACTOR, now=NOW
        )
        ended(count)
        posted(count, "zero")
        assert on_hand(shelf["a"]) == 5, "the ten were gone, the five came after the walk"

    def test_left_as_it_is(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", tolerance_units=20)
        counted(count, shelf["b"], "S-1", 4)
        ended(count)
        assert posted(count, "leave").left == 1
        assert on_hand(shelf["a"]) == 10

    def test_two_counts_of_one_sku_tell_a_difference_once(self, shelf: dict[str, Any]) -> None:
        first, second = (of_bins(shelf, "S-1", tolerance_units=20) for _ in range(2))
        for n, count in enumerate((first, second)):
            record_line(
                count_id=count.pk,
                variant_id=shelf["a"].pk,
                bin_name="S-1",
                quantity=8,
                actor=ANA,
                now=NOW + timedelta(minutes=n),
            )
            counted(count, shelf["b"], "S-1", 4)
            ended(count)
        posted(first)
        posted(second)
        assert on_hand(shelf["a"]) == 8

    def test_the_later_count_wins_whichever_is_posted_first(self, shelf: dict[str, Any]) -> None:
        first, second = (of_bins(shelf, "S-1", tolerance_units=20) for _ in range(2))
        for n, (count, units) in enumerate(((first, 9), (second, 8))):
            record_line(
                count_id=count.pk,
                variant_id=shelf["a"].pk,
                bin_name="S-1",
                quantity=units,
                actor=ANA,
                now=NOW + timedelta(minutes=n),
            )
            ended(count)
        posted(second)
        posted(first)
        assert on_hand(shelf["a"]) == 8
        assert first.lines.get(variant=shelf["a"]).result == "left"


class TestPosting:
    def test_reserved_units_stay_covered_and_the_rest_can_be_posted(self, shelf: dict[str, Any]) -> None:
        with transaction.atomic():
            reserve([Claim(shelf["a"].pk, shelf["place"].pk, "order_line:1", 9)], cause="order:1", actor=ACTOR, now=NOW)
        count = of_bins(shelf, "S-1", tolerance_units=20)
        counted(count, shelf["a"], "S-1", 6)
        counted(count, shelf["b"], "S-1", 5)
        ended(count)
        with pytest.raises(CannotPost) as refusal:
            posted(count)
        assert [line.sku for line in refusal.value.lines] == ["A-1"]
        assert (on_hand(shelf["a"]), on_hand(shelf["b"])) == (10, 4)
        outcome = posted(count, partly=True)
        assert (on_hand(shelf["a"]), on_hand(shelf["b"])) == (10, 5)
        assert outcome.refused and count.lines.get(variant=shelf["a"]).result == "refused"

    def test_it_is_posted_once(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", tolerance_units=20)
        counted(count, shelf["a"], "S-1", 6)
        ended(count)
        posted(count)
        with pytest.raises(Refusal) as refusal:
            posted(count)
        assert refusal.value.code == "wrong_state"
        assert on_hand(shelf["a"]) == 6

    def test_nothing_counted_is_not_a_count(self, shelf: dict[str, Any]) -> None:
        with pytest.raises(Refusal) as refusal:
            ended(of_bins(shelf, "S-1"))
        assert refusal.value.code == "nothing_counted"

    def test_reopened_lines_are_counted_again(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1", tolerance_units=20)
        line = counted(count, shelf["a"], "S-1", 6)
        ended(count)
        reopen_count(count_id=count.pk, line_ids=[line.pk], actor=ACTOR, now=NOW)
        counted(count, shelf["a"], "S-1", 10, BEN)
        ended(count)
        posted(count)
        assert on_hand(shelf["a"]) == 10

    def test_abandoned_counts_change_nothing(self, shelf: dict[str, Any]) -> None:
        count = of_bins(shelf, "S-1")
        counted(count, shelf["a"], "S-1", 6)
        abandon_count(count_id=count.pk, actor=ACTOR, now=NOW)
        with pytest.raises(Refusal):
            counted(count, shelf["a"], "S-1", 7)
        assert on_hand(shelf["a"]) == 10


class TestMaking:
    def test_one_count_for_each_bin(self, shelf: dict[str, Any]) -> None:
        made = create_counts(location_id=shelf["place"].pk, bins=["S-1", "S-2", "S-1"], actor=ACTOR, now=NOW)
        assert [count.lines.count() for count in made] == [2, 1]

    def test_by_class(self, shelf: dict[str, Any]) -> None:
        ship_units(shelf["a"], shelf["place"], 3)
        for name, skus in (("A", ["A-1"]), ("C", ["B-1", "C-1"])):
            count = create_count(location_id=shelf["place"].pk, scope=CountScope("abc", abc=name), actor=ACTOR, now=NOW)
            assert sorted(count.lines.values_list("variant__sku", flat=True)) == skus

    def test_chosen_skus_also_where_none_should_be(self, shelf: dict[str, Any]) -> None:
        absent = make_variant("GONE")
        scope = CountScope("skus", variant_ids=[absent.pk, shelf["a"].pk])
        count = create_count(location_id=shelf["place"].pk, scope=scope, actor=ACTOR, now=NOW)
        assert dict(count.lines.values_list("variant__sku", "bin")) == {"GONE": "", "A-1": "S-1"}

    @pytest.mark.parametrize(
        ("scope", "field"),
        [
            (CountScope("bins"), "bins"), (CountScope("bins", bins=["nowhere"]), "bins"), (CountScope("abc", abc="Z"), "abc"),
            (CountScope("skus"), "skus"), (CountScope("tea"), "kind"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_counted_names_the_field(self, shelf: dict[str, Any], scope: CountScope, field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            create_count(location_id=shelf["place"].pk, scope=scope, actor=ACTOR, now=NOW)
        assert refusal.value.field == field
