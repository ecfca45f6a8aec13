"""Change orders over the API: previewed, submitted once, refused with what would happen now."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from inventory.models import Variant
from inventory.operations import adjust_stock
from oms.integrity import check_integrity
from orders.models import ChangeOrder, Order
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(db: None) -> Order:
    place = make_location("Warsaw")
    for sku in ("A-1", "B-1"):
        give_stock(make_variant(sku, price=Decimal("7.50")), place, 9)
    return make_order(lines=[("A-1", 3)])


@pytest.fixture
def api() -> Any:
    """Call the API as a role."""
    secrets: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, role: str = "support", **headers: str) -> Any:
        if role not in secrets:
            secrets[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {secrets[role]}", **headers})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def test_from_preview_to_the_list(order, api):
    path = f"/orders/{order.pk}/changes"
    changes = [
        {"kind": "add_line", "sku": "B-1", "quantity": 2},
        {"kind": "set_quantity", "line": order.lines.get().pk, "quantity": 1},
    ]
    seen = api("post", f"{path}/preview", {"changes": changes}).json()
    assert (seen["version"], seen["refused"], seen["effect"]["amounts"]["current_total"]) == (1, [], ["30", "25"])
    assert not ChangeOrder.objects.exists()
    body = {"changes": changes, "version": seen["version"], "digest": seen["digest"], "reason": "asked by phone"}
    made = api("post", path, body, **{"Idempotency-Key": "c-1"})
    again = api("post", path, body, **{"Idempotency-Key": "c-1"})
    assert (made.status_code, again.json()) == (201, made.json()), made.content
    assert ChangeOrder.objects.count() == 1 and check_integrity()[1] == []
    listed = api("get", path, role="viewer").json()["items"]
    assert [(one["number"], one["reason"], Decimal(one["total_after"])) for one in listed] == [
        (1, "asked by phone", 25)
    ]
    assert listed[0]["effect"] == seen["effect"]
    stale = api("post", path, body)
    assert (stale.status_code, stale.json()["code"]) == (409, "order_changed")


def test_another_effect_than_was_shown_is_refused_with_the_new_one(order, api):
    path = f"/orders/{order.pk}/changes"
    changes = [{"kind": "add_line", "sku": "B-1", "quantity": 9}]
    seen = api("post", f"{path}/preview", {"changes": changes}).json()
    variant = Variant.objects.get(sku="B-1")
    place = variant.levels.get().location_id
    adjust_stock(variant_id=variant.pk, location_id=place, quantity=-4, reason="lost", actor=ACTOR, now=NOW)
    answer = api("post", path, {"changes": changes, "version": 1, "digest": seen["digest"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "effect_moved")
    now = answer.json()
    assert {"sku": "B-1", "location": "", "units": 4} in now["effect"]["stock"] and now["digest"] != seen["digest"]
    assert api("post", path, {"changes": changes, "version": 1, "digest": now["digest"]}).status_code == 201


def test_what_is_wrong_names_its_field(order, api):
    path = f"/orders/{order.pk}/changes"
    line = order.lines.get().pk
    for change, status, field in (
        ({"kind": "reprice", "line": line, "price": "x"}, 422, "changes[0].price"),
        ({"kind": "remove_units", "line": line, "units": 9}, 409, "changes[0].units"),
        ({"kind": "add_line", "sku": "NO", "quantity": 1}, 409, "changes[0].sku"),
    ):
        answer = api("post", path, {"version": 1, "changes": [change]})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field), answer.content
    preview = api("post", f"{path}/preview", {"changes": [{"kind": "remove_units", "line": line, "units": 9}]}).json()
    assert preview["refused"][0] | {"message": ""} == {"index": 0, "code": "started", "message": "", "field": "units"}
    assert (
        api(
            "post", "/orders/999999/changes/preview", {"changes": [{"kind": "change_contact", "phone": "1"}]}
        ).status_code
        == 404
    )
    assert api("get", "/orders/99999999999999999999/changes").status_code == 404


def test_who_only_looks_changes_nothing(order, api):
    body = {"version": 1, "changes": [{"kind": "change_contact", "phone": "1"}]}
    for path in ("changes", "changes/preview"):
        assert api("post", f"/orders/{order.pk}/{path}", body, role="viewer").status_code == 403
