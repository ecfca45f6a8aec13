"""Bundles over the API: sold as groups, refused as a whole cart, checked before they are placed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders.models import Order
from tests.api.test_api import api, order_body
from tests.factories.bundles import make_bundle
from tests.factories.shop import give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db
__all__ = ["api"]


@pytest.fixture
def shop(db):
    """Lamps and bulbs in Warsaw: a set of a lamp with two bulbs, a pair of bulbs, and three bulbs in all."""
    lamp, bulb = make_variant("LAMP", price=Decimal(40)), make_variant("BULB", price=Decimal(5))
    make_bundle("SET", {lamp: 1, bulb: 2}, title="Lamp with bulbs")
    make_bundle("PAIR", {bulb: 2})
    place = make_location("Warsaw", ships_to=["PL"])
    give_stock(lamp, place, 9), give_stock(bulb, place, 3)
    return make_channel()


def lines(*wanted: tuple[str, int]) -> list[dict]:
    return [{"sku": sku, "quantity": quantity, "unit_price": "45.00"} for sku, quantity in wanted]


def test_an_order_shows_its_bundles_with_their_lines(shop, api):
    body = api("post", "/orders", order_body(shop, lines=lines(("SET", 1), ("BULB", 1)))).json()
    (bundle,) = body["bundles"]
    assert (bundle["sku"], bundle["title"], bundle["quantity"], bundle["unit_price"]) == (
        "SET",
        "Lamp with bulbs",
        1,
        "45.00",
    )
    assert bundle["line_ids"] == [line["id"] for line in body["lines"][:2]]
    assert [(line["bundle_id"], line["per_bundle"]) for line in body["lines"]] == [
        (bundle["id"], 1), (bundle["id"], 2), (None, None),
    ]  # fmt: skip
    for sku in ("SET", "LAMP"):
        assert [o["id"] for o in api("get", f"/orders?sku={sku}").json()["items"]] == [body["id"]]
    assert [o["id"] for o in api("get", "/orders?q=set").json()["items"]] == [body["id"]]


def test_a_cart_that_only_looks_possible_line_by_line_is_refused(shop, api):
    answer = api("post", "/orders", order_body(shop, lines=lines(("SET", 1), ("PAIR", 1)), on_shortage="refuse"))
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "not_enough_stock"
    assert problem["short"] == [{"position": 1, "sku": "PAIR", "quantity": 1, "promised": 0}]
    assert [error["field"] for error in problem["errors"]] == ["lines[1].quantity"]
    assert Order.objects.count() == 0
    for only in ("SET", "PAIR"):
        body = order_body(shop, lines=lines((only, 1)), external_id=only, on_shortage="refuse")
        assert api("post", "/orders", body).status_code == (201 if only == "SET" else 409)


def test_on_shortage_is_one_of_two(shop, api):
    answer = api("post", "/orders", order_body(shop, lines=lines(("SET", 1)), on_shortage="maybe"))
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "on_shortage"


def test_a_cart_is_checked_as_a_whole_without_placing_it(shop, api):
    def check(*wanted, **more):
        wishes = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted]
        return api("post", "/availability/check", {"lines": wishes, "country": "PL", **more}, role="viewer")

    found = check(("SET", 1), ("PAIR", 1), ("BULB", 2)).json()
    assert (found["complete"], found["together"], found["routable"]) == (False, False, True)
    assert [(line["promised"], line["alone"], line["is_bundle"]) for line in found["lines"]] == [
        (1, 1, True), (0, 1, True), (1, 2, False),
    ]  # fmt: skip
    assert check(("SET", 1), ("BULB", 1)).json()["complete"] and check(("SET", 1)).json()["together"]
    assert check(("SET", 5)).json()["lines"][0]["promised"] == 1
    abroad = check(("SET", 1), country="DE").json()
    assert not abroad["routable"] and abroad["lines"][0]["promised"] == 0
    assert check(("NOPE", 1)).json()["errors"][0]["field"] == "lines[0].sku"
    assert check(("SET", 1), country="XX").json()["errors"][0]["field"] == "country"
    assert check(("SET", 1), channel="none").json()["errors"][0]["field"] == "channel"
    assert Order.objects.count() == 0


def test_checking_a_cart_costs_the_same_whatever_is_in_it(shop, api):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def statements(*wanted):
        wishes = [{"sku": sku, "quantity": 1} for sku in wanted]
        with CaptureQueriesContext(connection) as seen:
            assert api("post", "/availability/check", {"lines": wishes}).status_code == 200
        return len(seen)

    statements("SET")
    assert statements("SET") == statements("SET", "PAIR", "BULB", "LAMP", "SET")


def test_stock_of_a_bundle_is_not_adjusted(shop, api):
    answer = api("post", "/stock/adjustments", {"sku": "SET", "location": "Warsaw", "set_to": 3})
    assert answer.status_code == 409 and answer.json()["code"] == "bundle_is_not_stocked"
