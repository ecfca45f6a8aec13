"""Serial numbers: one row for each unit, in stock where it lies, once in a parcel, back as the same one; never more than units."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import Invalid, Refusal
from core.timeline import entries_for
from fulfillment.models import FulfillmentOrder, LineSerial
from fulfillment.operations.packing import empty_parcel, pack_all, pack_line, pack_scanned
from fulfillment.operations.picking import finish_picking, pick_scanned
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.shortages import report_missing
from inventory.gtin import check_digit
from inventory.models import SerialNumber, SerialState, StockLevel
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from inventory.operations.lots import set_tracking
from inventory.operations.serials import (
    give_up_serials,
    move_serials,
    read_serials,
    receive_serials,
    receive_units,
    serial_range,
    take_out_units,
    unregistered_units,
)
from oms.integrity import check_integrity
from returns.models import Return
from returns.operations import Received, Verdict, approve_return, inspect_return, receive_return
from tests.factories.returns import ask, make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant
from tests.inventory.test_lots import refused

pytestmark = pytest.mark.django_db
GTIN = "0950600013435"
GTIN += check_digit(GTIN)


@pytest.fixture
def place():
    return make_location()


def by_serial(**fields):
    variant = make_variant(**fields)
    return set_tracking(variant_id=variant.pk, tracking="serial", actor=ACTOR, now=NOW)


def put(variant, place, *serials: str) -> None:
    give_stock(variant, place, len(serials))
    register(variant, place, *serials)


def register(variant, place, *serials: str) -> list[SerialNumber]:
    return receive_serials(
        variant_id=variant.pk, location_id=place.pk, serials=serials, cause="purchase:1", actor=ACTOR, now=NOW
    )


def states(variant) -> dict[str, str]:
    return dict(SerialNumber.objects.filter(variant=variant).values_list("serial", "state"))


def work_for(variant, units: int, channel=None) -> FulfillmentOrder:
    return FulfillmentOrder.objects.get(order=make_order(channel or make_channel(), [(variant.sku, units)]))


def who(work) -> dict:
    return {"fulfillment_order_id": work.pk, "actor": ACTOR, "now": NOW}


def send(variant, *serials: str):
    work = work_for(variant, len(serials))
    for serial in serials:
        pack_scanned(**who(work), code=serial)
    ship_fulfillment_order(**who(work), fast_forward=True)
    return work


def proven() -> bool:
    return audit_stock() == [] and check_integrity()[1] == []


# ---- coming in -------------------------------------------------------------------------------------------------------


def test_units_without_a_serial_number_are_counted_until_somebody_registers_them(place):
    variant = by_serial()
    give_stock(variant, place, 3)
    key = (variant.pk, place.pk)
    assert unregistered_units([key]) == {key: 3}
    register(variant, place, " SN-1 ", "SN-2")
    assert unregistered_units([key]) == {key: 1} and states(variant) == {"SN-1": "in_stock", "SN-2": "in_stock"}
    with refused("more_serials_than_units", says="only 1"):
        register(variant, place, "SN-3", "SN-4")
    assert len(states(variant)) == 2 and proven()


def test_a_serial_number_that_is_known_is_refused_by_name_and_place(place):
    variant = by_serial()
    put(variant, place, "SN-1")
    give_stock(variant, place, 2)
    with refused("serial_known", says=place.name):
        register(variant, place, "SN-2", "SN-1")
    with refused("twice", says="SN-2"):
        register(variant, place, "SN-2", "SN-2")
    for wrong in ("", "x" * 61, "a\x00b"):
        with refused("bad_serial"):
            register(variant, place, wrong)
    put(by_serial(), place, "SN-1")  # another variant may have the same
    plain = make_variant()
    give_stock(plain, place, 1)
    with refused("not_by_serial"):
        register(plain, place, "SN-9")


def test_receiving_twice_by_the_same_form_receives_once(place):
    variant = by_serial()
    done = [
        receive_units(variant_id=variant.pk, location_id=place.pk, serials=["A", "B"], key="a" * 32, actor=ACTOR, now=NOW)
        for _n in range(2)
    ]  # fmt: skip
    assert done == [2, 0] and StockLevel.objects.get(variant=variant).on_hand == 2 and proven()


def test_ranges_count_on_with_their_width():
    assert serial_range("SN-008", 3) == ["SN-008", "SN-009", "SN-010"]
    assert serial_range("99", 2) == ["99", "100"]
    assert serial_range("ABC", 1) == ["ABC"]
    for first, count in (("ABC", 2), ("A1", 0), ("A1", 5001)):
        with pytest.raises(Invalid):
            serial_range(first, count)
    assert read_serials("A\r\nB, C;;\n\tD") == ["A", "B", "C", "D"]


@given(st.text("AB-", max_size=4), st.integers(0, 10**9), st.integers(1, 50), st.integers(0, 12))
def test_a_range_has_each_number_once(head, first, count, width):
    text = f"{head}{first:0{width}d}"
    made = serial_range(text, count)
    assert made[0] == text and len(set(made)) == count
    assert [int(serial[len(head) :]) for serial in made] == list(range(first, first + count))


# ---- falls -----------------------------------------------------------------------------------------------------------


def test_a_fall_says_which_serial_numbers_leave_while_units_without_one_may_go(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2")
    give_stock(variant, place, 1)

    def lower(units: int) -> None:
        adjust_stock(variant_id=variant.pk, location_id=place.pk, quantity=-units, reason="lost", actor=ACTOR, now=NOW)

    lower(1)
    with refused("serials_needed", says="2 are in stock"), transaction.atomic():
        lower(1)
    take_out_units(
        variant_id=variant.pk, location_id=place.pk, serials=["SN-1"], reason="scrapped", actor=ACTOR, now=NOW
    )
    assert states(variant) == {"SN-1": "gone", "SN-2": "in_stock"}
    assert StockLevel.objects.get(variant=variant).on_hand == 1 and proven()
    with refused("serial_elsewhere", says="gone"):
        take_out_units(
            variant_id=variant.pk, location_id=place.pk, serials=["SN-1"], reason="lost", actor=ACTOR, now=NOW
        )


def test_where_nobody_can_name_them_the_oldest_are_given_up_and_no_more_than_must_be(place):
    variant = by_serial()
    put(variant, place, "OLD", "MID", "NEW")
    give_stock(variant, place, 1)
    with transaction.atomic():
        gone = give_up_serials(
            variant_id=variant.pk, location_id=place.pk, units=3, serials=["NEW"], cause="count:1", actor=ACTOR, now=NOW
        )
        adjust_stock(variant_id=variant.pk, location_id=place.pk, quantity=-3, reason="counted", actor=ACTOR, now=NOW)
    assert {row.serial for row in gone} == {"NEW", "OLD"} and states(variant)["MID"] == "in_stock" and proven()


def test_units_on_their_way_between_locations(place):
    variant, there = by_serial(), make_location()
    put(variant, place, "SN-1")
    moved = {"variant_id": variant.pk, "serials": ["SN-1"], "cause": "transfer:1", "actor": ACTOR, "now": NOW}
    with transaction.atomic():
        move_serials(**moved, state=SerialState.IN_TRANSIT, from_location_id=place.pk)
        adjust_stock(variant_id=variant.pk, location_id=place.pk, quantity=-1, reason="transferred", actor=ACTOR, now=NOW)  # fmt: skip
    with refused("more_serials_than_units"):  # the stock comes first
        move_serials(**moved, state=SerialState.IN_STOCK, location_id=there.pk, from_states=["in_transit"])
    with transaction.atomic():
        give_stock(variant, there, 1)
        move_serials(**moved, state=SerialState.IN_STOCK, location_id=there.pk, from_states=["in_transit"])
    unit = SerialNumber.objects.get()
    assert unit.location == there and proven()
    kinds = [entry.kind for entry in entries_for(unit.subject)]
    assert kinds == ["serial.in_stock", "serial.in_transit", "serial.received"]
    with refused("no_such_serial"):
        move_serials(**moved | {"serials": ["SN-1", "SN-2"]}, state=SerialState.GONE)


def test_forgetting_serial_numbers_must_be_said(place):
    variant = by_serial()
    put(variant, place, "SN-1")
    with refused("serials_in_stock", says="SN-1"):
        set_tracking(variant_id=variant.pk, tracking="none", actor=ACTOR, now=NOW)
    set_tracking(variant_id=variant.pk, tracking="none", merge=True, actor=ACTOR, now=NOW)
    adjust_stock(variant_id=variant.pk, location_id=place.pk, quantity=-1, reason="lost", actor=ACTOR, now=NOW)
    set_tracking(variant_id=variant.pk, tracking="serial", actor=ACTOR, now=NOW)
    assert states(variant) == {"SN-1": "gone"} and proven()


def test_the_audit_names_too_many(place):
    variant = by_serial()
    SerialNumber.objects.create(variant=variant, serial="X", location=place)
    breach = next(breach for breach in audit_stock() if breach.check == "serials_are_at_most_on_hand")
    assert (breach.sku, breach.location, breach.found, breach.expected) == (variant.sku, place.name, 1, 0)


# ---- parcels ---------------------------------------------------------------------------------------------------------


def test_each_unit_is_scanned_into_its_parcel_and_leaves_with_it(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2", "SN-3")
    work = work_for(variant, 2)
    pick_scanned(**who(work), code=variant.sku)
    finish_picking(**who(work))
    line = work.lines.get()
    for refuse in (
        lambda: pack_scanned(**who(work), code=variant.sku),
        lambda: pack_line(**who(work), line_id=line.pk),
        lambda: pack_all(**who(work)),
        lambda: ship_fulfillment_order(**who(work), fast_forward=True),
    ):
        with pytest.raises(Exception, match="scan the serial number"):
            refuse()
    assert pack_scanned(**who(work), code="SN-3").count == 1
    with refused("serial_packed", says=work.number):
        pack_scanned(**who(work), code="SN-3")
    with refused("wrong_item"):
        pack_scanned(**who(work), code="SN-9")
    assert pack_scanned(**who(work), code="SN-1").finished
    ship_fulfillment_order(**who(work))
    assert states(variant) == {"SN-1": "shipped", "SN-2": "in_stock", "SN-3": "shipped"}
    assert set(LineSerial.objects.values_list("serial__serial", "left")) == {("SN-1", True), ("SN-3", True)}
    assert proven()


def test_an_emptied_parcel_gives_its_serial_numbers_back(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2", "SN-3")
    channel = make_channel()
    one, other = work_for(variant, 2, channel), work_for(variant, 1, channel)
    pack_scanned(**who(one), code="SN-1")
    with refused("serial_packed", says=one.number):
        pack_scanned(**who(other), code="SN-1")
    empty_parcel(**who(one))
    assert pack_scanned(**who(other), code="SN-1").finished and proven()


def test_a_gs1_code_registers_a_unit_that_has_no_serial_number_yet(place):
    variant = by_serial(barcode=GTIN[1:])
    give_stock(variant, place, 1)
    work = work_for(variant, 1)
    assert pack_scanned(**who(work), code=f"]d201{GTIN}21XYZ/7").finished
    assert states(variant) == {"XYZ/7": "in_stock"}
    ship_fulfillment_order(**who(work), fast_forward=True)
    assert states(variant) == {"XYZ/7": "shipped"} and proven()


def test_a_unit_that_lies_elsewhere_or_has_left_is_refused(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2")
    put(variant, make_location("Far", active=False), "FAR-1")
    send(variant, "SN-1")
    work = work_for(variant, 1)
    with refused("serial_elsewhere", says="Far"):
        pack_scanned(**who(work), code="FAR-1")
    with refused("serial_elsewhere", says="shipped"):
        pack_scanned(**who(work), code="SN-1")


def test_missing_units_give_up_the_oldest_that_nobody_packed(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2", "SN-3")
    work = work_for(variant, 3)
    pack_scanned(**who(work), code="SN-1")
    report_missing(**who(work), line_id=work.lines.get().pk, units=1)
    assert states(variant) == {"SN-1": "in_stock", "SN-2": "gone", "SN-3": "in_stock"} and proven()


def test_what_is_packed_for_an_order_nobody_else_takes(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2")
    work = work_for(variant, 1)
    pack_scanned(**who(work), code="SN-1")
    told = {"variant_id": variant.pk, "cause": "count:1", "actor": ACTOR, "now": NOW}
    with refused("serial_packed", says="SN-1"):
        move_serials(**told, serials=["SN-1"], state=SerialState.GONE)
    assert [row.serial for row in give_up_serials(**told, location_id=place.pk, units=1)] == ["SN-2"]
    for merge in (False, True):
        with pytest.raises(Refusal, match=r"SN-1|parcels"):
            set_tracking(variant_id=variant.pk, tracking="none", merge=merge, actor=ACTOR, now=NOW)
    ship_fulfillment_order(**who(work), fast_forward=True)
    assert not SerialNumber.objects.filter(picked=True).exists()


def test_two_packers_never_both_pack_the_same_unit(committed, threads, place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2", "SN-3")
    channel = make_channel()
    works = [work_for(variant, 1, channel) for _n in range(3)]
    answers = threads(3, lambda i: pack_scanned(**who(works[i]), code="SN-1").finished)
    codes = sorted(getattr(answer, "code", "packed") for answer in answers)
    assert codes == ["packed", "serial_packed", "serial_packed"]
    assert LineSerial.objects.count() == 1 and proven()


# ---- back ------------------------------------------------------------------------------------------------------------


def returned(order, units: int) -> Return:
    make_shop()
    request = ask(order, units)
    if request.state == "requested":
        request = approve_return(return_id=request.pk, actor=ACTOR, now=NOW)
    return request


def take_back(request, place, units: int, *serials: str) -> None:
    received = Received(request.lines.get().pk, units, serials=serials)
    receive_return(return_id=request.pk, lines=[received], location_id=place.pk, actor=ACTOR, now=NOW)


def test_the_same_unit_comes_back(place):
    variant = by_serial()
    put(variant, place, "SN-1", "SN-2", "SN-3")
    work = send(variant, "SN-1", "SN-2")
    request = returned(work.order, 2)
    for serials, code in ((("SN-3",), "wrong_serial"), (("SN-9",), "wrong_serial"), ((), "serials_needed")):
        with refused(code):
            take_back(request, place, 1, *serials)
    take_back(request, place, 1, "SN-2")
    assert states(variant) == {"SN-1": "shipped", "SN-2": "in_stock", "SN-3": "in_stock"}
    with refused("wrong_serial", says="back already"):
        take_back(request, place, 1, "SN-2")
    take_back(request, place, 1, "SN-1")
    line = request.lines.get()
    assert set(LineSerial.objects.values_list("came_back", flat=True)) == {f"return_line:{line.pk}"}
    inspect_return(return_id=request.pk, verdicts=[Verdict(line.pk, "scrap", 1)], actor=ACTOR, now=NOW)
    assert sorted(states(variant).values()) == ["gone", "in_stock", "in_stock"]
    inspect_return(return_id=request.pk, verdicts=[Verdict(line.pk, "restock", 1)], actor=ACTOR, now=NOW)
    assert StockLevel.objects.get(variant=variant).available == 2 and proven()


def test_units_sent_before_anybody_scanned_them_come_back_without(place):
    variant = make_variant()
    give_stock(variant, place, 2)
    work = work_for(variant, 1)
    ship_fulfillment_order(**who(work), fast_forward=True)
    set_tracking(variant_id=variant.pk, tracking="serial", actor=ACTOR, now=NOW)
    take_back(returned(work.order, 1), place, 1)
    key = (variant.pk, place.pk)
    assert unregistered_units([key]) == {key: 2} and proven()
