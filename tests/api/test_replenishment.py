"""Alerts, suggestions and reorder points over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.tokens import create_token
from core.permissions import Role
from inventory.models import BundleComponent, ReorderPolicy
from tests.factories.replenishment import something_low
from tests.factories.shop import make_location, make_variant
from tests.replenishment.stock import set_point

pytestmark = pytest.mark.django_db


def call(method: str, path: str, body: Any = None, *, role: str = Role.OPERATIONS) -> Any:
    token = create_token(name=role, role=role)[1]
    send = getattr(Client(), method)
    extra = {} if body is None else {"data": body, "content_type": "application/json"}
    return send(f"/api/v1{path}", **extra, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def low() -> dict:
    return something_low(make_location("Main", code="MAIN"))


def test_alerts_and_suggestions_say_what_the_pages_say(low):
    set_point(low["low_policy"].variant, None, 3, 12)
    first, second = call("get", "/alerts").json()["items"]
    assert {first["location"], second["location"]} == {"Main", None}
    for query, count in (
        ("location=MAIN", 1),
        ("location=total", 1),
        ("state=snoozed", 0),
        ("kind=low", 2),
        ("sku=LOW&limit=1", 1),
    ):
        assert len(call("get", f"/alerts?{query}").json()["items"]) == count, query
    assert call("get", "/alerts?location=Moon").json()["errors"][0]["field"] == "location"
    page = call("get", "/alerts?limit=1").json()
    assert len(call("get", f"/alerts?limit=1&cursor={page['next']}").json()["items"]) == 1
    [suggestion] = call("get", "/reorder-suggestions?location=Main").json()["items"]
    assert (suggestion["sku"], suggestion["quantity"], suggestion["supplier"]) == ("LOW", 20, "Low supplies")


def test_points_are_put_and_put_again(low):
    make_variant("TENT")
    items = [
        {"sku": "TENT", "location": "Main", "reorder_point": 5, "order_up_to": 9, "alert": False},
        {"sku": "LOW", "location": "", "reorder_point": 1, "order_up_to": 2},
    ]
    for _n in range(2):
        assert call("put", "/reorder-points", {"items": items}).json() == {"set": 2, "refused": []}
    found = {(row["sku"], row["location"]): row for row in call("get", "/reorder-points").json()["items"]}
    assert set(found) == {("LOW", "Main"), ("LOW", None), ("TENT", "Main")}
    tent = found[("TENT", "Main")]
    assert (tent["reorder_point"], tent["order_up_to"], tent["alert"], tent["source"]) == (5, 9, False, "manual")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sku": "NOPE"}, "items[1].sku"),
        ({"location": "Moon"}, "items[1].location"),
        ({"order_up_to": 4}, "items[1].order_up_to"),
        ({"reorder_point": -1}, "items[1].reorder_point"),
        ({"sku": "a\x00"}, "items[1].sku"),
        ({"colour": "red"}, "items[1].colour"),
    ],
)
def test_one_wrong_item_sets_nothing_and_is_named(low, change, field):
    make_variant("TENT")
    good = {"sku": "TENT", "location": "MAIN", "reorder_point": 5, "order_up_to": 9}
    answer = call("put", "/reorder-points", {"items": [good, good | change]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert ReorderPolicy.objects.count() == 1


def test_a_bundle_is_refused_by_name(low):
    kit = make_variant("KIT", is_bundle=True)
    BundleComponent.objects.create(bundle=kit, component=low["low_policy"].variant, quantity=1)
    answer = call("put", "/reorder-points", {"items": [{"sku": "KIT", "reorder_point": 1, "order_up_to": 2}]}).json()
    assert (answer["set"], answer["refused"][0]["label"]) == (0, "KIT")


def test_rights_and_the_cost_of_many():
    place = make_location("Main")
    assert call("put", "/reorder-points", {"items": []}, role=Role.WAREHOUSE).status_code in (403, 422)
    body = {"items": [{"sku": make_variant().sku, "reorder_point": 1, "order_up_to": 2}]}
    assert call("put", "/reorder-points", body, role=Role.WAREHOUSE).status_code == 403
    counts = []
    for size in (1, 4):
        for _n in range(size):
            set_point(make_variant(), place, 5)
        numbers = []
        for path in ("/alerts", "/reorder-suggestions", "/reorder-points"):
            token = create_token(name="t", role=Role.VIEWER)[1]
            client = Client(headers={"Authorization": f"Bearer {token}"})
            client.get(f"/api/v1{path}")
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"/api/v1{path}").status_code == 200
            numbers.append(len(queries))
        counts.append(numbers)
    assert counts[0] == counts[1]
