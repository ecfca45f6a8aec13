"""Lots and serial numbers over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fulfillment.models import FulfillmentOrder
from fulfillment.operations.packing import pack_scanned
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import StockLevel
from tests.api.test_transfers import api  # noqa: F401 - a fixture
from tests.factories.shop import ACTOR, NOW, make_channel, make_location, make_order
from tests.inventory.test_lots import by_lot, counts, put
from tests.inventory.test_serials import by_serial, states

pytestmark = pytest.mark.django_db


def test_a_lot_is_received_once_and_listed(api):  # noqa: F811
    place, variant = make_location("Main"), by_lot()
    body = {"sku": variant.sku, "location": "Main", "lot": "L-1", "expires_on": "2027-01-31", "quantity": 5}
    for _n in range(2):
        got = api("post", "/lots/receipts", body, **{"Idempotency-Key": "k"})
        assert got.status_code == 200, got.content
    assert counts(variant, place) == {"L-1": 5}
    put(variant, place, "L-2", 1, 300)
    found = api("get", f"/lots?sku={variant.sku}&expires_before=2027-02-01", role="viewer").json()
    levels = [{"location": "Main", "on_hand": 5, "damaged": 0, "quality_control": 0, "picked": 0}]
    assert [(row["lot"], row["expires_on"], row["levels"]) for row in found["items"]] == [("L-1", "2027-01-31", levels)]
    first = api("get", "/lots?limit=1").json()
    assert api("get", f"/lots?limit=1&cursor={first['next']}").json()["items"][0]["lot"] != first["items"][0]["lot"]
    other = api("post", "/lots/receipts", body | {"expires_on": "2027-02-01"})
    assert (other.status_code, other.json()["code"]) == (422, "lot_expires_otherwise")
    assert api("post", "/lots/receipts", body, role="viewer").status_code == 403


def test_who_has_a_lot_is_told_to_those_who_may_see_customers(api):  # noqa: F811
    place, variant = make_location(), by_lot()
    lot = put(variant, place, "L-1", 5, 30)
    order = make_order(make_channel(), [(variant.sku, 2)], customer_name="Ada Lovelace")
    work = FulfillmentOrder.objects.get(order=order)
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW + timedelta(hours=1), fast_forward=True)
    row = api("get", f"/lots/{lot.pk}/parcels", role="support").json()["items"][0]
    assert (row["order"], row["customer_name"], row["units"]) == (order.number, "Ada Lovelace", 2)
    assert api("get", f"/lots/{lot.pk}/parcels", role="warehouse").status_code == 403
    assert api("get", "/lots/999999999999999999999/parcels", role="support").status_code == 404


def test_serial_numbers_are_received_registered_and_found(api):  # noqa: F811
    make_location("Main")
    variant = by_serial()
    body = {"sku": variant.sku, "location": "Main", "serials": ["SN/1", "SN-2"]}
    assert api("post", "/serials", body).json() == {"sku": variant.sku, "location": "Main", "registered": 2}
    again = api("post", "/serials", body)
    assert (again.status_code, again.json()["code"]) == (422, "serial_known")
    assert StockLevel.objects.get(variant=variant).on_hand == 2
    more = api("post", "/serials", body | {"serials": ["SN-3"], "on_hand_already": True})
    assert (more.status_code, more.json()["code"]) == (409, "more_serials_than_units")
    work = FulfillmentOrder.objects.get(order=make_order(make_channel(), [(variant.sku, 1)]))
    pack_scanned(fulfillment_order_id=work.pk, code="SN/1", actor=ACTOR, now=NOW)
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)
    unit = api("get", "/serials/SN/1", role="viewer").json()["items"][0]
    assert (unit["state"], unit["location"], unit["parcels"][0]["work_order"]) == ("shipped", None, work.number)
    assert states(variant) == {"SN/1": "shipped", "SN-2": "in_stock"}
    assert api("get", "/serials/none").status_code == 404
