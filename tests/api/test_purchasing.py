"""Suppliers and purchase orders over the API: the whole way, repeats, rights, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from inventory.models import StockLevel
from purchasing.models import Receipt, Supplier
from tests.factories.purchasing import make_item, make_purchase, make_supplier
from tests.factories.shop import make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    """Call the API as a role: api("get", "/suppliers", role="viewer")."""
    secrets: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, role: str = "owner", **headers: str) -> Any:
        if role not in secrets:
            secrets[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {secrets[role]}", **headers})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def test_from_draft_to_received(api) -> None:
    place, mug = make_location(), make_variant("MUG")
    made = api("post", "/suppliers", {"name": "Wool", "code": "wool", "currency": "EUR", "minimum_order": "20"})
    assert made.status_code == 201, made.content
    make_item(Supplier.objects.get(), mug, price="2.40", sku="W-1")
    body = {"supplier": "WOOL", "location": place.code, "lines": [{"sku": "MUG", "quantity": 10}]}
    first = api("post", "/purchase-orders", body, **{"Idempotency-Key": "po-1"})
    again = api("post", "/purchase-orders", body, **{"Idempotency-Key": "po-1"})
    assert first.status_code == 201, first.content
    assert first.json() == again.json()
    order = first.json()
    assert (order["state"], order["total"], order["lines"][0]["unit_cost"]) == ("draft", "24.00", "2.40")
    here = f"/purchase-orders/{order['id']}"
    assert api("post", f"{here}/send", {"mail": False}).json()["state"] == "sent"
    assert api("post", f"{here}/send", {"mail": False}).status_code == 409
    answer = api(
        "post",
        f"{here}/confirm",
        {"lines": [{"sku": "MUG", "quantity": 8, "expected_on": "2026-12-03"}], "reference": "SO-9"},
    )
    assert (answer.json()["outstanding"], answer.json()["expected_on"]) == (8, "2026-12-03")
    part = {"lines": [{"sku": "MUG", "quantity": 5, "damaged": 1}]}
    for _n in range(2):
        answer = api("post", f"{here}/receive", part, **{"Idempotency-Key": "r-1"})
        assert answer.status_code == 200, answer.content
    assert Receipt.objects.count() == 1
    assert answer.json()["received"] == 5
    level = StockLevel.objects.get(variant=mug)
    assert (level.on_hand, level.damaged, level.incoming) == (5, 1, 3)
    assert [row["id"] for row in api("get", "/purchase-orders?state=partly_received").json()["items"]] == [order["id"]]


def test_amounts_are_for_tokens_that_may_see_costs(api) -> None:
    order = make_purchase([(make_variant(), 3, "2")])
    make_item(order.supplier, make_variant())
    seen = api("get", f"/purchase-orders/{order.pk}", role="warehouse").json()
    assert (seen["total"], seen["lines"][0]["unit_cost"], seen["units"]) == (None, None, 3)
    sold = api("get", f"/suppliers/{order.supplier_id}", role="warehouse").json()
    assert (sold["minimum_order"], sold["items"][0]["price"]) == (None, None)
    assert api("get", "/suppliers", role="warehouse").json()["items"][0]["minimum_order"] is None


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        (
            "/purchase-orders",
            {"supplier": "NOBODY", "location": "X", "lines": [{"sku": "A", "quantity": 1}]},
            422,
            "lines[0].sku",
        ),
        ("/purchase-orders/999/confirm", {"lines": []}, 404, "purchase_order_id"),
        ("/suppliers", {"name": "A", "code": "?", "currency": "EUR"}, 422, "code"),
        ("/suppliers", {"name": "A", "code": "A", "currency": "EURO"}, 422, "currency"),
        ("/suppliers", {"name": "A", "code": "A", "currency": "XQX"}, 422, "currency"),
    ],
)
def test_what_is_wrong_is_named(api, path: str, body: Any, status: int, field: str) -> None:
    answer = api("post", path, body)
    assert answer.status_code == status, answer.content
    assert answer.json()["errors"][0]["field"] == field


def test_a_receipt_needs_a_key_and_a_reason_for_more(api) -> None:
    make_supplier()
    order = make_purchase([(make_variant("MUG"), 3, "2")])
    here, body = f"/purchase-orders/{order.pk}/receive", {"lines": [{"sku": "MUG", "quantity": 4}]}
    assert api("post", here, body).json()["code"] == "idempotency_key_missing"
    refused = api("post", here, body, **{"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")
    assert api("post", here, body | {"reason": "a spare one"}, **{"Idempotency-Key": "k"}).json()["received"] == 4
