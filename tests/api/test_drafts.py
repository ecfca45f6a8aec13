"""Drafts over the API: the whole way, repeats, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from drafts.models import DraftOrder, HeldStock
from orders.models import Order, TaxRate
from tests.factories.drafts import make_draft
from tests.factories.shop import give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    """Call the API as a role."""
    secrets: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, role: str = "operations", **headers: str) -> Any:
        if role not in secrets:
            secrets[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {secrets[role]}", **headers})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def test_from_the_first_line_to_the_paid_order(api) -> None:
    TaxRate.objects.create(country="PL", name="VAT", rate=Decimal("0.23"))
    make_channel(kind="phone")
    tee = make_variant("TEE", price=Decimal("20"))
    give_stock(tee, make_location(), 5)
    body = {
        "email": "ada@example.com", "customer_name": "Ada", "tax_included": False, "discount": {"kind": "percent", "value": "10"},
        "shipping_address": {"name": "Ada", "line1": "Długa 1", "city": "Kraków", "country": "PL"}, "shipping_total": "5.00",
        "lines": [{"sku": "TEE", "quantity": 2}, {"title": "Gift wrap", "quantity": 1, "unit_price": "3.50"}],
    }  # fmt: skip
    made = api("post", "/drafts", body, **{"Idempotency-Key": "d-1"})
    again = api("post", "/drafts", body, **{"Idempotency-Key": "d-1"})
    assert (made.status_code, again.json()) == (201, made.json()), made.content
    assert (made.json()["total"], made.json()["tax_total"]) == ("54.30", "10.15")
    path, lines = f"/drafts/{made.json()['id']}", made.json()["lines"]
    held = api("post", f"{path}/hold", {})
    assert (held.status_code, HeldStock.objects.get().quantity) == (200, 2), held.content
    edit = {
        "version": held.json()["version"],
        "discount": {"kind": "none"},
        "lines": [{"id": lines[0]["id"], "quantity": 3}, {"id": lines[1]["id"], "quantity": 0}],
    }
    changed = api("patch", path, edit)
    assert (changed.status_code, changed.json()["units"], changed.json()["discount_total"]) == (200, 3, "0.00"), (
        changed.content
    )
    assert api("patch", path, {"version": edit["version"], "note": "late"}).status_code == 409  # of an older version
    assert api("post", f"{path}/send", {"mail": False}).json()["state"] == "sent"
    done = api("post", f"{path}/complete", {"how": "paid", "paid": {"method": "Cash"}})
    order = Order.objects.get()
    assert (done.json()["state"], done.json()["order_id"]) == ("completed", order.pk), done.content
    assert (str(order.total.normalize()), order.payment) == (str(Decimal(done.json()["total"]).normalize()), "paid")
    assert api("post", f"{path}/complete", {"how": "place"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"channel": "Nowhere"}, "channel"),
        ({"lines": [{"sku": "NOPE", "quantity": 1}]}, "lines[0].sku"),
        ({"lines": [{"id": 7, "quantity": 1}]}, "lines[0].id"),
        ({"lines": [{"quantity": 1}]}, "custom_title"),
        ({"location": "Nowhere"}, "location"),
        ({"shipping_total": "0.001"}, "shipping_total"),
        ({"discount": {"kind": "percent", "value": "101"}}, "discount"),
    ],
)
def test_what_is_wrong_is_named(api, body, field) -> None:
    make_channel()
    answer = api("post", "/drafts", body)
    assert answer.status_code == 422, answer.content
    assert field in answer.content.decode()
    assert not DraftOrder.objects.filter(lines__isnull=False).exists()


def test_the_list_and_rights(api) -> None:
    draft, other = make_draft([(make_variant(), 1)]), make_draft()
    page = api("get", "/drafts?limit=1", role="viewer").json()
    assert [item["id"] for item in page["items"]] == [other.pk]
    assert [item["id"] for item in api("get", f"/drafts?limit=1&cursor={page['next']}").json()["items"]] == [draft.pk]
    assert api("get", "/drafts?state=sent").json()["items"] == []
    assert api("get", f"/drafts/{draft.pk}", role="warehouse").status_code == 403
    assert api("post", f"/drafts/{draft.pk}/cancel", {}, role="viewer").status_code == 403
    assert (
        api(
            "post", f"/drafts/{draft.pk}/complete", {"how": "paid", "paid": {"method": "Cash"}}, role="support"
        ).status_code
        == 403
    )
    assert api("post", f"/drafts/{draft.pk}/complete", {"how": "paid"}).status_code == 422
    assert api("get", "/drafts/999999").status_code == 404
    assert api("post", f"/drafts/{draft.pk}/release", {}).status_code == 409
    assert api("post", f"/drafts/{draft.pk}/cancel", {}).json()["state"] == "cancelled"
