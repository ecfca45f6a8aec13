"""A walk over every operation of the API: which token may do what, and that a browser's session opens nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from api.urls import api
from core.models import ApiToken
from core.permissions import Role, role_allows
from tests.security.world import Statements, World, fingerprint

pytestmark = pytest.mark.django_db
Path_ = Callable[[World], str]
Body = Callable[[World], dict[str, Any]]


def _order(world: World) -> dict[str, Any]:
    return {
        "channel": world.channel.name, "external_id": "api-walk", "placed_at": "2026-11-20T10:00:00Z", "currency": "EUR",
        "shipping_address": {"name": "Ada", "line1": "Długa 1", "city": "Kraków", "country": "PL"},
        "lines": [{"sku": "TEE", "quantity": 1, "unit_price": "10"}],
    }  # fmt: skip


def _cart(world: World) -> dict[str, Any]:
    return {"lines": [{"sku": "KIT", "quantity": 1}]}


def _adjustment(world: World) -> dict[str, Any]:
    return {"sku": "TEE", "location": world.location.name, "quantity": 2}


#: Posted because the question is long; it changes nothing.
ONLY_ASKED = {("post", "/api/v1/availability/check"), ("post", "/api/v1/orders/{order_id}/changes/preview")}
#: (method, path of the document) → (permission, address, body of something that works).
OPERATIONS: dict[tuple[str, str], tuple[str, Path_, Body | None]] = {
    ("get", "/api/v1/orders"): ("orders.view", lambda world: "/api/v1/orders", None),
    ("post", "/api/v1/orders"): ("orders.create", lambda world: "/api/v1/orders", _order),
    ("get", "/api/v1/orders/{order_id}/payments"): ("payments.view", lambda world: f"/api/v1/orders/{world.order.pk}/payments", None),
    ("get", "/api/v1/orders/{order_id}"): ("orders.view", lambda world: f"/api/v1/orders/{world.order.pk}", None),
    ("get", "/api/v1/orders/{order_id}/changes"): ("orders.view", lambda world: f"/api/v1/orders/{world.order.pk}/changes", None),
    ("post", "/api/v1/orders/{order_id}/changes/preview"): (
        "orders.change", lambda world: f"/api/v1/orders/{world.order.pk}/changes/preview",
        lambda world: {"changes": [{"kind": "change_contact", "phone": "+48 22 111"}]},
    ),
    ("post", "/api/v1/orders/{order_id}/changes"): (
        "orders.change", lambda world: f"/api/v1/orders/{world.order.pk}/changes",
        lambda world: {"version": world.order.version, "changes": [{"kind": "change_contact", "phone": "+48 22 111"}]},
    ),
    ("get", "/api/v1/orders/{order_id}/holds"): ("orders.view", lambda world: f"/api/v1/orders/{world.held.pk}/holds", None),
    ("post", "/api/v1/orders/{order_id}/holds"): (
        "orders.hold", lambda world: f"/api/v1/orders/{world.order.pk}/holds", lambda world: {"kind": "customer", "line_ids": [world.line.pk]},
    ),
    ("post", "/api/v1/orders/{order_id}/holds/{hold_id}/release"): (
        "orders.hold", lambda world: f"/api/v1/orders/{world.held.pk}/holds/{world.hold.pk}/release", lambda world: {},
    ),
    ("get", "/api/v1/orders/{order_id}/risk"): ("risk.view", lambda world: f"/api/v1/orders/{world.risky.pk}/risk", None),
    ("get", "/api/v1/drafts"): ("drafts.view", lambda world: "/api/v1/drafts", None),
    ("post", "/api/v1/drafts"): ("drafts.edit", lambda world: "/api/v1/drafts", lambda world: {"lines": [{"sku": "TEE", "quantity": 1}]}),
    ("get", "/api/v1/drafts/{draft_id}"): ("drafts.view", lambda world: f"/api/v1/drafts/{world.draft_open.pk}", None),
    ("patch", "/api/v1/drafts/{draft_id}"): (
        "drafts.edit", lambda world: f"/api/v1/drafts/{world.draft_open.pk}", lambda world: {"note": "Ring twice"},
    ),
    ("post", "/api/v1/drafts/{draft_id}/hold"): ("drafts.edit", lambda world: f"/api/v1/drafts/{world.draft_open.pk}/hold", lambda world: {}),
    ("post", "/api/v1/drafts/{draft_id}/release"): (
        "drafts.edit", lambda world: f"/api/v1/drafts/{world.draft_sent.pk}/release", lambda world: {},
    ),
    ("post", "/api/v1/drafts/{draft_id}/send"): (
        "drafts.edit", lambda world: f"/api/v1/drafts/{world.draft_open.pk}/send", lambda world: {"mail": False},
    ),
    ("post", "/api/v1/drafts/{draft_id}/complete"): (
        "orders.create", lambda world: f"/api/v1/drafts/{world.draft_open.pk}/complete", lambda world: {"how": "place"},
    ),
    ("post", "/api/v1/drafts/{draft_id}/cancel"): (
        "drafts.edit", lambda world: f"/api/v1/drafts/{world.draft_open.pk}/cancel", lambda world: {},
    ),
    ("get", "/api/v1/backorders"): ("backorders.view", lambda world: "/api/v1/backorders", None),
    ("get", "/api/v1/backorders/plans"): ("backorders.view", lambda world: "/api/v1/backorders/plans?sku=SHORT", None),
    ("post", "/api/v1/backorders/fill"): (
        "backorders.fill", lambda world: "/api/v1/backorders/fill",
        lambda world: {"sku": "SHORT", "strategy": "oldest", "digest": world.fill_digest},
    ),
    ("get", "/api/v1/stock/changes"): ("inventory.view", lambda world: "/api/v1/stock/changes?since=2026-11-01T00:00:00Z", None),
    ("get", "/api/v1/stock"): ("inventory.view", lambda world: "/api/v1/stock", None),
    ("get", "/api/v1/availability"): ("availability.view", lambda world: "/api/v1/availability", None),
    ("get", "/api/v1/availability/receipt"): (
        "availability.view", lambda world: f"/api/v1/availability/receipt?channel={quote(world.channel.name)}&sku=TEE", None,
    ),
    ("post", "/api/v1/availability/check"): ("inventory.view", lambda world: "/api/v1/availability/check", _cart),
    ("post", "/api/v1/stock/adjustments"): ("inventory.adjust", lambda world: "/api/v1/stock/adjustments", _adjustment),
    ("post", "/api/v1/fulfillment-orders/{fulfillment_order_id}/merge"): (
        "fulfillment.pack", lambda world: f"/api/v1/fulfillment-orders/{world.mergeable.pk}/merge",
        lambda world: {"with_ids": [world.mergeable_too.pk]},
    ),
    ("post", "/api/v1/fulfillment-orders/{fulfillment_order_id}/unmerge"): (
        "fulfillment.pack", lambda world: f"/api/v1/fulfillment-orders/{world.merged.pk}/unmerge", lambda world: {},
    ),
    ("post", "/api/v1/fulfillment-orders/{fulfillment_order_id}/split"): (
        "fulfillment.pack", lambda world: f"/api/v1/fulfillment-orders/{world.mergeable.pk}/split",
        lambda world: {"lines": [{"sku": "TEE", "quantity": 1}]},
    ),
    ("post", "/api/v1/fulfillment-orders/{fulfillment_order_id}/join"): (
        "fulfillment.pack", lambda world: f"/api/v1/fulfillment-orders/{world.split_off.pk}/join",
        lambda world: {"into": world.mergeable_too.pk},
    ),
    ("post", "/api/v1/fulfillment-orders/{fulfillment_order_id}/ship"): (
        "fulfillment.ship", lambda world: f"/api/v1/fulfillment-orders/{world.fresh.pk}/ship", lambda world: {},
    ),
    ("get", "/api/v1/lots"): ("inventory.view", lambda world: "/api/v1/lots", None),
    ("get", "/api/v1/lots/{lot_id}/parcels"): ("customers.view", lambda world: f"/api/v1/lots/{world.lot.pk}/parcels", None),
    ("post", "/api/v1/lots/receipts"): (
        "inventory.adjust", lambda world: "/api/v1/lots/receipts",
        lambda world: {"sku": "MILK", "location": world.location.name, "lot": "L-2", "quantity": 2},
    ),
    ("get", "/api/v1/serials/{serial}"): ("inventory.view", lambda world: "/api/v1/serials/SN-1", None),
    ("post", "/api/v1/serials"): (
        "inventory.adjust", lambda world: "/api/v1/serials",
        lambda world: {"sku": "PHONE", "location": world.location.name, "serials": ["SN-9"]},
    ),
    ("get", "/api/v1/transfers"): ("transfers.view", lambda world: "/api/v1/transfers", None),
    ("post", "/api/v1/transfers"): (
        "transfers.edit", lambda world: "/api/v1/transfers",
        lambda world: {"origin": world.location.name, "destination": world.other_location.name, "lines": [{"sku": "TEE", "quantity": 1}]},
    ),
    ("get", "/api/v1/transfers/{transfer_id}"): ("transfers.view", lambda world: f"/api/v1/transfers/{world.transfer_draft.pk}", None),
    ("post", "/api/v1/transfers/{transfer_id}/ready"): (
        "transfers.edit", lambda world: f"/api/v1/transfers/{world.transfer_draft.pk}/ready", lambda world: {},
    ),
    ("post", "/api/v1/transfers/{transfer_id}/dispatch"): (
        "transfers.edit", lambda world: f"/api/v1/transfers/{world.transfer_ready.pk}/dispatch", lambda world: {},
    ),
    ("post", "/api/v1/transfers/{transfer_id}/receive"): (
        "transfers.edit", lambda world: f"/api/v1/transfers/{world.transfer_in_transit.pk}/receive",
        lambda world: {"lines": [{"sku": "TEE", "quantity": 1}]},
    ),
    ("get", "/api/v1/invoices"): ("invoices.view", lambda world: "/api/v1/invoices", None),
    ("get", "/api/v1/invoices/{document_id}"): ("invoices.view", lambda world: f"/api/v1/invoices/{world.invoice.pk}", None),
    ("get", "/api/v1/invoices/{document_id}/pdf"): ("invoices.view", lambda world: f"/api/v1/invoices/{world.invoice.pk}/pdf", None),
    ("post", "/api/v1/invoices/{document_id}/credit-notes"): (
        "invoices.issue", lambda world: f"/api/v1/invoices/{world.invoice.pk}/credit-notes", lambda world: {"amount": "1", "reason": "late"},
    ),
    ("post", "/api/v1/orders/{order_id}/invoices"): (
        "invoices.issue", lambda world: f"/api/v1/orders/{world.order.pk}/invoices", lambda world: {},
    ),
    ("get", "/api/v1/exchange-rates"): ("payments.view", lambda world: "/api/v1/exchange-rates", None),
    ("get", "/api/v1/receivables"): ("payments.view", lambda world: "/api/v1/receivables", None),
    ("get", "/api/v1/receivables/ageing"): ("payments.view", lambda world: "/api/v1/receivables/ageing", None),
    ("get", "/api/v1/store-credit"): ("payments.view", lambda world: "/api/v1/store-credit", None),
    ("get", "/api/v1/suppliers"): ("purchasing.view", lambda world: "/api/v1/suppliers", None),
    ("get", "/api/v1/suppliers/{supplier_id}"): (
        "purchasing.view", lambda world: f"/api/v1/suppliers/{world.supplier.pk}", None,
    ),
    ("post", "/api/v1/suppliers"): (
        "purchasing.edit", lambda world: "/api/v1/suppliers", lambda world: {"name": "By API", "code": "API", "currency": "EUR"},
    ),
    ("get", "/api/v1/purchase-orders"): ("purchasing.view", lambda world: "/api/v1/purchase-orders", None),
    ("get", "/api/v1/purchase-orders/{purchase_order_id}"): (
        "purchasing.view", lambda world: f"/api/v1/purchase-orders/{world.purchase_half.pk}", None,
    ),
    ("post", "/api/v1/purchase-orders"): (
        "purchasing.edit", lambda world: "/api/v1/purchase-orders",
        lambda world: {"supplier": "Walked", "location": world.location.name, "lines": [{"sku": "TEE", "quantity": 1}]},
    ),
    ("post", "/api/v1/purchase-orders/{purchase_order_id}/send"): (
        "purchasing.send", lambda world: f"/api/v1/purchase-orders/{world.purchase_draft.pk}/send", lambda world: {"mail": False},
    ),
    ("post", "/api/v1/purchase-orders/{purchase_order_id}/confirm"): (
        "purchasing.edit", lambda world: f"/api/v1/purchase-orders/{world.purchase_sent.pk}/confirm", lambda world: {},
    ),
    ("post", "/api/v1/purchase-orders/{purchase_order_id}/receive"): (
        "purchasing.receive", lambda world: f"/api/v1/purchase-orders/{world.purchase_half.pk}/receive",
        lambda world: {"lines": [{"sku": "TEE", "quantity": 1}]},
    ),
    ("get", "/api/v1/forecasts"): ("replenishment.view", lambda world: "/api/v1/forecasts", None),
    ("get", "/api/v1/forecasts/{forecast_id}"): (
        "replenishment.view", lambda world: f"/api/v1/forecasts/{world.forecast.pk}", None,
    ),
    ("get", "/api/v1/alerts"): ("replenishment.view", lambda world: "/api/v1/alerts", None),
    ("get", "/api/v1/reorder-suggestions"): ("replenishment.view", lambda world: "/api/v1/reorder-suggestions", None),
    ("get", "/api/v1/reorder-points"): ("replenishment.view", lambda world: "/api/v1/reorder-points", None),
    ("put", "/api/v1/reorder-points"): (
        "replenishment.edit", lambda world: "/api/v1/reorder-points",
        lambda world: {"items": [{"sku": "TEE", "reorder_point": 1, "order_up_to": 2}]},
    ),
    ("get", "/api/v1/counts"): ("counts.view", lambda world: "/api/v1/counts", None),
    ("post", "/api/v1/counts"): (
        "counts.count", lambda world: "/api/v1/counts", lambda world: {"location": world.location.name, "kind": "skus", "skus": ["TEE"]},
    ),
    ("get", "/api/v1/counts/{count_id}"): ("counts.view", lambda world: f"/api/v1/counts/{world.count_open.pk}", None),
    ("get", "/api/v1/counts/{count_id}/lines"): ("counts.view", lambda world: f"/api/v1/counts/{world.count_open.pk}/lines", None),
    ("post", "/api/v1/counts/{count_id}/lines"): (
        "counts.count", lambda world: f"/api/v1/counts/{world.count_open.pk}/lines",
        lambda world: {"lines": [{"sku": "TEE", "bin": "A-1", "counted": 3}]},
    ),
    ("post", "/api/v1/counts/{count_id}/finish"): (
        "counts.count", lambda world: f"/api/v1/counts/{world.count_open.pk}/finish", lambda world: {},
    ),
    ("post", "/api/v1/counts/{count_id}/post"): (
        "counts.post", lambda world: f"/api/v1/counts/{world.count_counted.pk}/post", lambda world: {},
    ),
    ("get", "/api/v1/nonconformances"): ("quality.view", lambda world: "/api/v1/nonconformances", None),
    ("post", "/api/v1/nonconformances"): (
        "quality.edit", lambda world: "/api/v1/nonconformances",
        lambda world: {"sku": "TEE", "location": world.location.name, "kind": "damaged", "quantity": 1, "reason": "transit"},
    ),
    ("get", "/api/v1/nonconformances/{case_id}"): ("quality.view", lambda world: f"/api/v1/nonconformances/{world.case.pk}", None),
    ("post", "/api/v1/nonconformances/{case_id}/resolve"): (
        "quality.edit", lambda world: f"/api/v1/nonconformances/{world.case.pk}/resolve",
        lambda world: {"resolution": "scrap", "quantity": 1},
    ),
}  # fmt: skip
IDS = [f"{method} {path}" for method, path in OPERATIONS]
each_operation = pytest.mark.parametrize("operation", list(OPERATIONS), ids=IDS)


def call(world: World, operation: tuple[str, str], authorization: str, client: Client | None = None) -> HttpResponse:
    """Do an operation with a header as it stands."""
    _permission, address, body = OPERATIONS[operation]
    client = client or Client(raise_request_exception=False)
    headers = {"authorization": authorization} if authorization else {}
    if operation[1].endswith(("/receive", "/credit-notes")):  # goods that come in parts are refused without one
        headers["Idempotency-Key"] = "walk"
    if operation[0] == "get":
        return client.get(address(world), headers=headers)
    data = json.dumps(body(world) if body else {})
    return client.generic(operation[0].upper(), address(world), data, content_type="application/json", headers=headers)


def test_each_operation_has_an_entry() -> None:
    documented = {(method, path) for path, methods in api.get_openapi_schema()["paths"].items() for method in methods}
    assert documented == set(OPERATIONS), "operations without an entry in tests/security/test_api_walk.py"


@each_operation
def test_a_token_does_what_the_matrix_says(world: World, operation: tuple[str, str]) -> None:
    permission = OPERATIONS[operation][0]
    for role in Role.values:
        statements = Statements()
        if not role_allows(role, permission):
            with connection.execute_wrapper(statements):
                response = call(world, operation, f"Bearer {world.tokens[role]}")
            assert response.status_code == 403, role
            assert response.headers["Content-Type"].startswith("application/problem+json")
            assert statements.writes == []
    before = fingerprint()
    allowed = next(role for role in Role.values if role_allows(role, permission))
    assert call(world, operation, f"Bearer {world.tokens[allowed]}").status_code in (200, 201)
    assert (fingerprint() != before) == (operation[0] != "get" and operation not in ONLY_ASKED), (
        "reading changes nothing, and the post above would have worked"
    )


@each_operation
def test_without_a_live_token_there_is_nothing(world: World, operation: tuple[str, str]) -> None:
    before, good = fingerprint(), world.tokens[Role.OWNER]
    for header in (
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {good}x",
        f"Basic {good}",
        f"Token {good}",
        f"bearer {good[:-1]}",
        good,
        "Bearer \x00",
    ):
        assert call(world, operation, header).status_code == 401, header
    ApiToken.objects.filter(role=Role.OWNER).update(revoked_at="2026-01-01T00:00:00Z")
    after = fingerprint()
    assert call(world, operation, f"Bearer {good}").status_code == 401
    assert fingerprint() == after
    assert {table for table in before if before[table] != after[table]} == {"core_apitoken"}


@each_operation
def test_a_session_opens_nothing(world: World, operation: tuple[str, str]) -> None:
    """So no other site can use a person's browser against the API, which takes no CSRF token."""
    before = fingerprint()
    assert call(world, operation, "", client=world.client(Role.OWNER)).status_code == 401
    assert fingerprint() == before


