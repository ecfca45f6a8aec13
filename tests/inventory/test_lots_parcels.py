"""From the shelf to the customer by lot: what is suggested, what is scanned, what leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder, LineLot, LineSerial
from fulfillment.operations.packing import empty_parcel, pack_all, pack_scanned
from fulfillment.operations.picking import finish_picking, pick_line, pick_scanned
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.shortages import report_missing
from inventory.gtin import check_digit
from inventory.models import Lot, SerialNumber, StockLevel, StockMovement
from inventory.operations.auditing import audit_stock
from inventory.operations.lots import set_expired_aside
from oms.integrity import check_integrity
from returns.operations import Received, Verdict, inspect_return, receive_return
from tests.factories.returns import ask, make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order
from tests.inventory.test_lots import by_lot, counts, put, refused

pytestmark = pytest.mark.django_db
GTIN = "0950600013435"
GTIN += check_digit(GTIN)


@pytest.fixture
def place():
    return make_location()


@pytest.fixture
def variant():
    return by_lot(barcode=GTIN[1:])


def work_for(variant, units: int, channel=None) -> FulfillmentOrder:
    order = make_order(channel or make_channel(), [(variant.sku, units)])
    return FulfillmentOrder.objects.get(order=order)


def who(work) -> dict:
    return {"fulfillment_order_id": work.pk, "actor": ACTOR, "now": NOW}


def lots_of(work) -> dict[str, tuple[int, int]]:
    rows = LineLot.objects.filter(line__fulfillment_order=work)
    return {code: (n, packed) for code, n, packed in rows.values_list("lot__code", "quantity", "packed")}


def gs1(code: str, days: int) -> str:
    return f"01{GTIN}17{NOW.date() + timedelta(days=days):%y%m%d}10{code}"


def ship(work) -> None:
    ship_fulfillment_order(**who(work), fast_forward=True)


def proven() -> bool:
    return audit_stock() == [] and check_integrity()[1] == []


def test_what_nobody_scans_is_of_the_earliest_expiry_and_exactly_that_ships(place, variant):
    put(variant, place, "LATE", 5, 90)
    put(variant, place, "SOON", 2, 30)
    work = work_for(variant, 3)
    pick_line(**who(work), line_id=work.lines.get().pk, units=1)
    assert lots_of(work) == {"SOON": (1, 0)}
    finish_picking(**who(work))
    assert lots_of(work) == {"SOON": (2, 0), "LATE": (1, 0)}
    pack_all(**who(work))
    assert lots_of(work) == {"SOON": (2, 2), "LATE": (1, 1)}
    ship(work)
    assert counts(variant, place) == {"LATE": 4} and counts(variant, place, "picked") == {}
    rows = StockMovement.objects.filter(cause=work.subject, bucket="on_hand").values_list("lot__code", "quantity")
    assert dict(rows) == {"SOON": -2, "LATE": -1} and proven()


def test_a_parcel_may_go_at_once_without_picking(place, variant):
    put(variant, place, "A", 3, 10)
    work = work_for(variant, 2)
    ship(work)
    assert lots_of(work) == {"A": (2, 2)} and counts(variant, place) == {"A": 1} and proven()


def test_a_scanned_lot_is_the_one_taken_with_a_warning_where_another_expires_first(place, variant):
    put(variant, place, "LATE", 5, 90)
    put(variant, place, "SOON", 5, 30)
    work = work_for(variant, 3)
    assert pick_scanned(**who(work), code=gs1("SOON", 30)).warning == ""
    assert "SOON expires first" in pick_scanned(**who(work), code=gs1("LATE", 90)).warning
    assert "SOON" in pick_scanned(**who(work), code="late").warning  # the lot's code by itself
    assert lots_of(work) == {"SOON": (1, 0), "LATE": (2, 0)}
    ship(work)
    assert counts(variant, place) == {"SOON": 4, "LATE": 3} and proven()


def test_packing_another_lot_than_was_picked_corrects_it(place, variant):
    put(variant, place, "LATE", 5, 90)
    put(variant, place, "SOON", 5, 30)
    work = work_for(variant, 2)
    finish_picking(**who(work))
    assert lots_of(work) == {"SOON": (2, 0)}
    assert pack_scanned(**who(work), code=gs1("SOON", 30)).warning == ""
    assert "expires first" in pack_scanned(**who(work), code=gs1("LATE", 90)).warning
    assert lots_of(work) == {"SOON": (1, 1), "LATE": (1, 1)}
    assert counts(variant, place, "picked") == {"SOON": 1, "LATE": 1} and proven()


def test_an_expired_lot_is_refused_by_its_name(place, variant):
    put(variant, place, "OLD", 2, -1)
    put(variant, place, "GOOD", 2, 9)
    work = work_for(variant, 2)
    with refused("lot_expired", says="OLD"):
        pick_scanned(**who(work), code="OLD")
    assert lots_of(work) == {} and proven()


def test_a_lot_that_the_label_dates_otherwise_is_not_believed(place, variant):
    put(variant, place, "A", 2, 9)
    work = work_for(variant, 2)
    with refused("lot_expires_otherwise"):
        pick_scanned(**who(work), code=gs1("A", 8))


def test_scanning_names_the_lot_of_units_that_came_without_one(place, variant):
    give_stock(variant, place, 3)
    work = work_for(variant, 2)
    pick_scanned(**who(work), code=gs1("NEW", 50))
    assert counts(variant, place) == {"": 2, "NEW": 1} and lots_of(work) == {"NEW": (1, 0)}
    assert Lot.objects.get(code="NEW").expires_on == NOW.date() + timedelta(days=50) and proven()


def test_a_lot_that_lies_elsewhere_is_refused(place, variant):
    put(variant, place, "HERE", 2, 9)
    put(variant, make_location(active=False), "THERE", 2, 9)
    work = work_for(variant, 1)
    for code, refusal in (("THERE", "wrong_item"), (gs1("THERE", 9), "lot_is_short"), ("NONE", "wrong_item")):
        with refused(refusal):
            pick_scanned(**who(work), code=code)


def test_an_emptied_parcel_keeps_what_was_picked(place, variant):
    put(variant, place, "A", 3, 10)
    work = work_for(variant, 3)
    finish_picking(**who(work))
    pack_scanned(**who(work), code="A")
    empty_parcel(**who(work))
    assert lots_of(work) == {"A": (3, 0)}
    pack_all(**who(work))
    assert lots_of(work) == {"A": (3, 3)} and proven()


def test_missing_units_are_lost_from_the_lot_they_were_picked_of(place, variant):
    put(variant, place, "LATE", 5, 90)
    put(variant, place, "SOON", 5, 30)
    work = work_for(variant, 3)
    pick_scanned(**who(work), code="LATE")
    finish_picking(**who(work))
    report_missing(**who(work), line_id=work.lines.get().pk, units=1)
    assert counts(variant, place) == {"LATE": 4, "SOON": 5}
    assert counts(variant, place, "picked") == {"SOON": 2} and proven()


def test_what_expired_while_promised_is_set_aside_and_not_lost(place, variant):
    put(variant, place, "OLD", 2, 0)
    put(variant, place, "GOOD", 1, 9)
    work = work_for(variant, 3)
    tomorrow = NOW + timedelta(days=1)
    assert set_expired_aside(actor=ACTOR, now=tomorrow) == 0  # all of it is promised
    with refused("no_lot_may_ship"):
        ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=tomorrow, fast_forward=True)
    report_missing(fulfillment_order_id=work.pk, actor=ACTOR, now=tomorrow, line_id=work.lines.get().pk, units=2)
    level = StockLevel.objects.get(variant=variant)
    assert (level.on_hand, level.reserved, level.quality_control) == (3, 1, 2)
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=tomorrow, fast_forward=True)
    assert counts(variant, place) == {"OLD": 2} and proven()


def test_two_pickers_never_take_the_same_units(committed, threads, place, variant):
    put(variant, place, "LATE", 2, 90)
    put(variant, place, "SOON", 2, 30)
    channel = make_channel()
    works = [work_for(variant, 2, channel) for _n in range(2)]

    def pick(i: int) -> str:
        try:
            return pick_scanned(**who(works[i % 2]), code="SOON").warning
        except Refusal as refusal:
            return refusal.code

    assert sorted(threads(4, pick)) == ["", "", "lot_is_short", "lot_is_short"]
    assert counts(variant, place, "picked") == {"SOON": 2}
    assert sum(n for work in works for n, _packed in lots_of(work).values()) == 2
    assert proven()


def test_two_who_ship_two_lines_in_opposite_order_do_not_wait_for_each_other(committed, threads, place):
    one, two = by_lot(), by_lot()
    for variant in (one, two):
        put(variant, place, "A", 20, 9)
    channel = make_channel()
    works = []
    for n in range(6):
        lines = [(one.sku, 1), (two.sku, 2)]
        works.append(FulfillmentOrder.objects.get(order=make_order(channel, lines[:: -1 if n % 2 else 1])))
    answers = threads(6, lambda i: ship(works[i]))
    assert answers == [None] * 6 and proven()
    assert (counts(one, place), counts(two, place)) == ({"A": 14}, {"A": 8})


def test_nothing_is_written_when_a_scan_is_refused(place, variant):
    put(variant, place, "A", 1, 9)
    give_stock(variant, place, 1)
    work = work_for(variant, 1)
    with pytest.raises(Refusal):
        pick_scanned(**who(work), code=f"01{GTIN[:-1]}0")
    assert lots_of(work) == {} and FulfillmentOrder.objects.get(pk=work.pk).state == "open"


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("line_lot_once", lambda line, lot, unit: [LineLot.objects.create(line=line, lot=lot, quantity=1) for _n in "12"]),
        ("line_lot_funnel", lambda line, lot, unit: LineLot.objects.create(line=line, lot=lot, quantity=1, packed=2)),
        ("line_lot_funnel", lambda line, lot, unit: LineLot.objects.create(line=line, lot=lot, quantity=0)),
        ("line_serial_in_one_parcel", lambda line, lot, unit: [LineSerial.objects.create(line=line, serial=unit) for _n in "12"]),
        ("line_serial_left_first", lambda line, lot, unit: LineSerial.objects.create(line=line, serial=unit, came_back="return_line:1")),
    ],
)  # fmt: skip
def test_what_the_database_holds_of_units_in_parcels(place, variant, name, break_it):
    lot = put(variant, place, "A", 2, 9)
    line = work_for(variant, 1).lines.get()
    unit = SerialNumber.objects.create(variant=variant, serial="S", location=place)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        break_it(line, lot, unit)


def test_what_an_inspection_scraps_is_of_the_lot_that_came_back(place, variant):
    make_shop()
    put(variant, place, "SOON", 2, 9)
    put(variant, place, "LATE", 2, 90)
    work = work_for(variant, 3)
    ship(work)
    request = ask(work.order, 2)
    line = request.lines.get()
    received = {"return_id": request.pk, "location_id": place.pk, "actor": ACTOR, "now": NOW}
    with refused("lot_needed"):
        receive_return(lines=[Received(line.pk, 1)], **received)
    other = Lot.objects.create(variant=variant, code="OTHER")
    with refused("wrong_lot"):
        receive_return(lines=[Received(line.pk, 1, lot_id=other.pk)], **received)
    for code in ("LATE", "SOON"):
        receive_return(lines=[Received(line.pk, 1, lot_id=Lot.objects.get(code=code).pk)], **received)
    assert counts(variant, place, "quality_control") == {"SOON": 1, "LATE": 1}
    verdicts = [Verdict(line.pk, "scrap", 1), Verdict(line.pk, "restock", 1)]
    inspect_return(return_id=request.pk, verdicts=verdicts, actor=ACTOR, now=NOW)
    assert counts(variant, place) == {"LATE": 2} and counts(variant, place, "quality_control") == {} and proven()
