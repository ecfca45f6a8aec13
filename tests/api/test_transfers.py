"""Transfers over the API: the whole way, repeats, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from tests.factories.shop import make_location, make_variant
from tests.transfers.factory import counts, make_transfer
from transfers.models import Arrival, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    """Call the API as a role: api("get", "/transfers", role="viewer")."""
    secrets: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, role: str = "warehouse", **headers: str) -> Any:
        if role not in secrets:
            secrets[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {secrets[role]}", **headers})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def test_from_draft_to_received(api):
    stocked = make_transfer({"A-1": 1})
    body = {
        "origin": stocked.origin.code, "destination": stocked.destination.name, "reference": "W1", "expected_on": "2026-12-01",
        "lines": [{"sku": "a-1", "quantity": 5}],
    }  # fmt: skip
    made = api("post", "/transfers", body, **{"Idempotency-Key": "c-1"})
    again = api("post", "/transfers", body, **{"Idempotency-Key": "c-1"})
    assert (made.status_code, again.json()) == (201, made.json()), made.content
    path = f"/transfers/{made.json()['id']}"
    assert api("post", f"{path}/ready", {}).json()["state"] == "ready"
    left = api("post", f"{path}/dispatch", {"lines": [{"sku": "A-1", "quantity": 4}]})
    assert (left.json()["state"], left.json()["outstanding"]) == ("in_transit", 4), left.content
    part = {"lines": [{"sku": "A-1", "quantity": 3, "damaged": 1, "damage_reason": "on_the_way"}]}
    for _ in range(2):
        got = api("post", f"{path}/receive", part, **{"Idempotency-Key": "r-1"})
        assert (got.status_code, got.json()["received"], got.json()["damaged"]) == (200, 3, 1), got.content
    assert counts(stocked.destination) == (3, 0, 1, 1)
    assert Arrival.objects.count() == 1
    assert api("get", path, role="viewer").json()["lines"][0] == {
        "sku": "A-1", "title": stocked.lines.get().variant.title, "quantity": 5, "shipped": 4, "received": 3, "damaged": 1, "over": 0, "lost": 0,
        "returned": 0, "found": 0, "outstanding": 1,
    }  # fmt: skip


def test_the_list_is_filtered_and_paged(api):
    first, second, third = make_transfer(), make_transfer({"B-1": 1}), make_transfer(state="in_transit")
    ids = [third.pk, second.pk, first.pk]
    seen, cursor = [], ""
    for _ in range(3):
        page = api("get", f"/transfers?limit=1&cursor={cursor}").json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"] or ""
    assert seen == ids
    for query, found in (
        ("state=in_transit", [third.pk]), ("sku=B-1", [second.pk]), (f"origin={first.origin.code}", [first.pk]),
        (f"destination={third.destination.name}", [third.pk]),
    ):  # fmt: skip
        assert [row["id"] for row in api("get", f"/transfers?{query}").json()["items"]] == found, query
    for bad in ("state=flying", "origin=Mars", "limit=0", "cursor=abc", "sku=%00"):
        assert api("get", f"/transfers?{bad}").status_code == 422, bad


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"origin": "Mars"}, "origin"), ({"destination": "Mars"}, "destination"), ({"destination": "A"}, "destination"), ({"lines": []}, "lines"),
        ({"lines": [{"sku": "NOPE", "quantity": 1}]}, "lines[0].sku"), ({"lines": [{"sku": "A-1", "quantity": 0}]}, "lines[0].quantity"),
        ({"state": "received"}, "state"), ({"expected_on": "soon"}, "expected_on"),
    ],
)  # fmt: skip
def test_bad_drafts_are_refused_by_field(api, change, field):
    make_location("A"), make_location("B"), make_variant("A-1")
    body = {"origin": "A", "destination": "B", "lines": [{"sku": "A-1", "quantity": 1}], **change}
    answer = api("post", "/transfers", body)
    assert answer.status_code == 422 and answer["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Transfer.objects.exists()


def test_what_cannot_be_is_a_problem(api):
    short, moving = make_transfer({"A-1": 50}), make_transfer({"B-1": 2}, state="in_transit")
    lacking = api("post", f"/transfers/{short.pk}/ready", {})
    assert (
        lacking.status_code == 409
        and lacking.json()["code"] == "not_enough_at_origin"
        and "10 of 50" in lacking.json()["detail"]
    )
    assert api("post", f"/transfers/{short.pk}/ready", {"version": 99}).status_code == 409
    assert api("post", f"/transfers/{short.pk}/ready", {"reduce": True}).json()["units"] == 10
    receive = f"/transfers/{moving.pk}/receive"
    body = {"lines": [{"sku": "B-1", "quantity": 2}]}
    assert api("post", receive, body).json()["code"] == "idempotency_key_missing"
    for lines, code in (
        ([{"sku": "A-1", "quantity": 1}], "not_in_transfer"), ([{"sku": "B-1", "quantity": 3}], "over_receipt"),
        ([{"sku": "B-1", "quantity": 1, "damaged": 1}], "damage_without_reason"), ([{"sku": "B-1", "quantity": 1}] * 2, "not_in_transfer"),
    ):  # fmt: skip
        answer = api("post", receive, {"lines": lines}, **{"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert counts(moving.destination, "B-1") == (0, 0, 0, 2)
    for number in ("0", "987654321", str(2**63)):
        assert api("get", f"/transfers/{number}").status_code == 404
        assert api("post", f"/transfers/{number}/dispatch", {}).status_code == 404


def test_who_may_only_look_moves_nothing(api):
    transfer = make_transfer(state="ready")
    for path, body in (("dispatch", {}), ("ready", {}), ("receive", {"lines": [{"sku": "A-1", "quantity": 1}]})):
        assert api("post", f"/transfers/{transfer.pk}/{path}", body, role="support").status_code == 403
    assert api("get", f"/transfers/{transfer.pk}", role="support").status_code == 200


def test_the_number_of_statements_does_not_grow_with_the_rows(api, django_assert_max_num_queries):
    one = make_transfer({"A-1": 1})
    api("get", "/transfers")
    with django_assert_max_num_queries(3):
        api("get", "/transfers")
    make_transfer({f"M-{n}": 1 for n in range(5)})
    with django_assert_max_num_queries(3):
        api("get", "/transfers")
    many = Transfer.objects.latest("pk")
    for transfer in (one, many):
        with django_assert_max_num_queries(6):
            api("get", f"/transfers/{transfer.pk}")
