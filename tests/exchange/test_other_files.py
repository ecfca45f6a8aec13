"""Lots, serial numbers, documents and rules out of files and into them: round trips, single changes, refusals by line and column."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest

from availability.models import AvailabilityRule
from channels.models import ImportKind
from core.models import JobState
from counts.models import StockCountLine
from inventory.models import (
    Location,
    Lot,
    LotLevel,
    Product,
    ReorderPolicy,
    SerialNumber,
    StockLevel,
    StockMovement,
    Variant,
)
from inventory.operations.lots import set_tracking
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from tests.channels.files import bring_in, counts, csv_file, errors
from tests.factories.bundles import make_bundle
from tests.factories.counts import make_count
from tests.factories.exchange import bring_by_job, bring_plain, changed, rows_of, take_out
from tests.factories.purchasing import make_item, make_purchase, make_supplier
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant
from tests.factories.units import followed_units
from transfers.models import Transfer
from transfers.operations import NewTransfer, create_transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_location("Main", code="MAIN")


def lots() -> dict[tuple[str, str], int]:
    rows = LotLevel.objects.filter(on_hand__gt=0).values_list("lot__code", "location__name", "on_hand")
    return {(code, name): units for code, name, units in rows}


def lot_file(*rows: tuple[str, str, str, object, object]) -> bytes:
    return csv_file(
        *({"sku": s, "lot": lot, "expires_on": day, "location": at, "quantity": n} for s, lot, day, at, n in rows)
    )


# Lots ---------------------------------------------------------------------------------------------------------------------


def test_lots_come_out_of_units_without_one_and_then_raise_what_is_on_hand(place):
    milk = make_variant("MILK")
    give_stock(milk, place, 10)
    set_tracking(variant_id=milk.pk, tracking="lot", actor=ACTOR, now=NOW)
    file = lot_file(("MILK", "=A", "2027-03-31", "Main", 6), ("MILK", "B", "", "MAIN", 7))
    run = bring_plain("lots", file)
    assert errors(run) == []
    assert counts(run) == (1, 0, 0, 0)
    assert lots() == {("=A", "Main"): 6, ("B", "Main"): 7}
    assert StockLevel.objects.get().on_hand == 13
    assert set(StockMovement.objects.filter(reason="imported").values_list("cause", flat=True)) == {f"job:{run.job_id}"}
    assert counts(bring_plain("lots", file)) == (0, 0, 1, 0)
    assert counts(bring_plain("lots", take_out("lots"))) == (0, 0, 1, 0)


def test_a_row_without_a_lot_says_how_many_have_none(place):
    milk = make_variant("MILK")
    give_stock(milk, place, 10)
    set_tracking(variant_id=milk.pk, tracking="lot", actor=ACTOR, now=NOW)
    bring_plain("lots", lot_file(("MILK", "", "", "Main", 10), ("MILK", "A", "", "Main", 6)))
    assert lots() == {("", "Main"): 10, ("A", "Main"): 6}
    data = take_out("lots")
    assert counts(bring_plain("lots", data)) == (0, 0, 1, 0)
    bring_plain("lots", changed(data, lambda row: row.update(quantity="4") if row["lot"] == "A" else None))
    assert lots() == {("", "Main"): 10, ("A", "Main"): 4}


def test_a_date_in_the_file_corrects_the_lot(place):
    followed_units(place)
    data = take_out("lots")
    assert rows_of(data)[0]["expires_on"] == "2026-12-20"
    run = bring_plain("lots", changed(data, lambda row: row.update(expires_on="2027-01-31")))
    assert counts(run) == (0, 1, 0, 0)
    assert Lot.objects.get(code="L-1").expires_on == date(2027, 1, 31)
    assert lots() == {("L-1", "Main"): 5}


def test_lots_that_cannot_be_are_named_and_the_whole_sku_stays(place):
    followed_units(place)
    make_variant("TEE")
    run = bring_plain(
        "lots",
        lot_file(
            ("MILK", "NEW", "2027-01-01", "Main", 3), ("MILK", "NEW2", "31/31/2027", "Main", 3),
            ("TEE", "A", "", "Main", 3), ("NOPE", "A", "", "Main", 3), ("PHONE", "A", "", "Main", 1),
        ),
    )  # fmt: skip
    assert [(line, field) for line, field, _why in errors(run)] == [
        (3, "expires_on"),
        (4, "sku"),
        (5, "sku"),
        (6, "sku"),
    ]
    run = bring_plain("lots", lot_file(("MILK", "OK", "", "Main", 1), ("MILK", "L-1", "", "Moon", 3)))
    assert [(line, field) for line, field, _why in errors(run)] == [(3, "location")]
    assert lots() == {("L-1", "Main"): 5}


# Serial numbers -----------------------------------------------------------------------------------------------------------


def test_serial_numbers_register_units_move_them_and_come_back(place):
    store = make_location("Store")
    followed_units(place)
    data = take_out("serials")
    assert [row["serial"] for row in rows_of(data)] == ["SN-1", "SN-2"]
    assert counts(bring_plain("serials", data)) == (0, 0, 2, 0)
    new = csv_file(
        {"sku": "PHONE", "serial": "SN-1", "location": "Store"}, {"sku": "PHONE", "serial": "=SN", "location": "Main"},
        {"sku": "PHONE", "serial": "SN-2", "location": "Main"},
    )  # fmt: skip
    run = bring_plain("serials", new)
    assert (errors(run), counts(run)) == ([], (1, 1, 1, 0))
    on_hand = StockLevel.objects.filter(variant__sku="PHONE").values_list("location__name", "on_hand")
    assert dict(on_hand) == {"Main": 2, "Store": 1}
    assert SerialNumber.objects.get(serial="SN-1").location_id == store.pk
    assert counts(bring_plain("serials", new)) == (0, 0, 3, 0)
    assert counts(bring_plain("serials", take_out("serials"))) == (0, 0, 3, 0)


def test_a_new_serial_number_names_a_unit_that_has_none(place):
    phone = make_variant("PHONE")
    give_stock(phone, place, 2)
    set_tracking(variant_id=phone.pk, tracking="serial", actor=ACTOR, now=NOW)
    rows = [{"sku": "PHONE", "serial": f"S{n}", "location": "Main"} for n in range(3)]
    assert counts(bring_plain("serials", csv_file(*rows))) == (3, 0, 0, 0)
    assert StockLevel.objects.get().on_hand == 3


def test_serial_numbers_that_cannot_be_are_named(place):
    unit = followed_units(place)["unit"]
    SerialNumber.objects.filter(pk=unit.pk).update(state="shipped", location=None)
    run = bring_plain(
        "serials",
        csv_file(
            {"sku": "PHONE", "serial": "SN-1", "location": "Main", "lot": ""},
            {"sku": "PHONE", "serial": "SN-9", "location": "Main", "lot": "L"},
            {"sku": "MILK", "serial": "SN-9", "location": "Main", "lot": ""},
            {"sku": "PHONE", "serial": "", "location": "Main", "lot": ""},
            {"sku": "PHONE", "serial": "SN-2", "location": "Main", "lot": ""},
            {"sku": "PHONE", "serial": "SN-2", "location": "Moon", "lot": ""},
        ),
    )
    assert [(line, field) for line, field, _why in errors(run)] == [
        (2, "serial"), (3, "lot"), (4, "sku"), (5, "serial"), (7, "serial"),
    ]  # fmt: skip
    assert counts(run) == (0, 0, 1, 5)


# Purchase orders ----------------------------------------------------------------------------------------------------------


def test_purchase_orders_become_drafts_and_come_back(place):
    acme = make_supplier("Acme", code="ACME")
    tee, mug = make_variant("=TEE"), make_variant("MUG")
    make_item(acme, mug, price="2.5")
    file = csv_file(
        {"number": "4711", "supplier": "ACME", "location": "Main", "expected_on": "2027-01-15", "note": "Back\ndoor", "sku": "'=TEE", "quantity": 10, "unit_cost": "1.2345"},
        {"number": "4711", "supplier": "ACME", "location": "MAIN", "expected_on": "", "sku": "MUG", "quantity": 4, "unit_cost": ""},
        {"number": "4712", "supplier": "Nobody", "location": "Main", "sku": "MUG", "quantity": 4},
        {"number": "PO-99999", "supplier": "ACME", "location": "Main", "sku": "MUG", "quantity": 4},
        {"number": "4713", "supplier": "ACME", "location": "Main", "sku": "MUG", "quantity": 1},
        {"number": "4713", "supplier": "ACME", "location": "Main", "sku": "NOPE", "quantity": 4},
    )  # fmt: skip
    bad = csv_file({"number": "4714", "supplier": "ACME", "location": "Main", "sku": "MUG", "quantity": 0})
    assert errors(bring_plain("purchases", bad))[0][:2] == (2, "quantity")
    file = file.replace(b"MAIN", b"Main")
    run = bring_plain("purchases", file)
    assert [(line, field) for line, field, _why in errors(run)] == [(5, "supplier"), (6, "number"), (8, "sku")]
    assert counts(run) == (1, 0, 0, 3)
    order = PurchaseOrder.objects.get()
    lines = list(order.lines.order_by("position").values_list("variant__sku", "ordered", "unit_cost"))
    assert (order.number, order.state, order.note) == ("4711", "draft", "Back\ndoor")
    assert lines == [("=TEE", 10, Decimal("1.2345")), ("MUG", 4, Decimal("2.5"))]
    assert tee.pk
    data = take_out("purchases")
    assert counts(bring_plain("purchases", data)) == (0, 0, 1, 0)
    run = bring_plain("purchases", changed(data, lambda row: row.update(quantity="6") if row["sku"] == "MUG" else None))
    assert counts(run) == (0, 1, 0, 0)
    assert list(order.lines.order_by("position").values_list("ordered", flat=True)) == [10, 6]


def test_an_order_that_was_sent_is_taken_out_and_changed_no_more(place):
    order = make_purchase([(make_variant("TEE"), 5, "1.234")], location=place)
    data = take_out("purchases")
    assert rows_of(data)[0]["unit_cost"] == "1.2340"
    assert counts(bring_plain("purchases", data)) == (0, 0, 1, 0)
    run = bring_plain("purchases", changed(data, lambda row: row.update(quantity="6")))
    assert counts(run) == (0, 0, 0, 1)
    assert errors(run)[0][1] == "number" and "TEE: 5 × 1.2340 → 6" in errors(run)[0][2]
    order.refresh_from_db()
    assert order.units == 5


# Counts -------------------------------------------------------------------------------------------------------------------


def test_a_count_sheet_goes_out_empty_and_comes_back_counted(place):
    tee = make_variant("TEE")
    give_stock(tee, place, 5, bin="A-1")
    count = make_count(tee, place)
    sheet = take_out("counts")
    [row] = rows_of(sheet)
    assert (row["count"], row["bin"], row["sku"], row["counted"]) == (count.number, "A-1", "TEE", "")
    assert counts(bring_plain("counts", sheet)) == (0, 0, 1, 0)
    filled = changed(sheet, lambda row: row.update(counted="5"))
    assert counts(bring_plain("counts", filled)) == (0, 1, 0, 0)
    line = StockCountLine.objects.get()
    assert (line.counted, line.state, line.on_hand) == (5, "done", 5)
    assert counts(bring_plain("counts", filled)) == (0, 0, 1, 0)
    assert counts(bring_plain("counts", take_out("counts"))) == (0, 0, 1, 0)
    wrong = csv_file(
        {"count": "CT-0", "bin": "A-1", "sku": "TEE", "counted": 1}, {"count": count.number, "bin": "B-9", "sku": "TEE", "counted": 1},
        {"count": count.number, "bin": "A-1", "sku": "NOPE", "counted": 1}, {"count": count.number, "bin": "A-1", "sku": "TEE", "counted": "x"},
    )  # fmt: skip
    assert [(n, field) for n, field, _why in errors(bring_plain("counts", wrong))] == [
        (2, "count"), (3, "bin"), (4, "sku"), (5, "counted"),
    ]  # fmt: skip


# Kinds that were there ----------------------------------------------------------------------------------------------------


def test_bundles_come_back(place):
    make_bundle("=SET", {make_variant("A"): 2, make_variant("B"): 1})
    data = take_out("bundles")
    assert counts(bring_in("bundles", data)) == (0, 0, 1, 0)
    assert counts(bring_in("bundles", changed(data, lambda row: row.update(quantity="3")))) == (0, 1, 0, 0)


def test_transfers_come_back_without_a_second_one(place):
    store, tee = make_location("Store"), make_variant("=TEE")
    create_transfer(NewTransfer(place.pk, store.pk, ((tee.pk, 3),)), actor=ACTOR, now=NOW)
    data = take_out("transfers")
    job = bring_by_job("transfers", data)
    assert (job.state, Transfer.objects.count()) == (JobState.DONE, 1)
    job = bring_by_job("transfers", changed(data, lambda row: row.update(reference="new")))
    assert (job.state, Transfer.objects.count()) == (JobState.DONE, 2)
    again = changed(data, lambda row: row.update(reference="new"))
    assert (bring_by_job("transfers", again).state, Transfer.objects.count()) == (JobState.DONE, 2)


def test_suppliers_and_prices_come_back(place):
    acme = make_supplier("=Acme", code="ACME", lead_time_spread="2.5", minimum_order="1250.5")
    make_supplier("Idle", code="IDLE")
    make_item(acme, make_variant("TEE"), price="1.2345", preferred=True, sku="-T", lead_time_days=None)
    before = list(Supplier.objects.values().order_by("pk")), list(SupplierItem.objects.values().order_by("pk"))
    data = take_out("suppliers")
    job = bring_by_job("suppliers", data)
    assert (job.state, list(job.errors.values_list("message", flat=True))) == (JobState.DONE, [])
    assert (
        list(Supplier.objects.values().order_by("pk")),
        list(SupplierItem.objects.values().order_by("pk")),
    ) == before
    bring_by_job("suppliers", changed(data, lambda row: row.update(Price="2.5") if row["SKU"] else None))
    assert SupplierItem.objects.get().price == Decimal("2.5")


def test_reorder_points_come_back(place):
    tee = make_variant("=TEE")
    ReorderPolicy.objects.create(variant=tee, location=place, reorder_point=3, order_up_to=9, updated_at=NOW)
    ReorderPolicy.objects.create(variant=tee, location=None, reorder_point=5, order_up_to=20, updated_at=NOW)
    before = list(ReorderPolicy.objects.values("location", "reorder_point", "order_up_to").order_by("pk"))
    data = take_out("policies")
    job = bring_by_job("policies", data)
    assert (job.state, list(job.errors.values_list("message", flat=True))) == (JobState.DONE, [])
    assert list(ReorderPolicy.objects.values("location", "reorder_point", "order_up_to").order_by("pk")) == before
    bring_by_job("policies", changed(data, lambda row: row.update(order_up_to="21") if not row["location"] else None))
    assert list(ReorderPolicy.objects.order_by("pk").values_list("order_up_to", flat=True)) == [9, 21]


def test_availability_rules_come_back(place):
    channel = make_channel(name="=Shop")
    AvailabilityRule.objects.create(
        channel=channel, scope="sku", variant=make_variant("TEE"), buffer="units", value=2, note="+x", updated_at=NOW
    )
    before = list(AvailabilityRule.objects.values("scope", "variant", "buffer", "value", "note"))
    data = take_out("availability")
    job = bring_by_job("availability", data)
    assert (job.state, list(job.errors.values_list("message", flat=True))) == (JobState.DONE, [])
    assert list(AvailabilityRule.objects.values("scope", "variant", "buffer", "value", "note")) == before
    bring_by_job("availability", changed(data, lambda row: row.update(value="3")))
    assert AvailabilityRule.objects.get().value == 3


def test_products_and_locations_come_back(place):
    tee = make_variant("=TEE-M", price=Decimal("12.50"), cost=Decimal("0.5"))
    Product.objects.filter(pk=tee.product_id).update(title="=Tee, plain", tags=["a b", "c"], vendor="Aćme")
    Variant.objects.filter(pk=tee.pk).update(
        options={"Size": "M", "Colour": "Red"}, title="As printed", hs_code="610910", weight_grams=180
    )
    Variant.objects.create(
        product=tee.product, sku="TEE-L", title="Tee – L", options={"Size": "L"}, price=5, requires_shipping=False
    )
    make_location("مخزن تهران", latitude=35.7, longitude=51.4, cutoff=time(14, 30), daily_capacity=40, active=False)
    bring_in("products", take_out("products", "shopify"))  # its words for the search are made anew
    products, locations = take_out("products", "shopify"), take_out("locations", "shopify")
    before = [list(model.objects.order_by("pk").values()) for model in (Product, Variant, Location)]
    for kind, data, n in (("products", products, 1), ("locations", locations, 2)):
        run = bring_in(kind, data)
        assert errors(run) == []
        assert counts(run) == (0, 0, n, 0)
    assert [list(model.objects.order_by("pk").values()) for model in (Product, Variant, Location)] == before
    run = bring_in("products", changed(products, lambda row: row.update({"Variant Price": "7.50"})))
    assert counts(run) == (0, 1, 0, 0)


def test_every_kind_of_file_that_is_imported_is_known():
    from oms.exchange.kinds import EXCHANGES

    assert set(ImportKind.values) - {"orders"} <= {one.kind for one in EXCHANGES}
