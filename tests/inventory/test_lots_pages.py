"""Pages of lots and serial numbers: lists, levels, the way of a lot and of a unit, rights, and the floor."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.permissions import Role
from fulfillment.models import FulfillmentOrder, LineSerial
from fulfillment.operations.packing import pack_scanned
from fulfillment.operations.picking import finish_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.queries import pick_list_for, with_lines
from inventory.models import Lot, SerialNumber, StockLevel, Variant
from inventory.operations.auditing import audit_stock
from inventory.tasks import set_expired_lots_aside
from returns.models import ReturnLine
from tests.factories.returns import ask, make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order
from tests.inventory.test_lots import by_lot, counts, put
from tests.inventory.test_lots_parcels import gs1
from tests.inventory.test_serials import by_serial
from tests.inventory.test_serials import put as put_serials

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return make_location("Riverside")


@pytest.fixture(autouse=True)
def at_noon(monkeypatch):
    """The pages' clock stands where the data is."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def work_for(variant, units: int, **fields) -> FulfillmentOrder:
    return FulfillmentOrder.objects.get(order=make_order(make_channel(), [(variant.sku, units)], **fields))


def who(work) -> dict:
    return {"fulfillment_order_id": work.pk, "actor": ACTOR, "now": NOW}


def key_on(page) -> str:
    return re.search(r'name="key" value="([0-9a-f]{32})"', page.content.decode())[1]


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def level_of(variant) -> StockLevel:
    return StockLevel.objects.get(variant=variant)


# ---- lots ------------------------------------------------------------------------------------------------------------


def test_the_list_has_a_tab_for_what_expires_soon_and_one_for_what_is_expired(client_as, place):
    variant = by_lot(min_remaining_days=2)
    for code, days in (("GONE", 1), ("SOON", 20), ("LATE", 300), ("NODATE", None)):
        put(variant, place, code, 3, days)
    client = client_as(Role.VIEWER)

    def shown(tab: str) -> set[str]:
        page = client.get(reverse("lots"), {"tab": tab})
        return {code for code in ("GONE", "SOON", "LATE", "NODATE") if code in page.content.decode()}

    assert shown("expiring") == {"SOON"} and shown("expired") == {"GONE"}
    assert shown("held") == {"GONE", "SOON", "LATE", "NODATE"}
    export = client.get(reverse("lots"), {"tab": "expired", "export": "csv"})
    assert b"GONE" in b"".join(export.streaming_content)


@pytest.mark.parametrize("name", ["lots", "lot-parcels", "serials"])
def test_the_lists_ask_as_much_for_many_rows_as_for_one(client_as, place, django_assert_num_queries, name):
    client = client_as()

    def more(n: int) -> None:
        variant, unit = by_lot(), by_serial()
        put(variant, place, f"L{n}", 2, 30)
        put_serials(unit, place, f"S{n}")
        ship_fulfillment_order(**who(work_for(variant, 1)), fast_forward=True)

    more(1)
    client.get(reverse(name), {"tab": "all"})
    with CaptureQueriesContext(connection) as one:
        client.get(reverse(name), {"tab": "all"})
    for n in range(2, 5):
        more(n)
    with django_assert_num_queries(len(one)):
        assert client.get(reverse(name), {"tab": "all"}).status_code == 200


def test_receiving_a_lot_by_scanning_its_code(client_as, place):
    variant = by_lot()
    give_stock(variant, place, 4)
    client, url = client_as(Role.WAREHOUSE), reverse("stock-lots", args=[level_of(variant).pk])
    key = key_on(client.get(url))
    data = {"how": "received", "code": gs1("L-7", 90), "units": "6", "key": key}
    for _n in range(2):  # sent twice, received once
        assert client.post(url, data).status_code == 302
    assert counts(variant, place) == {"": 4, "L-7": 6}
    assert Lot.objects.get(code="L-7").expires_on == NOW.date() + timedelta(days=90)
    data |= {"how": "relabel", "code": "L-8", "units": "5", "key": "b" * 32}
    refused = client.post(url, data)
    assert refused.status_code == 422 and "does not hold that many" in text(refused)
    assert client.post(url, data | {"units": "4"}).status_code == 302
    assert counts(variant, place) == {"L-7": 6, "L-8": 4} and audit_stock() == []


def test_a_wrong_form_says_so_at_its_field(client_as, place):
    variant = by_lot()
    put(variant, place, "A", 1, 9)
    client, url = client_as(Role.WAREHOUSE), reverse("stock-lots", args=[level_of(variant).pk])
    data = {"how": "received", "code": "A", "units": "1", "expires_on": "2031-01-01", "key": "c" * 32}
    page = client.post(url, data)
    assert page.status_code == 422 and "Read the label again" in text(page)
    assert client.post(url, data | {"code": "x" * 41}).status_code == 422


