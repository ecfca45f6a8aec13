"""Lots: whoever writes, the counts over the lots are the level's counts; the earliest expiry leaves first and nothing past its day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import transaction

from core.refusals import Refusal
from core.timeline import entries_for
from inventory.models import Lot, LotLevel, StockLevel, StockMovement, Variant
from inventory.operations import Claim, Move, adjust_stock, apply_moves, release, reserve, ship
from inventory.operations.adjusting import adjust_by_hand
from inventory.operations.auditing import audit_stock
from inventory.operations.lots import (
    find_or_add_lot,
    lots_taken,
    pick_lot_units,
    put_back_lot_units,
    receive_lot,
    relabel_lot,
    set_expired_aside,
    set_tracking,
    tracking_of,
)
from inventory.operations.undoing import undo_adjustment
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def by_lot(**fields) -> Variant:
    variant = make_variant(**fields)
    return set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)


def lot_of(variant, code: str, days: int | None = None) -> Lot:
    expires = None if days is None else TODAY + timedelta(days=days)
    return find_or_add_lot(variant_id=variant.pk, code=code, expires_on=expires, actor=ACTOR, now=NOW)


def put(variant, place, code: str, units: int, days: int | None = None) -> Lot:
    lot = lot_of(variant, code, days)
    move(variant, place, units, lot=lot)
    return lot


def move(variant, place, units: int, *, bucket="on_hand", reason="received", lot=None, cause="test:1") -> None:
    with transaction.atomic():
        apply_moves(
            [Move(variant.pk, place.pk, bucket, units, reason, lot_id=lot.pk if lot else None)],
            cause=cause, actor=ACTOR, now=NOW,
        )  # fmt: skip


def counts(variant, place, bucket: str = "on_hand") -> dict[str, int]:
    rows = LotLevel.objects.filter(lot__variant=variant, location=place).exclude(**{bucket: 0})
    return dict(rows.values_list("lot__code", bucket))


@contextmanager
def refused(code: str, *, says: str = "") -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code == code and says in caught.value.message


@pytest.fixture
def place():
    return make_location()


def test_what_rises_without_a_lot_is_of_the_lot_without_a_code_and_what_falls_is_of_the_earliest_expiry(place):
    variant = by_lot()
    put(variant, place, "LATE", 5, 90)
    put(variant, place, "SOON", 5, 30)
    give_stock(variant, place, 4)
    assert counts(variant, place) == {"LATE": 5, "SOON": 5, "": 4}
    move(variant, place, -7, reason="lost")
    assert counts(variant, place) == {"LATE": 3, "": 4}
    move(variant, place, -5, reason="lost")
    assert counts(variant, place) == {"": 2}
    assert audit_stock() == []


def test_lots_without_a_date_follow_those_with_one_and_the_oldest_comes_first(place):
    variant = by_lot()
    put(variant, place, "A", 1)
    put(variant, place, "B", 1)
    put(variant, place, "DATED", 1, 400)
    left = []
    for _n in range(3):
        before = counts(variant, place)
        move(variant, place, -1, reason="lost")
        left += before.keys() - counts(variant, place).keys()
    assert left == ["DATED", "A", "B"]


def test_one_move_may_become_several_rows_of_the_ledger(place):
    variant = by_lot()
    put(variant, place, "A", 2, 10)
    put(variant, place, "B", 2, 20)
    move(variant, place, -3, reason="counted", cause="count:9")
    rows = StockMovement.objects.filter(cause="count:9").order_by("id").values_list("lot__code", "quantity")
    assert list(rows) == [("A", -2), ("B", -1)]


def test_a_named_lot_gives_what_it_holds_and_no_more(place):
    variant = by_lot()
    lot = put(variant, place, "A", 2, 10)
    put(variant, place, "B", 5, 5)
    move(variant, place, -2, reason="lost", lot=lot)
    assert counts(variant, place) == {"B": 5}
    with refused("lot_is_short", says="lot A"), transaction.atomic():
        move(variant, place, -1, reason="lost", lot=lot)
    assert counts(variant, place) == {"B": 5} and audit_stock() == []


def test_open_falls_do_not_touch_what_named_ones_need(place):
    variant = by_lot()
    soon = put(variant, place, "SOON", 3, 5)
    put(variant, place, "LATE", 3, 50)
    with transaction.atomic():
        moves = [
            Move(variant.pk, place.pk, "on_hand", -2, "lost"),
            Move(variant.pk, place.pk, "on_hand", -2, "lost", lot_id=soon.pk),
        ]
        apply_moves(moves, cause="test:2", actor=ACTOR, now=NOW)
    assert counts(variant, place) == {"LATE": 2}


def test_a_lot_of_another_variant_or_of_an_unfollowed_one_is_refused(place):
    variant, other, plain = by_lot(), by_lot(), make_variant()
    foreign = lot_of(other, "X")
    for wrong, code in ((variant, "lot_of_another"), (plain, "not_by_lot")):
        with refused(code), transaction.atomic():
            move(wrong, place, 1, lot=foreign)
    with refused("not_by_lot"):
        lot_of(plain, "X")


def test_unfollowed_variants_are_asked_about_once_and_promises_not_at_all(place, django_assert_num_queries):
    variant = make_variant()
    give_stock(variant, place, 9)
    claim = Claim(variant.pk, place.pk, "order_line:1", 2)
    with transaction.atomic():
        with django_assert_num_queries(4):  # lock, level, reservation, ledger
            reserve([claim], cause="test:1", actor=ACTOR, now=NOW)
        with django_assert_num_queries(5):  # lock, reservation, followed?, level, ledger
            ship([claim], cause="test:1", actor=ACTOR, now=NOW)


# ---- set aside -------------------------------------------------------------------------------------------------------


def test_what_comes_in_and_is_set_aside_with_it_is_of_the_same_lot(place):
    variant = by_lot()
    put(variant, place, "OLD", 3, 5)
    lot = lot_of(variant, "NEW", 50)
    with transaction.atomic():
        moves = [
            Move(variant.pk, place.pk, "quality_control", 2, "returned"),
            Move(variant.pk, place.pk, "on_hand", 2, "returned", lot_id=lot.pk),
        ]
        apply_moves(moves, cause="return:1", actor=ACTOR, now=NOW)
    assert counts(variant, place, "quality_control") == {"NEW": 2}


def test_scrapping_takes_the_units_that_were_set_aside(place):
    variant = by_lot()
    put(variant, place, "SOON", 3, 5)
    late = put(variant, place, "LATE", 3, 50)
    move(variant, place, 2, bucket="quality_control", reason="returned", lot=late)
    with transaction.atomic():
        moves = [Move(variant.pk, place.pk, bucket, -2, "scrapped") for bucket in ("on_hand", "quality_control")]
        apply_moves(moves, cause="return:1", actor=ACTOR, now=NOW)
    assert counts(variant, place) == {"SOON": 3, "LATE": 1} and counts(variant, place, "quality_control") == {}


def test_expired_units_are_set_aside_once_and_what_is_promised_stays(place):
    variant = by_lot()
    old = put(variant, place, "OLD", 5, -1)
    put(variant, place, "TODAY", 3, 0)
    with transaction.atomic():
        reserve([Claim(variant.pk, place.pk, "order_line:1", 6)], cause="order:1", actor=ACTOR, now=NOW)
    assert [set_expired_aside(actor=ACTOR, now=NOW) for _n in range(2)] == [2, 0]
    level = StockLevel.objects.get(variant=variant)
    assert (level.quality_control, level.available) == (2, 0)
    row = StockMovement.objects.get(bucket="quality_control")
    assert (row.lot, row.reason, row.cause) == (old, "expired", old.subject)
    assert entries_for(old.subject)[0].data["promised"] == 3
    with transaction.atomic():
        release([Claim(variant.pk, place.pk, "order_line:1", 6)], cause="order:1", actor=ACTOR, now=NOW)
    assert set_expired_aside(actor=ACTOR, now=NOW) == 3
    assert counts(variant, place, "quality_control") == {"OLD": 5} and audit_stock() == []


@pytest.mark.parametrize(("days", "least", "spent"), [(0, 0, False), (-1, 0, True), (9, 10, True), (10, 10, False)])
def test_a_lot_ships_up_to_its_day_less_the_days_that_must_be_left(place, days, least, spent):
    variant = by_lot(min_remaining_days=least)
    put(variant, place, "A", 2, days)
    assert (set_expired_aside(actor=ACTOR, now=NOW) == 2) == spent


def test_the_day_is_the_locations_own():
    variant = by_lot()
    east, west = make_location(time_zone="Pacific/Auckland"), make_location(time_zone="Pacific/Honolulu")
    for place in (east, west):
        put(variant, place, "A", 1, 0)
    assert set_expired_aside(actor=ACTOR, now=NOW.replace(hour=12)) == 1  # in Auckland it is tomorrow
    assert StockLevel.objects.get(location=east).quality_control == 1


def test_nothing_expired_ships_neither_by_itself_nor_by_name(place):
    variant = by_lot()
    put(variant, place, "OLD", 5, -1)
    put(variant, place, "GOOD", 1, 5)
    claim = Claim(variant.pk, place.pk, "order_line:1", 2)
    with transaction.atomic():
        reserve([claim], cause="order:1", actor=ACTOR, now=NOW)
    with refused("no_lot_may_ship", says="only 1 unit is"), transaction.atomic():
        ship([claim], cause="order:1", actor=ACTOR, now=NOW)
    with refused("lot_expired"), transaction.atomic():
        pick_lot_units(variant_id=variant.pk, location_id=place.pk, units=1, lot_id=Lot.objects.get(code="OLD").pk, now=NOW)  # fmt: skip
    assert audit_stock() == []


# ---- taken by a picker -----------------------------------------------------------------------------------------------


def test_what_a_picker_has_taken_is_nobody_elses_and_ships_as_it_was_taken(place):
    variant = by_lot()
    soon, late = put(variant, place, "SOON", 2, 5), put(variant, place, "LATE", 4, 50)
    claim = Claim(variant.pk, place.pk, "order_line:1", 3)
    with transaction.atomic():
        reserve([claim], cause="order:1", actor=ACTOR, now=NOW)
        taken = pick_lot_units(variant_id=variant.pk, location_id=place.pk, units=3, now=NOW)
    assert taken == [(soon.pk, 2), (late.pk, 1)]
    move(variant, place, -3, reason="lost")  # of those that lie on the shelf
    assert counts(variant, place) == {"SOON": 2, "LATE": 1}
    key = (variant.pk, place.pk)
    with transaction.atomic():
        ship([claim], cause="fulfillment:7", actor=ACTOR, now=NOW, lots={key: dict(taken)})
    assert counts(variant, place) == {} and counts(variant, place, "picked") == {}
    assert lots_taken("fulfillment:7") == {variant.pk: {soon.pk: 2, late.pk: 1}}
    assert audit_stock() == []


def test_units_put_back_may_be_taken_again(place):
    variant = by_lot()
    lot = put(variant, place, "A", 2, 5)
    wanted = {"variant_id": variant.pk, "location_id": place.pk, "units": 2, "now": NOW}
    with transaction.atomic():
        pick_lot_units(**wanted)
        with refused("no_lot_may_ship"):
            pick_lot_units(**wanted)
        put_back_lot_units(variant_id=variant.pk, location_id=place.pk, lots={lot.pk: 2})
        assert pick_lot_units(**wanted, lot_id=lot.pk) == [(lot.pk, 2)]


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_receiving_a_lot_twice_by_the_same_form_receives_once(place):
    variant = by_lot()
    for _n in range(2):
        receive_lot(
            variant_id=variant.pk, location_id=place.pk, code=" L-1 ", expires_on=TODAY, units=4, key="a" * 32, actor=ACTOR, now=NOW
        )  # fmt: skip
    assert counts(variant, place) == {"L-1": 4}


def test_units_without_a_lot_get_one_and_the_level_stays(place):
    variant = make_variant()
    give_stock(variant, place, 5)
    set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)
    relabel_lot(
        variant_id=variant.pk, location_id=place.pk, code="L-1", expires_on=TODAY, units=3, key="a" * 32, actor=ACTOR, now=NOW
    )  # fmt: skip
    assert counts(variant, place) == {"": 2, "L-1": 3}
    assert StockLevel.objects.get(variant=variant).on_hand == 5 and audit_stock() == []
    with refused("lot_is_short"):
        relabel_lot(
            variant_id=variant.pk, location_id=place.pk, code="L-2", expires_on=None, units=3, key="b" * 32, actor=ACTOR, now=NOW
        )  # fmt: skip


def test_a_known_lot_keeps_its_date_and_takes_one_that_was_missing():
    variant = by_lot()
    lot = lot_of(variant, "A")
    assert lot_of(variant, "A", 9).expires_on == TODAY + timedelta(days=9)
    assert lot_of(variant, "A").pk == lot.pk
    with refused("lot_expires_otherwise"):
        lot_of(variant, "A", 10)
    with refused("bad_date"):
        find_or_add_lot(variant_id=variant.pk, code="B", expires_on=date(1789, 7, 14), actor=ACTOR, now=NOW)
    for code in ("", " ", "x" * 41, "a\x1db"):
        with refused("bad_lot"):
            lot_of(variant, code)


def test_an_adjustment_over_several_lots_is_undone_lot_by_lot(place):
    variant = by_lot()
    put(variant, place, "A", 2, 10)
    put(variant, place, "B", 2, 20)
    done = adjust_by_hand(
        variant_id=variant.pk, location_id=place.pk, quantity=-3, reason="lost", key="c" * 32, actor=ACTOR, now=NOW
    )
    assert counts(variant, place) == {"B": 1}
    undo_adjustment(movement_id=done.movement.pk, actor=ACTOR, now=NOW)
    assert counts(variant, place) == {"A": 2, "B": 2} and audit_stock() == []


# ---- followed or not -------------------------------------------------------------------------------------------------


def test_following_by_lot_from_now_on_and_no_more(place):
    variant = make_variant()
    give_stock(variant, place, 5)
    give_stock(variant, place, 2, bucket="damaged")
    set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)
    assert counts(variant, place) == {"": 5} and counts(variant, place, "damaged") == {"": 2}
    assert audit_stock() == [] and tracking_of([variant.pk]) == {variant.pk: "lot"}
    set_tracking(variant_id=variant.pk, tracking="none", actor=ACTOR, now=NOW)
    assert counts(variant, place) == {} and tracking_of([variant.pk]) == {} and audit_stock() == []
    assert StockLevel.objects.get(variant=variant).on_hand == 5


def test_lots_that_hold_units_are_not_forgotten_unless_told(place):
    variant = by_lot()
    put(variant, place, "A", 2, 10)
    with refused("lots_hold_stock"):
        set_tracking(variant_id=variant.pk, tracking="none", actor=ACTOR, now=NOW)
    assert audit_stock() == []
    set_tracking(variant_id=variant.pk, tracking="serial", merge=True, actor=ACTOR, now=NOW)
    assert counts(variant, place) == {} and audit_stock() == []
    set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)
    assert counts(variant, place) == {"": 2} and audit_stock() == []


def test_switching_leaves_no_levels_behind(place):
    make_location(), make_location()
    variant = make_variant()
    give_stock(variant, place, 1)
    set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)
    assert StockLevel.objects.filter(variant=variant).count() == 1


def test_a_bundle_and_units_in_totes_stop_the_switch(place):
    bundle = make_variant(is_bundle=True)
    with refused("bundle_is_not_tracked"):
        set_tracking(variant_id=bundle.pk, tracking="lot", actor=ACTOR, now=NOW)
    variant = by_lot()
    put(variant, place, "A", 2, 10)
    with transaction.atomic():
        pick_lot_units(variant_id=variant.pk, location_id=place.pk, units=1, now=NOW)
    with refused("units_are_picked"):
        set_tracking(variant_id=variant.pk, tracking="none", merge=True, actor=ACTOR, now=NOW)


def test_the_audit_names_the_lot_that_is_wrong(place):
    variant = by_lot()
    lot = put(variant, place, "A", 2, 10)
    LotLevel.objects.filter(lot=lot).update(on_hand=3)
    found = {(breach.check, breach.sku, breach.found, breach.expected) for breach in audit_stock()}
    assert ("lot_level_is_sum_of_ledger", variant.sku, 3, 2) in found
    assert ("lots_sum_to_level", variant.sku, 3, 2) in found


def test_switching_while_somebody_receives_loses_nothing(committed, threads, place):
    variant = make_variant()

    def work(i: int) -> None:
        if i == 0:
            set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)
        else:
            adjust_stock(
                variant_id=variant.pk, location_id=place.pk, quantity=1, reason="received", actor=ACTOR, now=NOW
            )

    assert not [error for error in threads(6, work) if isinstance(error, Exception)]
    assert StockLevel.objects.get(variant=variant).on_hand == 5
    assert audit_stock() == []


def test_two_who_pick_the_last_units_of_a_lot_never_both_get_them(committed, threads, place):
    variant = by_lot()
    lot = put(variant, place, "A", 3, 10)

    def work(_i: int) -> str:
        try:
            with transaction.atomic():
                pick_lot_units(variant_id=variant.pk, location_id=place.pk, units=2, lot_id=lot.pk, now=NOW)
        except Refusal as refusal:
            return refusal.code
        return "taken"

    assert sorted(threads(4, work)) == ["lot_is_short"] * 3 + ["taken"]
    assert counts(variant, place, "picked") == {"A": 2}