@pytest.mark.parametrize("number", ["0", "-1", "999999999", str(2**63 + 1), "9" * 40, "x", "%00", "1e3"])
def test_odd_numbers_are_answered_as_problems(world: World, number: str) -> None:
    before = fingerprint()
    headers = {"authorization": f"Bearer {world.tokens[Role.OWNER]}"}
    client = Client(raise_request_exception=False)
    for response in (
        client.get(f"/api/v1/orders/{number}", headers=headers),
        client.post(
            f"/api/v1/fulfillment-orders/{number}/ship", b"{}", content_type="application/json", headers=headers
        ),
        client.get(f"/api/v1/orders?limit={number}&cursor={number}&total_from={number}", headers=headers),
        client.get(f"/api/v1/stock?sku={number}&location={number}&limit={number}&cursor={number}", headers=headers),
    ):
        assert response.status_code in (200, 404, 422), response.content
    assert fingerprint() == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"lines": 1}', b"[" * 3000, b'{"a":' * 3000],
    ids=range(9),
)
def test_broken_bodies_are_answered_as_problems(world: World, body: bytes) -> None:
    before = fingerprint()
    client = Client(raise_request_exception=False)
    for path in ("/api/v1/orders", "/api/v1/stock/adjustments"):
        response = client.post(
            path, body, content_type="application/json", headers={"authorization": f"Bearer {world.tokens[Role.OWNER]}"}
        )
        assert response.status_code in (400, 422), response.content[:300]
        assert response.headers["Content-Type"].startswith("application/problem+json")
    assert fingerprint() == before


def test_fields_that_no_schema_has_are_refused(world: World) -> None:
    headers = {"authorization": f"Bearer {world.tokens[Role.OWNER]}"}
    for planted in ({"id": 1}, {"captured_total": "999"}, {"state": "shipped"}, {"number": "x", "token": "x"}):
        response = Client().post(
            "/api/v1/orders", json.dumps(_order(world) | planted), content_type="application/json", headers=headers
        )
        assert response.status_code == 422
