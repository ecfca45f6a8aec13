"""Imports into the tables: what is created, what changes, what stays, what is refused, and what a fault leaves behind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from channels import feeds, jobs
from channels.models import ImportRun
from core.jobs import run_job
from core.models import Job, JobState, OutgoingMail
from core.refusals import Invalid
from core.timeline import entries_for
from inventory.models import Location, Product, Reservation, StockLevel, StockMovement, Variant
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from oms.orchestration.cancel_order import cancel_order
from orders.models import Order, OrderLine
from tests.channels.files import ACTOR, CANCELLED, SHIPPED, bring_in, counts, csv_file, errors, orders_file, queue
from tests.factories.shop import NOW, give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db

PRODUCTS = csv_file(
    {"Handle": "tee", "Title": "Tee", "Vendor": "ACME", "Tags": "men, cotton", "Status": "active", "Option1 Name": "Size", "Option1 Value": "M",
     "Variant SKU": "TEE-M", "Variant Price": "19.90", "Variant Grams": "200", "Cost per item": "7.00"},
    {"Handle": "tee", "Option1 Value": "L", "Variant SKU": "TEE-L", "Variant Price": "19.90", "Variant Grams": "210"},
    {"Handle": "mug", "Title": "Mug", "Status": "draft", "Option1 Name": "Title", "Option1 Value": "Default Title", "Variant SKU": "MUG",
     "Variant Price": "5.00", "Variant Grams": "350"},
)  # fmt: skip
LOCATIONS = csv_file(
    {"Name": "Łódź", "Kind": "warehouse", "Address1": "ul. Piotrkowska 1", "City": "Łódź", "Zip": "'90-001", "Country": "PL", "Latitude": "51.76", "Longitude": "19.45"},
    {"Name": "Lodz!", "Kind": "store", "Country": "PL"},
)  # fmt: skip


def stock_file(*rows: tuple[str, str, str, str]) -> bytes:
    return csv_file(
        *[
            {"SKU": sku, "Location": place, "Bin name": bin_, "On hand (current)": count, "COO": "PT"}
            for sku, place, bin_, count in rows
        ]
    )


# Products, locations ------------------------------------------------------------------------------------------------------


def test_products_come_in_once_and_only_changes_change_them():
    assert counts(bring_in("products", PRODUCTS)) == (2, 0, 0, 0)
    tee = Variant.objects.select_related("product").get(sku="TEE-M")
    assert (tee.title, tee.price, tee.cost, tee.weight_grams, tee.options) == (
        "Tee – M",
        Decimal("19.90"),
        Decimal(7),
        200,
        {"Size": "M"},
    )
    assert (tee.product.vendor, tee.product.tags, tee.product.active) == ("ACME", ["men", "cotton"], True)
    assert "tee" in tee.search_text
    assert not Product.objects.get(handle="mug").active
    assert counts(bring_in("products", PRODUCTS)) == (0, 0, 2, 0)
    assert counts(bring_in("products", PRODUCTS.replace(b"5.00", b"5.50"))) == (0, 1, 1, 0)
    assert Variant.objects.get(sku="MUG").price == Decimal("5.50")
    assert (Product.objects.count(), Variant.objects.count()) == (2, 3)


def test_columns_that_a_file_lacks_leave_what_is_stored():
    bring_in("products", PRODUCTS)
    assert counts(bring_in("products", csv_file({"Handle": "tee", "Title": "Shirt", "Variant SKU": "TEE-M"}))) == (
        0,
        1,
        0,
        0,
    )
    tee = Variant.objects.select_related("product").get(sku="TEE-M")
    assert (tee.price, tee.weight_grams, tee.product.vendor, tee.product.title) == (
        Decimal("19.90"),
        200,
        "ACME",
        "Shirt",
    )


def test_a_sku_of_another_product_is_refused_by_name():
    bring_in("products", PRODUCTS)
    run = bring_in("products", csv_file({"Handle": "cup", "Title": "Cup", "Variant SKU": "MUG"}))
    assert counts(run) == (0, 0, 0, 1)
    assert errors(run) == [(2, "Variant SKU", "The SKU “MUG” belongs to the product “mug”.")]
    assert run.job.state == JobState.DONE_WITH_ERRORS


def test_locations_come_in_with_a_code_of_their_own_and_the_channels_zone():
    assert counts(bring_in("locations", LOCATIONS)) == (2, 0, 0, 0)
    lodz = Location.objects.get(name="Łódź")
    assert (lodz.code, lodz.country, lodz.time_zone, lodz.postal_address.postal_code) == (
        "LODZ",
        "PL",
        "Europe/Warsaw",
        "90-001",
    )
    assert Location.objects.get(name="Lodz!").code == "LODZ2"
    assert counts(bring_in("locations", LOCATIONS)) == (0, 0, 2, 0)
    assert counts(bring_in("locations", LOCATIONS.replace(b"51.76", b"51.77"))) == (0, 1, 1, 0)


# Stock --------------------------------------------------------------------------------------------------------------------


def test_counts_are_set_through_the_ledger():
    bring_in("products", PRODUCTS)
    bring_in("locations", LOCATIONS)
    first = stock_file(("TEE-M", "Łódź", "A-1", "7"), ("MUG", "Łódź", "", "0"), ("MUG", "Lodz!", "", "not stocked"))
    assert counts(bring_in("inventory", first)) == (2, 0, 1, 0)
    level = StockLevel.objects.get(variant__sku="TEE-M")
    assert (level.on_hand, level.available, level.bin) == (7, 7, "A-1")
    assert Variant.objects.get(sku="TEE-M").origin_country == "PT"
    assert counts(bring_in("inventory", first)) == (0, 0, 3, 0)
    assert counts(bring_in("inventory", stock_file(("TEE-M", "Łódź", "A-2", "5")))) == (0, 1, 0, 0)
    assert list(StockMovement.objects.order_by("id").values_list("quantity", "reason")) == [
        (7, "imported"),
        (-2, "imported"),
    ]
    assert audit_stock() == []


def test_unknown_names_and_counts_below_what_is_reserved_are_refused_and_the_rest_is_taken():
    tee, mug, place = make_variant("TEE"), make_variant("MUG"), make_location("Łódź")
    give_stock(tee, place, 5)
    bring_in("orders", orders_file({"Lineitem quantity": "3", "Total": "30.00"}))
    data = stock_file(
        ("TEE", "Łódź", "", "2"), ("MUG", "Łódź", "", "4"), ("CUP", "Łódź", "", "1"), ("MUG", "Moon", "", "1")
    )
    run = bring_in("inventory", data)
    assert counts(run) == (1, 0, 0, 3)
    assert [(line, field) for line, field, _message in errors(run)] == [
        (2, "On hand (current)"),
        (4, "SKU"),
        (5, "Location"),
    ]
    assert "3 units are reserved" in errors(run)[0][2]
    assert StockLevel.objects.get(variant=tee).on_hand == 5
    assert StockLevel.objects.get(variant=mug).on_hand == 4
    assert audit_stock() == []


def test_units_not_for_sale_wait_in_quality_control():
    make_variant("TEE"), make_location("Łódź")
    data = csv_file({"SKU": "TEE", "Location": "Łódź", "Unavailable": "2", "On hand": "7"})
    assert counts(bring_in("inventory", data)) == (1, 0, 0, 0)
    level = StockLevel.objects.get()
    assert (level.on_hand, level.quality_control, level.available) == (7, 2, 5)
    assert counts(bring_in("inventory", data)) == (0, 0, 1, 0)


# Orders -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stocked() -> StockLevel:
    return give_stock(make_variant("TEE"), make_location(), 10)


def test_open_orders_are_placed_reserved_and_routed(stocked):
    channel = make_channel()
    run = bring_in("orders", orders_file({}, {"Lineitem quantity": "2", "Total": "20.00"}), channel)
    assert counts(run) == (2, 0, 0, 0)
    order = Order.objects.get(number="#2")
    assert (order.external_id, order.total, order.payment, order.lifecycle, order.historic) == (
        "900002",
        Decimal(20),
        "paid",
        "open",
        False,
    )
    assert (order.ship_to.city, order.ship_to.postal_code) == ("Kraków", "30-001")
    stocked.refresh_from_db()
    assert stocked.reserved == 3
    assert order.fulfillment_orders.count() == 1
    assert counts(bring_in("orders", orders_file({}, {"Lineitem quantity": "2", "Total": "20.00"}), channel)) == (
        0,
        0,
        2,
        0,
    )
    assert Order.objects.count() == 2


def test_finished_orders_arrive_as_history_and_touch_no_stock(stocked):
    refunded = {"Financial Status": "refunded", "Refunded Amount": "10.00"}
    data = orders_file(SHIPPED, CANCELLED, refunded, SHIPPED | refunded)
    channel = make_channel()
    assert counts(bring_in("orders", data, channel)) == (4, 0, 0, 0)
    states = [(o.lifecycle, o.payment, o.fulfillment, o.historic) for o in Order.objects.order_by("number")]
    assert states == [
        ("completed", "paid", "fulfilled", True),
        ("cancelled", "voided", "unfulfilled", True),
        ("cancelled", "refunded", "unfulfilled", True),
        ("completed", "refunded", "fulfilled", True),
    ]
    assert StockMovement.objects.exclude(reason="received").count() == 0
    assert not Reservation.objects.exists()
    assert not OutgoingMail.objects.exists()
    assert counts(bring_in("orders", data, channel)) == (0, 0, 4, 0)


def test_an_order_shipped_in_part_is_reserved_for_what_is_left(stocked):
    first = {"Fulfillment Status": "partial", "Lineitem fulfillment status": "fulfilled", "Total": "40.00"}
    second = dict.fromkeys(
        ("Total", "Created at", "Currency", "Financial Status", "Fulfillment Status", "Id", "Email"), ""
    )
    rest = second | {"Name": "#1", "Lineitem quantity": "3"}
    channel = make_channel()
    assert counts(bring_in("orders", orders_file(first, rest), channel)) == (1, 0, 0, 0)
    lines = OrderLine.objects.order_by("position").values_list("ordered", "allocated", "shipped")
    assert list(lines) == [(1, 1, 1), (3, 3, 0)]
    stocked.refresh_from_db()
    assert (stocked.on_hand, stocked.reserved) == (10, 3)
    assert counts(bring_in("orders", orders_file(first, rest), channel)) == (0, 0, 1, 0)
    assert audit_stock() == []


def test_a_difference_between_total_and_lines_stays_visible(stocked):
    bring_in("orders", orders_file({"Total": "10.37"}))
    order = Order.objects.get()
    assert (order.total, order.subtotal, order.adjustment_total) == (Decimal("10.37"), Decimal(10), Decimal("0.37"))


def test_an_unknown_sku_refuses_an_open_order_and_not_a_shipped_one(stocked):
    gone = {"Lineitem sku": "GONE"}
    run = bring_in("orders", orders_file({}, gone, gone | SHIPPED))
    assert counts(run) == (2, 0, 0, 1)
    ((line, field, message),) = errors(run)
    assert (line, field) == (3, "Lineitem sku")
    assert "GONE" in message
    kept = OrderLine.objects.get(sku="GONE")
    assert (kept.variant_id, kept.title) == (None, "Tee")


def test_an_unpaid_order_waits_for_its_payment(stocked):
    bring_in("orders", orders_file({"Financial Status": "pending"}), make_channel(hold_unpaid=True))
    order = Order.objects.get()
    assert (order.payment, order.on_hold) == ("unpaid", True)


@pytest.mark.parametrize("ids", [("", "900001"), ("900001", "")])
def test_an_order_is_known_by_its_number_where_a_file_has_no_id(stocked, ids):
    channel = make_channel()
    first, second = ids
    assert counts(bring_in("orders", orders_file({"Id": first}), channel)) == (1, 0, 0, 0)
    assert counts(bring_in("orders", orders_file({"Id": second}), channel)) == (0, 0, 1, 0)


def test_another_order_of_the_same_number_is_refused(stocked):
    channel = make_channel()
    bring_in("orders", orders_file({}), channel)
    run = bring_in("orders", orders_file({"Id": "7"}), channel)
    assert counts(run) == (0, 0, 0, 1)
    assert "900001" in errors(run)[0][2]
    assert counts(bring_in("orders", orders_file({"Id": "7"}), make_channel())) == (1, 0, 0, 0)


def test_what_was_paid_given_back_or_cancelled_since_is_caught_up(stocked):
    channel = make_channel()
    unpaid = {"Financial Status": "pending"}
    bring_in("orders", orders_file(unpaid), channel)
    assert counts(bring_in("orders", orders_file({}), channel)) == (0, 1, 0, 0)
    assert Order.objects.get().payment == "paid"
    assert counts(
        bring_in("orders", orders_file({"Financial Status": "partially_refunded", "Refunded Amount": "4.00"}), channel)
    ) == (0, 1, 0, 0)
    done = {"Financial Status": "refunded", "Refunded Amount": "10.00", "Cancelled at": "2026-11-19 10:00:00 +0100"}
    assert counts(bring_in("orders", orders_file(done), channel)) == (0, 1, 0, 0)
    order = Order.objects.get()
    assert (order.lifecycle, order.payment, order.refunded_total) == ("cancelled", "refunded", Decimal(10))
    stocked.refresh_from_db()
    assert stocked.reserved == 0
    assert counts(bring_in("orders", orders_file(done), channel)) == (0, 0, 1, 0)
    assert audit_stock() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (SHIPPED, "shipped elsewhere"),
        ({"Total": "12.00"}, "its total is"),
        ({"Lineitem quantity": "2"}, "its lines are others"),
    ],
)
def test_changes_that_are_not_safe_are_reported_and_not_applied(stocked, change, reason):
    channel = make_channel()
    bring_in("orders", orders_file({}), channel)
    before = Order.objects.values().get()
    run = bring_in("orders", orders_file(change), channel)
    assert counts(run) == (0, 0, 0, 1)
    assert errors(run)[0][2].startswith("Changed in the file, not applied: ")
    assert reason in errors(run)[0][2]
    assert Order.objects.values().get() == before


def test_work_done_here_since_is_no_difference_to_the_file(stocked):
    channel = make_channel()
    bring_in("orders", orders_file({"Lineitem quantity": "2", "Total": "20.00"}), channel)
    order = Order.objects.get()
    cancel_order(order_id=order.pk, units={order.lines.get().pk: 1}, reason="", actor=ACTOR, now=NOW)
    assert counts(bring_in("orders", orders_file({"Lineitem quantity": "2", "Total": "20.00"}), channel)) == (
        0,
        0,
        1,
        0,
    )


def test_a_refused_order_keeps_all_its_rows_for_the_file_of_refused_ones(stocked):
    run = bring_in(
        "orders", orders_file({"Total": "20.00"}, {"Name": "#1", "Id": "", "Total": "", "Lineitem price": "x"})
    )
    assert errors(run)[0][:2] == (3, "Lineitem price")
    assert len(run.job.errors.get().raw) == 2


# Faults -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_portions(monkeypatch):
    monkeypatch.setattr(jobs, "PORTION", dict.fromkeys(feeds.PORTION, 3))


def test_an_import_goes_on_where_a_killed_worker_stopped(stocked, small_portions):
    data = orders_file(*[{}] * 4, {"Lineitem price": "x"}, *[{}] * 5)
    run = queue("orders", data)
    run_job(run.job_id, clock=timezone.now, until=NOW.replace(year=2000))  # the time is up after one step
    run.refresh_from_db()
    assert counts(run) == (3, 0, 0, 0)
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.done, job.total) == (JobState.RUNNING, 4, 11)
    feeds._feeds.clear()  # another process knows nothing of the first one's feed
    run_job(run.job_id, clock=timezone.now)
    run.refresh_from_db()
    assert counts(run) == (9, 0, 0, 1)
    assert Order.objects.count() == 9
    assert Job.objects.get(pk=run.job_id).state == JobState.DONE_WITH_ERRORS
    assert run.job.errors.count() == 1
    assert audit_stock() == []


def test_a_step_that_fails_leaves_nothing_and_is_done_again(stocked, small_portions, monkeypatch):
    run = queue("orders", orders_file(*[{}] * 5))
    whole, calls = jobs._report, []

    def failing(*args):
        calls.append(1)
        whole(*args)
        if len(calls) == 2:
            raise OSError("the connection is gone")

    monkeypatch.setattr(jobs, "_report", failing)
    with pytest.raises(OSError, match="gone"):
        run_job(run.job_id, clock=timezone.now)
    assert Order.objects.count() == 3
    Job.objects.filter(pk=run.job_id).update(lease_until=None)
    run_job(run.job_id, clock=timezone.now)
    run.refresh_from_db()
    assert counts(run) == (5, 0, 0, 0)
    assert Order.objects.count() == 5


def test_the_same_file_again_joins_the_import_that_is_under_way(stocked):
    channel = make_channel()
    first, second = queue("orders", orders_file({}), channel), queue("orders", orders_file({}), channel)
    assert first.pk == second.pk
    assert ImportRun.objects.count() == 1


def test_a_file_whose_content_is_gone_ends_the_job_with_a_reason(stocked):
    run = queue("orders", orders_file({}))
    Job.objects.filter(pk=run.job_id).update(source=None)
    run_job(run.job_id, clock=timezone.now)
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.message) == (JobState.FAILED, "The file is empty.")


def test_options_that_are_none_are_refused():
    for options, field in (
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"decimal_mark": "x"}, "decimal_mark"),
        ({"format_": "papyrus"}, "format"),
    ):
        with pytest.raises(Invalid) as refused:
            queue("orders", orders_file({}), **options)
        assert refused.value.field == field
    with pytest.raises(Invalid):
        queue("secrets", orders_file({}))


def test_two_files_with_the_same_orders_at_once_bring_each_order_once(committed, threads):
    give_stock(make_variant("TEE"), make_location(), 100)
    channel = make_channel()
    data = orders_file(*[{}] * 40)
    runs = [queue("orders", data + b"\r\n" * n, channel) for n in range(4)]
    threads(4, lambda n: run_job(runs[n].job_id, clock=timezone.now))
    for run in runs:
        run.refresh_from_db()
    assert Order.objects.count() == 40
    assert sum(run.created for run in runs) == 40
    assert sum(run.unchanged for run in runs) == 120
    assert StockLevel.objects.get().reserved == 40
    assert audit_stock() == []


@pytest.mark.parametrize(("kind", "data"), [("products", PRODUCTS), ("locations", LOCATIONS)])
def test_two_files_with_the_same_records_at_once_bring_each_once(committed, threads, kind, data):
    channel = make_channel()
    runs = [queue(kind, data + b"\r\n" * n, channel) for n in range(3)]
    threads(3, lambda n: run_job(runs[n].job_id, clock=timezone.now))
    for run in runs:
        run.refresh_from_db()
    assert sorted(counts(run) for run in runs) == [(0, 0, 2, 0), (0, 0, 2, 0), (2, 0, 0, 0)]


def test_a_correction_between_two_imports_is_set_back_by_the_second():
    tee, place = make_variant("TEE"), make_location("Łódź")
    data = stock_file(("TEE", "Łódź", "", "7"))
    bring_in("inventory", data)
    adjust_stock(variant_id=tee.pk, location_id=place.pk, quantity=-3, reason="lost", actor=ACTOR, now=NOW)
    assert counts(bring_in("inventory", data)) == (0, 1, 0, 0)
    assert StockLevel.objects.get().on_hand == 7


def test_an_imported_order_has_a_history(stocked):
    bring_in("orders", orders_file({}))
    assert [entry.kind for entry in entries_for(Order.objects.get().subject)] == ["order.placed"]