def test_the_way_of_a_lot_there_and_back(client_as, place):
    make_shop()
    variant = by_lot()
    lot = put(variant, place, "L-7", 5, 30)
    work = work_for(variant, 2, customer_name="Ada Lovelace")
    ship_fulfillment_order(**who(work), fast_forward=True)
    request = ask(work.order, 1)
    line = ReturnLine.objects.get(return_request=request)
    floor = client_as(Role.WAREHOUSE)
    scanned = floor.post(reverse("return-scan-unit", args=[request.pk]), {"code": "L-7"})
    assert scanned.status_code == 302
    line.refresh_from_db()
    assert line.received == 1 and counts(variant, place) == {"L-7": 4}
    page = text(client_as(Role.SUPPORT).get(reverse("lot", args=[lot.pk])))
    for expected in ("L-7", "Riverside", work.number, work.order.number, "Ada Lovelace", request.number):
        assert expected in page
    assert "Ada Lovelace" not in text(floor.get(reverse("lot", args=[lot.pk])))
    order_page = client_as(Role.SUPPORT).get(reverse("order", args=[work.order_id])).content.decode()
    assert reverse("lot", args=[lot.pk]) in order_page
    assert reverse("lot", args=[lot.pk]) in floor.get(reverse("fulfillment-order", args=[work.pk])).content.decode()


def test_who_has_a_lot_is_a_file_for_those_who_may_see_customers(client_as, place):
    variant = by_lot()
    put(variant, place, "L-7", 5, 30)
    put(variant, place, "L-8", 5, 90)
    names = {"L-7": "Ada Lovelace", "L-8": "=HYPERLINK(1)"}
    for code, name in names.items():
        work = work_for(variant, 1, customer_name=name)
        pack_scanned(**who(work), code=code)
        ship_fulfillment_order(**who(work), fast_forward=True)
    query = {"lot": "L-7", "export": "csv"}
    file = b"".join(client_as(Role.OPERATIONS).get(reverse("lot-parcels"), query).streaming_content).decode()
    assert "Ada Lovelace" in file and "HYPERLINK" not in file
    assert client_as(Role.WAREHOUSE).get(reverse("lot-parcels")).status_code == 403


def test_the_date_of_a_lot_is_set_right_by_those_who_may(client_as, place):
    lot = put(by_lot(), place, "L-7", 5, 30)
    url = reverse("lot-correct", args=[lot.pk])
    assert client_as(Role.WAREHOUSE).post(url, {"expires_on": "2027-01-31"}).status_code == 403
    assert client_as(Role.OPERATIONS).post(url, {"expires_on": "1700-01-01"}).status_code == 422
    assert client_as(Role.OPERATIONS).post(url, {"expires_on": "2027-01-31"}).status_code == 302
    lot.refresh_from_db()
    assert lot.expires_on.isoformat() == "2027-01-31"
    assert "Expiry date changed" in text(client_as(Role.OPERATIONS).get(reverse("lot", args=[lot.pk])))


def test_the_task_sets_expired_lots_aside(place):
    variant = by_lot()
    put(variant, place, "OLD", 3, -1)
    assert set_expired_lots_aside() == 3 and level_of(variant).available == 0


# ---- the floor -------------------------------------------------------------------------------------------------------


def test_the_picker_is_told_which_lot_to_take_and_the_scan_says_which_was(client_as, place):
    variant = by_lot(barcode="9506000134352")
    put(variant, place, "LATE", 5, 90)
    put(variant, place, "SOON", 1, 30)
    work = work_for(variant, 3)
    client, url = client_as(Role.WAREHOUSE), reverse("pick", args=[work.pk])
    page = text(client.get(url))
    assert "SOON × 1" in page and "LATE × 2" in page
    answer = text(client.post(url, {"code": "LATE"}, follow=True))
    assert "SOON expires first" in answer and "Taken: lot LATE × 1" in answer
    paper = pick_list_for(with_lines([work.pk]), number="P1", language="en", now=NOW)
    assert [(code, units) for code, _day, units in paper.lines[0].lots] == [("SOON", 1), ("LATE", 1)]


