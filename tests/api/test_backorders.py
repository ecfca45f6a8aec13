"""Back-orders over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from backorders.operations import recompute
from tests.backorders.test_filling import Shop
from tests.factories.purchasing import make_purchase
from tests.factories.shop import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    """Call the API as a role."""

    def call(method: str, path: str, body: Any = None, *, role: str = "operations") -> Any:
        client = Client(headers={"Authorization": f"Bearer {create_token(name=role, role=role)[1]}"})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def test_what_waits_and_for_what(api) -> None:
    shop = Shop()
    purchase = make_purchase([(shop.tee, 6, "2")], location=shop.place)
    recompute([shop.tee.pk, shop.mug.pk], now=NOW)
    page = api("get", "/backorders?limit=2", role="viewer").json()
    first = page["items"][0]
    assert (first["order"], first["sku"], first["units"], first["late"]) == (shop.big.number, "TEE", 6, False)
    assert first["waits_for"] == [
        {"source": f"purchase_line:{purchase.lines.get().pk}", "number": purchase.number, "units": 6}
    ]
    rest = api("get", f"/backorders?limit=2&cursor={page['next']}").json()
    assert len(rest["items"]) == 2 and rest["next"] is None
    assert {item["sku"] for item in api("get", f"/backorders?order_id={shop.mixed.pk}").json()["items"]} == {
        "TEE",
        "MUG",
    }
    assert [item["order"] for item in api("get", "/backorders?sku=MUG").json()["items"]] == [shop.mixed.number]


def test_planned_and_given_once(api) -> None:
    shop = Shop()
    shop.arrive(5)
    plans = {plan["strategy"]: plan for plan in api("get", "/backorders/plans?sku=TEE").json()["plans"]}
    assert (plans["oldest"]["units"], len(plans)) == (5, 4)
    body = {"sku": "TEE", "strategy": "complete", "digest": plans["complete"]["digest"]}
    assert api("post", "/backorders/fill", body, role="support").status_code == 403
    assert api("post", "/backorders/fill", body).json() == {"orders": 2, "units": 5, "missed": []}
    again = api("post", "/backorders/fill", body)
    assert (again.status_code, again.json()["code"]) == (409, "plan_changed")
    assert api("get", "/backorders/plans?sku=NOTHING").status_code == 404
    assert api("post", "/backorders/fill", body | {"strategy": "mine"}).status_code == 422


def test_an_order_has_its_range(api) -> None:
    shop = Shop()
    shop.arrive(20)
    shop.fill()
    detail = api("get", f"/orders/{shop.big.pk}").json()
    assert detail["expected_from"] < detail["expected_on"] and detail["at_risk"] is False
    assert detail["fulfillment_orders"][0]["expected_from"] == detail["expected_from"]
