"""The API: what a program can do, and what it is told when it cannot."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from api.tokens import create_token
from core.models import ApiToken
from inventory.models import StockLevel
from orders.models import Order
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api():
    """Call the API as a role: api("get", "/orders", role="viewer")."""
    secrets: dict[str, str] = {}

    def call(method: str, path: str, body=None, *, role: str = "owner", **headers: str):
        if role not in secrets:
            secrets[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {secrets[role]}", **headers})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def order_body(shop_channel, **changes):
    return {
        "channel": shop_channel.name, "external_id": "web-1", "placed_at": "2026-11-20T10:00:00+01:00", "currency": "EUR",
        "customer": {"email": "Zofia@Example.com", "name": "Zofia"},
        "shipping_address": {"name": "Zofia", "line1": "ul. Długa 5", "city": "Kraków", "postal_code": "30-001", "country": "PL"},
        "lines": [{"sku": "A-1", "quantity": 2, "unit_price": "19.90"}], "shipping_total": "5.00", "paid": True, **changes,
    }  # fmt: skip


def test_an_order_is_created_read_listed_and_found(api):
    channel = make_channel()
    give_stock(make_variant("A-1"), make_location("Warsaw"), 5)
    created = api("post", "/orders", order_body(channel))
    assert created.status_code == 201, created.content
    body = created.json()
    assert (body["total"], body["payment"], body["lines"][0]["allocated"]) == ("44.80", "paid", 2)
    assert body["fulfillment_orders"][0]["location"] == "Warsaw" and body["receipts"][0]["sentence"]
    assert api("get", f"/orders/{body['id']}").json()["number"] == body["number"]
    assert [o["id"] for o in api("get", "/orders?q=zofia").json()["items"]] == [body["id"]]
    assert api("get", "/orders?q=nobody").json()["items"] == []
    assert [
        o["id"] for o in api("get", f"/orders?channel={channel.name}&sku=A-1&country=PL&lifecycle=open").json()["items"]
    ] == [body["id"]]


def test_the_same_order_again_answers_what_exists(api):
    channel = make_channel()
    give_stock(make_variant("A-1"), make_location(), 5)
    first, again = api("post", "/orders", order_body(channel)), api("post", "/orders", order_body(channel))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] and StockLevel.objects.get().reserved == 2


def test_an_idempotency_key_repeats_the_answer_and_refuses_another_body(api):
    channel = make_channel()
    give_stock(make_variant("A-1"), make_location(), 5)
    headers = {"Idempotency-Key": "k-1"}
    first = api("post", "/orders", order_body(channel), **headers)
    again = api("post", "/orders", order_body(channel), **headers)
    other = api("post", "/orders", order_body(channel, external_id="web-2"), **headers)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json() and other.json()["code"] == "idempotency_key_reused"
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "A-1", "quantity": 0, "unit_price": "1"}]}, "lines[0].quantity"),
        ({"lines": [{"sku": "NOPE", "quantity": 1, "unit_price": "1"}]}, "lines[0].sku"),
        ({"lines": [{"sku": "A-1", "quantity": 1, "unit_price": "NaN"}]}, "lines[0].unit_price"),
        ({"channel": "nowhere"}, "channel"),
        ({"placed_at": "2026-11-20T10:00:00"}, "placed_at"),
        ({"currency": "euro"}, "currency"),
        ({"totally_unknown": 1}, "totally_unknown"),
        ({"note": "a\x00b"}, "note"),
        ({"note": "a\ud800b"}, "note"),
        ({"shipping_address": {"country": "XX"}}, "shipping_address.country"),
        ({"shipping_total": "0.001"}, "shipping_total"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(api, changes, field):
    channel = make_channel()
    make_variant("A-1")
    answer = api("post", "/orders", order_body(channel, **changes))
    assert answer.status_code == 422 and answer["Content-Type"] == "application/problem+json"
    assert field in [e["field"] for e in answer.json()["errors"]], answer.json()
    assert Order.objects.count() == 0


def test_roles_limit_tokens_and_unknown_tokens_get_nothing(api, client):
    assert client.get("/api/v1/orders").status_code == 401
    assert Client(headers={"Authorization": "Bearer oms_wrong"}).get("/api/v1/orders").status_code == 401
    assert api("get", "/orders", role="viewer").status_code == 200
    assert api("post", "/orders", order_body(make_channel()), role="viewer").status_code == 403
    assert api("post", "/stock/adjustments", {"sku": "x", "location": "y"}, role="support").status_code == 403
    ApiToken.objects.update(revoked_at="2026-01-01T00:00:00Z")
    assert api("get", "/orders", role="viewer").status_code == 401


def test_pages_follow_each_other_without_gap_or_repeat(api):
    channel, location = make_channel(), make_location()
    give_stock(make_variant("A-1"), location, 50)
    orders = [make_order(channel, [("A-1", 1)]) for _ in range(5)]
    seen, cursor = [], ""
    for _page in range(4):
        page = api("get", f"/orders?limit=2&cursor={cursor}").json()
        seen += [o["id"] for o in page["items"]]
        if not (cursor := page["next"]):
            break
    assert seen == [o.pk for o in reversed(orders)]
    for bad in ("limit=0", "limit=100000", "cursor=abc", "lifecycle=__class__", "total_from=1e1000", "q=%00"):
        assert api("get", f"/orders?{bad}").status_code == 422, bad


def test_stock_is_read_and_adjusted_by_sku_and_location(api):
    variant, location = make_variant("A-1"), make_location("Warsaw")
    give_stock(variant, location, 5)
    assert api("get", "/stock?sku=A-1").json()["items"][0]["available"] == 5
    done = api("post", "/stock/adjustments", {"sku": "A-1", "location": "Warsaw", "quantity": -2, "reason": "damaged"})
    assert done.status_code == 200 and done.json()["on_hand"] == 3
    refused = api("post", "/stock/adjustments", {"sku": "A-1", "location": "Warsaw", "quantity": -9, "reason": "lost"})
    assert refused.status_code == 409 and "A-1" in refused.json()["detail"]
    assert (
        api("post", "/stock/adjustments", {"sku": "A-1", "location": "Mars", "set_to": 1}).json()["errors"][0]["field"]
        == "location"
    )
    assert StockLevel.objects.get().on_hand == 3


def test_the_number_of_queries_does_not_grow_with_the_rows(api, django_assert_max_num_queries):
    channel, location = make_channel(), make_location()
    give_stock(make_variant("A-1"), location, 50)
    make_order(channel, [("A-1", 1)])
    api("get", "/orders")
    with django_assert_max_num_queries(3):
        api("get", "/orders")
    for _ in range(5):
        make_order(channel, [("A-1", 1)])
    with django_assert_max_num_queries(3):
        api("get", "/orders")


def test_openapi_and_docs_are_there(client):
    schema = client.get("/api/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1") and "/api/v1/orders" in schema["paths"]
    assert b"Place an order" in client.get("/api/v1/docs").content


@pytest.mark.django_db(transaction=True)
def test_shipping_over_the_api_is_done_once(api, threads):
    order = make_order()
    work = order.fulfillment_orders.get()
    secret = create_token(name="two", role="warehouse")[1]

    def ship(i: int):
        return Client(headers={"Authorization": f"Bearer {secret}"}).post(f"/api/v1/fulfillment-orders/{work.pk}/ship")

    answers = threads(2, ship)
    assert sorted(a.status_code for a in answers) == [200, 409], [a.content for a in answers]
    order.refresh_from_db()
    assert order.fulfillment == "fulfilled" and StockLevel.objects.get().on_hand == 4
    assert api("post", "/fulfillment-orders/999999/ship").status_code == 404


def test_an_order_is_shown_as_the_document_promises(api):
    from api.schemas import OrderOut

    order = make_order()
    ship = api("post", f"/fulfillment-orders/{order.fulfillment_orders.get().pk}/ship")
    assert ship.status_code == 200, ship.content
    body = api("get", f"/orders/{order.pk}").json()
    shown = OrderOut.model_validate(body)
    assert set(body) == set(OrderOut.model_fields)
    assert set(body["lines"][0]) == set(type(shown.lines[0]).model_fields)
    assert set(body["fulfillment_orders"][0]) == set(type(shown.fulfillment_orders[0]).model_fields)
    assert shown.fulfillment_orders[0].parcels[0].tracking_number and shown.receipts[0].sentence