def test_the_packer_scans_each_serial_number(client_as, place):
    variant = by_serial()
    put_serials(variant, place, "SN-1", "SN-2")
    work = work_for(variant, 2)
    finish_picking(**who(work))
    client, url = client_as(Role.WAREHOUSE), reverse("pack", args=[work.pk])
    assert "Scan the serial number of each unit" in text(client.get(url))
    assert "scan the serial number of the unit" in text(client.post(url, {"code": variant.sku}, follow=True))
    for code in ("SN-1", "SN-2"):
        page = client.post(url, {"code": code}, follow=True)
    assert "The parcel is packed" in text(page) and "SN-2" in text(page)
    assert LineSerial.objects.filter(left=False).count() == 2
    client.post(url, {"action": "ship"})
    unit = SerialNumber.objects.get(serial="SN-1")
    assert unit.state == "shipped"
    way = text(client_as(Role.SUPPORT).get(reverse("serial", args=[unit.pk])))
    assert work.number in way and "Shipped from" in way and "Registered at" in way


def test_a_return_ticks_the_serial_numbers_that_came(client_as, place):
    make_shop()
    variant = by_serial()
    put_serials(variant, place, "SN-1", "SN-2")
    work = work_for(variant, 2)
    for code in ("SN-1", "SN-2"):
        pack_scanned(**who(work), code=code)
    ship_fulfillment_order(**who(work), fast_forward=True)
    request = ask(work.order, 2)
    line = ReturnLine.objects.get(return_request=request)
    client, url = client_as(Role.WAREHOUSE), reverse("return-receive", args=[request.pk])
    assert "SN-2" in text(client.get(reverse("return-floor", args=[request.pk])))
    data = {"location": place.pk, f"quantity-{line.pk}": "1"}
    refused = client.post(url, data)
    assert refused.status_code == 422 and "serial number of each unit" in text(refused)
    assert client.post(url, data | {f"serials-{line.pk}": ["SN-9"]}).status_code == 422
    assert client.post(url, data | {f"serials-{line.pk}": ["SN-2"]}).status_code == 302
    assert SerialNumber.objects.get(serial="SN-2").state == "in_stock"
    assert client.post(reverse("return-scan-unit", args=[request.pk]), {"code": "SN-1"}).status_code == 302
    assert not SerialNumber.objects.filter(state="shipped").exists() and audit_stock() == []


# ---- serial numbers --------------------------------------------------------------------------------------------------


def test_registering_a_range_and_writing_units_off(client_as, place):
    variant = by_serial()
    give_stock(variant, place, 2)
    client, url = client_as(Role.WAREHOUSE), reverse("stock-serials", args=[level_of(variant).pk])
    page = client.get(url)
    assert "Without a serial number 2" in text(page)
    data = {"how": "register", "first": "SN-01", "count": "2", "key": key_on(page)}
    assert client.post(url, data).status_code == 302
    again = client.post(url, data)
    assert again.status_code == 422 and "known already" in text(again)
    data = {"how": "received", "serials": "X-1\nX-2\n", "key": "d" * 32}
    for _n in range(2):
        assert client.post(url, data).status_code == 302
    assert level_of(variant).on_hand == 4
    assert client.post(url, {"gone": ["SN-01", "X-2"], "reason": "scrapped"}).status_code == 302
    assert client.post(url, {"gone": ["SN-01"], "reason": "scrapped"}).status_code == 422
    assert level_of(variant).on_hand == 2 and audit_stock() == []


def test_levels_of_what_is_not_followed_so_have_no_such_page(client_as, place):
    client = client_as()
    for variant, name in ((by_lot(), "stock-serials"), (by_serial(), "stock-lots")):
        give_stock(variant, place, 1)
        assert client.get(reverse(name, args=[level_of(variant).pk])).status_code == 404


# ---- the variant -----------------------------------------------------------------------------------------------------


def test_how_a_variant_is_followed_is_chosen_on_its_form(client_as, place):
    variant = by_lot()
    put(variant, place, "A", 2, 9)
    client, url = client_as(Role.OPERATIONS), reverse("variant", args=[variant.pk])
    data = {"sku": variant.sku, "price": "10", "weight_grams": "1", "tracking": "serial", "min_remaining_days": "14"}
    refused = client.post(url, data)
    assert refused.status_code == 422 and "still holds units" in text(refused)
    assert client.post(url, data | {"merge": "on"}).status_code == 302
    variant = Variant.objects.get(pk=variant.pk)
    assert (variant.tracking, variant.min_remaining_days) == ("serial", 14) and audit_stock() == []
    assert "By serial number" in text(client.get(url))
    new = client.post(reverse("variant-new", args=[variant.product_id]), data | {"sku": "NEW-1", "tracking": "lot"})
    assert new.status_code == 302 and Variant.objects.get(sku="NEW-1").tracking == "lot"
