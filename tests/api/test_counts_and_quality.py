"""Counts and nonconformances over the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from inventory.models import StockLevel
from tests.factories.shop import give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    tokens: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, role: str = "owner", **headers: str) -> Any:
        if role not in tokens:
            tokens[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {tokens[role]}", **headers})
        if method == "get":
            return client.get(f"/api/v1{path}")
        return client.generic(method.upper(), f"/api/v1{path}", json.dumps(body or {}), content_type="application/json")

    return call


@pytest.fixture
def shelf() -> StockLevel:
    place = make_location("Main")
    give_stock(make_variant("MUG"), place, 6, bin="S-1")
    return give_stock(make_variant("TEE"), place, 4711, bin="S-1")


def make(api: Any, **more: Any) -> dict[str, Any]:
    answer = api("post", "/counts", {"location": "Main", "kind": "bins", "bins": ["S-1"], **more})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_from_made_to_posted_and_blind_until_counted(api: Any, shelf: StockLevel) -> None:
    count = make(api)
    lines = {"lines": [{"sku": "TEE", "bin": "S-1", "counted": 4700}, {"sku": "MUG", "bin": "S-1", "counted": 6}]}
    answer = api("post", f"/counts/{count['id']}/lines", lines, role="warehouse")
    assert [(line["sku"], line["state"]) for line in answer.json()] == [("MUG", "done"), ("TEE", "recount")]
    assert api("post", f"/counts/{count['id']}/finish", {}).json()["state"] == "open"
    for path in ("", "/lines"):
        text = api("get", f"/counts/{count['id']}{path}").content.decode()
        assert "4711" not in text and "4700" not in text and '"expected": 6' not in text
    api("post", f"/counts/{count['id']}/lines", {"lines": lines["lines"][:1]})
    assert api("post", f"/counts/{count['id']}/finish", {}).json()["state"] == "counted"
    told = {line["sku"]: line for line in api("get", f"/counts/{count['id']}/lines").json()["items"]}
    assert (told["TEE"]["expected"], told["TEE"]["difference"], told["TEE"]["first_counted"]) == (4711, -11, 4700)
    key = {"Idempotency-Key": "post-1"}
    first = api("post", f"/counts/{count['id']}/post", {}, **key)
    assert first.json() == api("post", f"/counts/{count['id']}/post", {}, **key).json()
    assert (first.json()["adjusted"], first.json()["exact"]) == (1, 1)
    shelf.refresh_from_db()
    assert shelf.on_hand == 4700
    assert [one["number"] for one in api("get", "/counts?state=posted").json()["items"]] == [count["number"]]


def test_lines_are_recorded_all_or_none(api: Any, shelf: StockLevel) -> None:
    count = make(api)
    make_variant("OTHER")
    lines = [{"sku": "MUG", "bin": "S-1", "counted": 6}, {"sku": "OTHER", "bin": "S-1", "counted": 1}]
    refused = api("post", f"/counts/{count['id']}/lines", {"lines": lines})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_listed")
    assert {line["state"] for line in api("get", f"/counts/{count['id']}/lines").json()["items"]} == {"to_count"}
    lines[1]["found"] = True
    assert api("post", f"/counts/{count['id']}/lines", {"lines": lines}).status_code == 200


def test_what_cannot_be_posted_is_named_with_who_holds_it(api: Any, shelf: StockLevel) -> None:
    order = make_order(lines=[("MUG", 5)])
    count = make(api, tolerance_percent=100, tolerance_units=9)
    lines = [{"sku": "MUG", "bin": "S-1", "counted": 1}, {"sku": "TEE", "bin": "S-1", "counted": 4711}]
    api("post", f"/counts/{count['id']}/lines", {"lines": lines})
    api("post", f"/counts/{count['id']}/finish", {})
    answer = api("post", f"/counts/{count['id']}/post", {})
    owner = f"order_line:{order.lines.get().pk}"
    assert answer.status_code == 409 and answer.json()["lines"][0]["held_by"] == [{"owner": owner, "quantity": 5}]
    assert api("post", f"/counts/{count['id']}/post", {"partly": True}).json()["refused"] == ["MUG"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"location": "Nowhere"}, "location"), ({"bins": []}, "bins"), ({"bins": ["Q"]}, "bins"), ({"kind": "skus", "skus": ["NOPE"]}, "skus[0]"),
        ({"kind": "abc", "abc": "Z"}, "abc"), ({"tolerance_percent": 101}, "tolerance_percent"), ({"bins": ["\x00"]}, "bins[0]"),
    ],
)  # fmt: skip
def test_bad_counts_name_their_field(api: Any, shelf: StockLevel, change: dict[str, Any], field: str) -> None:
    answer = api("post", "/counts", {"location": "Main", "kind": "bins", "bins": ["S-1"], **change})
    assert answer.status_code == 422 and [error["field"] for error in answer.json()["errors"]] == [field]


def test_rights_of_tokens(api: Any, shelf: StockLevel) -> None:
    count = make(api)
    assert api("post", f"/counts/{count['id']}/post", {}, role="warehouse").status_code == 403
    assert api("post", f"/counts/{count['id']}/finish", {"anyway": True}, role="warehouse").status_code == 403
    assert api("post", "/counts", {"location": "Main", "kind": "location"}, role="viewer").status_code == 403
    assert api("post", "/nonconformances", {}, role="viewer").status_code in (403, 422)
    assert api("get", "/counts/99999999").status_code == 404


def test_units_are_set_aside_and_decided_about(api: Any, shelf: StockLevel) -> None:
    body = {"sku": "MUG", "location": "Main", "kind": "damaged", "quantity": 3, "reason": "transit"}
    key = {"Idempotency-Key": "nc-1"}
    case = api("post", "/nonconformances", body, **key).json()
    assert api("post", "/nonconformances", body, **key).json() == case
    assert (case["open_quantity"], case["reason"], case["bucket"]) == (3, "Damaged in transit", "damaged")
    refused = api("post", "/nonconformances", body | {"quantity": 4})
    assert (refused.status_code, refused.json()["code"]) == (409, "stock_is_reserved")
    done = api("post", f"/nonconformances/{case['id']}/resolve", {"resolution": "scrap", "quantity": 2}).json()
    assert (done["open_quantity"], done["decisions"][0]["resolution"]) == (1, "scrap")
    moved = api(
        "post", f"/nonconformances/{case['id']}/resolve", {"resolution": "move", "kind": "quarantine", "quantity": 1}
    )
    assert (moved.json()["kind"], moved.json()["state"]) == ("quarantine", "open")
    level = StockLevel.objects.get(variant__sku="MUG")
    assert (level.on_hand, level.damaged, level.quality_control) == (4, 0, 1)
    assert [one["id"] for one in api("get", "/nonconformances?sku=MUG&state=open&kind=quarantine").json()["items"]] == [
        case["id"]
    ]
    bad = api("post", f"/nonconformances/{case['id']}/resolve", {"resolution": "scrap", "quantity": 2})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "quantity")
