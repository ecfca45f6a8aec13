"""Picking and packing: what is counted, who did it, and who is stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.actors import Actor
from core.models import TimelineEntry
from core.refusals import Invalid, NotFound, Refusal, Stale
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.packing import empty_parcel, pack_all, pack_line, pack_scanned
from fulfillment.operations.picking import finish_picking, pick_line, pick_scanned, start_picking, start_picking_many
from fulfillment.operations.shortages import report_missing
from inventory.models import Reservation, StockLevel, StockMovement
from oms.orchestration.hold_order import hold_order
from orders.models import OrderLine
from tests.factories.fulfillment import make_work
from tests.factories.shop import make_variant

pytestmark = pytest.mark.django_db
ANNA = Actor("user", "1", "Anna Picker")
BEN = Actor("user", "2", "Ben Packer")


def state(work: FulfillmentOrder) -> str:
    return FulfillmentOrder.objects.values_list("state", flat=True).get(pk=work.pk)


def counters(work: FulfillmentOrder, name: str) -> list[tuple[int, int]]:
    """(work order's, order's) counter of each line."""
    lines = work.lines.select_related("order_line").order_by("order_line__position")
    return [(getattr(line, name), getattr(OrderLine.objects.get(pk=line.order_line_id), name)) for line in lines]


def skus(work: FulfillmentOrder) -> list[str]:
    return list(work.lines.order_by("order_line__position").values_list("order_line__sku", flat=True))


def test_starting_to_pick_records_who_and_when(now: datetime) -> None:
    work = make_work()
    start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    work.refresh_from_db()
    assert (work.state, work.state_by, work.state_by_label, work.state_at, work.assigned_to) == (
        "picking",
        "user:1",
        "Anna Picker",
        now,
        "user:1",
    )
    entry = TimelineEntry.objects.get(kind="fulfillment.picking")
    assert (entry.subject, entry.actor_label, entry.data["fulfillment_order"]) == (
        work.order.subject,
        "Anna Picker",
        work.number,
    )


def test_the_second_who_starts_to_pick_is_told_who_has_it(now: datetime) -> None:
    work = make_work()
    start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    with pytest.raises(Stale, match="Anna Picker is picking it since"):
        start_picking(fulfillment_order_id=work.pk, actor=BEN, now=now)


def test_an_old_page_is_refused_by_its_version(now: datetime) -> None:
    work = make_work()
    finish_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    with pytest.raises(Stale, match="Anna Picker picked it"):
        pack_all(fulfillment_order_id=work.pk, actor=BEN, now=now, expected_version=work.version)


def test_every_scan_counts_one_unit_and_the_last_finishes(now: datetime) -> None:
    work = make_work()
    first, second = skus(work)
    answers = [
        pick_scanned(fulfillment_order_id=work.pk, code=code, actor=ANNA, now=now)
        for code in (first, first.lower(), f" {second} ")
    ]
    assert [(a.sku, a.count, a.quantity, a.finished) for a in answers] == [
        (first, 1, 2, False),
        (first, 2, 2, False),
        (second, 1, 1, True),
    ]
    assert state(work) == "picked"
    assert counters(work, "picked") == [(2, 2), (1, 1)]
    assert counters(work, "packed") == [(0, 0), (0, 0)]
    work.order.refresh_from_db()
    assert work.order.fulfillment == "in_progress"


def test_a_barcode_counts_with_and_without_the_leading_zero(now: datetime) -> None:
    make_variant("UPC-1", barcode="036000291452")
    work = make_work([("UPC-1", 2)])
    pick_scanned(fulfillment_order_id=work.pk, code="036000291452", actor=ANNA, now=now)
    assert pick_scanned(fulfillment_order_id=work.pk, code="0036000291452", actor=ANNA, now=now).finished


@pytest.mark.parametrize(
    ("code", "refusal"), [("ELSEWHERE", "wrong_item"), ("", "nothing_scanned"), ("\x00 ", "wrong_item")]
)
def test_a_scan_that_means_nothing_here_is_refused(code: str, refusal: str, now: datetime) -> None:
    work = make_work()
    with pytest.raises(Refusal) as caught:
        pack_scanned(fulfillment_order_id=work.pk, code=code, actor=ANNA, now=now)
    assert caught.value.code == refusal
    assert state(work) == "open", "a wrong scan takes nothing"


def test_a_unit_too_many_is_refused(now: datetime) -> None:
    work = make_work([("ONE", 1), ("TWO", 1)])
    pack_scanned(fulfillment_order_id=work.pk, code="ONE", actor=ANNA, now=now)
    with pytest.raises(Refusal, match="ONE: 1 of 1 are in already"):
        pack_scanned(fulfillment_order_id=work.pk, code="ONE", actor=ANNA, now=now)
    assert counters(work, "packed") == [(1, 1), (0, 0)]


def test_two_lines_of_one_sku_fill_one_after_the_other(now: datetime) -> None:
    work = make_work([("SAME", 1), ("SAME", 2)])
    answers = [pack_scanned(fulfillment_order_id=work.pk, code="same", actor=ANNA, now=now).finished for _n in range(3)]
    assert answers == [False, False, True]
    assert counters(work, "packed") == [(1, 1), (2, 2)]


def test_packing_at_a_station_picks_on_the_way(now: datetime) -> None:
    work = make_work([("A", 1), ("B", 1)])
    pack_scanned(fulfillment_order_id=work.pk, code="A", actor=BEN, now=now)
    assert (state(work), counters(work, "picked")) == ("picking", [(1, 1), (0, 0)])
    assert pack_scanned(fulfillment_order_id=work.pk, code="B", actor=BEN, now=now).finished
    assert (state(work), counters(work, "picked"), counters(work, "packed")) == (
        "packed",
        [(1, 1), (1, 1)],
        [(1, 1), (1, 1)],
    )


def test_a_picked_tote_is_packed_by_another_person(now: datetime) -> None:
    work = make_work()
    finish_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    for sku in [skus(work)[0]] * 2 + [skus(work)[1]]:
        pack_scanned(fulfillment_order_id=work.pk, code=sku, actor=BEN, now=now)
    work.refresh_from_db()
    assert (work.state, work.state_by_label) == ("packed", "Ben Packer")


def test_packing_a_packed_parcel_says_who_was_faster(now: datetime) -> None:
    work = make_work()
    pack_all(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    with pytest.raises(Stale, match="Anna Picker packed it"):
        pack_scanned(fulfillment_order_id=work.pk, code=skus(work)[0], actor=BEN, now=now)


def test_a_parcel_can_be_emptied_and_counted_again(now: datetime) -> None:
    work = make_work()
    pack_scanned(fulfillment_order_id=work.pk, code=skus(work)[0], actor=BEN, now=now)
    empty_parcel(fulfillment_order_id=work.pk, actor=BEN, now=now)
    assert (counters(work, "packed"), counters(work, "picked")) == ([(0, 0), (0, 0)], [(1, 1), (0, 0)])
    pack_all(fulfillment_order_id=work.pk, actor=BEN, now=now)
    with pytest.raises(Stale):
        empty_parcel(fulfillment_order_id=work.pk, actor=BEN, now=now)


def test_a_line_can_be_counted_without_a_scanner(now: datetime) -> None:
    work = make_work()
    line = work.lines.order_by("pk")[0]
    assert pick_line(fulfillment_order_id=work.pk, line_id=line.pk, actor=ANNA, now=now).count == 2
    with pytest.raises(Invalid):
        pick_line(fulfillment_order_id=work.pk, line_id=line.pk, actor=ANNA, now=now)
    with pytest.raises(Invalid):
        pack_line(fulfillment_order_id=work.pk, line_id=line.pk, units=3, actor=ANNA, now=now)
    with pytest.raises(NotFound):
        pack_line(fulfillment_order_id=work.pk, line_id=make_work().lines.first().pk, actor=ANNA, now=now)


@pytest.mark.parametrize("stage", ["open", "picking", "picked"])
def test_a_hold_stops_the_hand_at_every_stage(stage: str, now: datetime) -> None:
    work = make_work()
    if stage == "picking":
        start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    if stage == "picked":
        finish_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    hold_order(order_id=work.order_id, kind="address", reason="House number?", actor=ANNA, now=now)
    before = (state(work), counters(work, "picked"), counters(work, "packed"))
    with pytest.raises(Refusal, match=r"On hold: Address problem \(House number\?\)"):
        pack_scanned(fulfillment_order_id=work.pk, code=skus(work)[0], actor=BEN, now=now)
    assert (state(work), counters(work, "picked"), counters(work, "packed")) == before


def test_many_are_taken_and_the_others_are_listed(now: datetime) -> None:
    works = [make_work() for _n in range(3)]
    start_picking(fulfillment_order_id=works[1].pk, actor=ANNA, now=now)
    outcome = start_picking_many(fulfillment_order_ids=[work.pk for work in works], actor=BEN, now=now)
    assert outcome.done == [works[0].number, works[2].number]
    assert [label for label, _why in outcome.refused] == [works[1].number]


def stock_of(work: FulfillmentOrder, sku: str) -> StockLevel:
    return StockLevel.objects.get(variant__sku=sku, location_id=work.location_id)


def test_missing_units_leave_the_parcel_the_promise_and_the_shelf(now: datetime) -> None:
    work = make_work([("GONE", 2), ("THERE", 1)])
    line = work.lines.get(order_line__sku="GONE")
    before = stock_of(work, "GONE")
    report_missing(fulfillment_order_id=work.pk, line_id=line.pk, units=1, actor=ANNA, now=now)
    line.refresh_from_db()
    work.refresh_from_db()
    after = stock_of(work, "GONE")
    assert (line.quantity, work.units, work.state) == (1, 2, "open")
    assert (after.on_hand, after.reserved) == (before.on_hand - 1, before.reserved - 1)
    assert Reservation.objects.get(owner=line.order_line.reservation_owner).quantity == 1
    assert StockMovement.objects.filter(reason="lost", quantity=-1, cause=work.subject).count() == 1
    order_line = OrderLine.objects.get(pk=line.order_line_id)
    assert (order_line.allocated, order_line.to_place) == (1, 1)
    work.order.refresh_from_db()
    assert work.order.needs_routing


def test_a_work_order_with_nothing_left_is_closed_incomplete(now: datetime) -> None:
    work = make_work([("GONE", 2)])
    start_picking(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    report_missing(fulfillment_order_id=work.pk, line_id=work.lines.get().pk, units=2, actor=ANNA, now=now)
    assert state(work) == "incomplete"
    with pytest.raises(Stale, match="Do not ship it"):
        pack_all(fulfillment_order_id=work.pk, actor=BEN, now=now)


def test_the_rest_of_a_short_parcel_goes_on(now: datetime) -> None:
    work = make_work([("GONE", 2), ("THERE", 1)])
    pick_scanned(fulfillment_order_id=work.pk, code="GONE", actor=ANNA, now=now)
    pick_scanned(fulfillment_order_id=work.pk, code="THERE", actor=ANNA, now=now)
    gone = work.lines.get(order_line__sku="GONE").pk
    report_missing(fulfillment_order_id=work.pk, line_id=gone, units=1, actor=ANNA, now=now)
    assert state(work) == "picked"
    pack_all(fulfillment_order_id=work.pk, actor=BEN, now=now + timedelta(minutes=1))
    assert counters(work, "packed") == [(1, 1), (1, 1)]


@pytest.mark.parametrize("units", [0, 3, -1])
def test_no_more_can_be_missing_than_there_should_be(units: int, now: datetime) -> None:
    work = make_work([("GONE", 2)])
    with pytest.raises(Invalid):
        report_missing(fulfillment_order_id=work.pk, line_id=work.lines.get().pk, units=units, actor=ANNA, now=now)


def test_unknown_work_is_not_found(now: datetime) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = [(start_picking, {}), (pack_all, {}), (pack_scanned, {"code": "X"})]
    for operation, extra in calls:
        with pytest.raises(NotFound):
            operation(fulfillment_order_id=999_999_999, actor=ANNA, now=now, **extra)
