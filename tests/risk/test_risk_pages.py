"""Risk on screen and over the API: the queue, the word about an order, rules and what they would say, addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.tokens import create_token
from core.addresses import Address
from core.permissions import Role
from oms.orchestration.hold_order import hold_order
from oms.orchestration.screening import screen_orders
from orders.models import Hold, Order
from risk.models import AddressCheck, RiskAssessment, RiskRule, RiskSettings
from risk.operations import add_rule
from risk.states import RuleKind
from tests.factories.risk import flagged_orders
from tests.factories.shop import ACTOR, NOW, make_channel, make_order, make_variant

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]


def html(response: Any) -> str:
    return response.content.decode()


@pytest.fixture
def shop() -> dict[str, Any]:
    return flagged_orders(make_channel(), make_variant("A-1").sku, now=NOW)


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


def test_the_queue_says_what_speaks_against_an_order(client_as: SignIn, shop: dict[str, Any]) -> None:
    page = html(client_as("viewer").get("/risk/"))
    assert shop["risky"].number in page and "mailinator.com gives out throw-away e-mail addresses." in page
    assert shop["check_wrong"].order.number not in page
    assert shop["risky"].number in html(client_as("viewer").get("/risk/?tab=held&rule=disposable_email&level=hold"))
    assert shop["risky"].number not in html(client_as("viewer").get("/risk/?tab=open&rule=amount"))
    assert client_as("warehouse").get("/risk/").status_code == 403
    csv = b"".join(client_as("owner").get("/risk/?export=csv").streaming_content).decode()
    assert "gives out throw-away" in csv


def test_lists_cost_the_same_for_many_orders(client_as: SignIn, shop: dict[str, Any]) -> None:
    client = client_as("owner")
    for url in ("/risk/", "/risk/addresses/", "/risk/addresses/?tab=all"):
        client.get(url)
    few = {url: queries_of(client, url) for url in ("/risk/", "/risk/addresses/")}
    for _n in range(3):
        flagged_orders(make_channel(), "A-1", now=NOW)
    assert {url: queries_of(client, url) for url in few} == few
    assert max(few.values()) <= 9


def test_the_orders_page_explains_the_score_and_costs_the_same_without_one(
    client_as: SignIn, shop: dict[str, Any]
) -> None:
    client = client_as("owner")
    page = html(client.get(f"/orders/{shop['risky'].pk}/"))
    assert "Score 100" in page and "gives out throw-away" in page and f"/risk/{shop['assessment'].pk}/decide/" in page
    plain = make_order()
    before = queries_of(client, f"/orders/{plain.pk}/")
    screen_orders(order_ids=[plain.pk], now=NOW)
    assert queries_of(client, f"/orders/{plain.pk}/") == before
    assert "What speaks against it" not in html(client.get(f"/orders/{plain.pk}/"))
    assert "/decide/" not in html(client_as("support").get(f"/orders/{shop['risky'].pk}/"))


def test_a_person_accepts_or_rejects(client_as: SignIn, shop: dict[str, Any]) -> None:
    client, url = client_as("operations"), f"/risk/{shop['assessment'].pk}/decide/"
    assert "gives out throw-away" in html(client.get(url))
    assert client.post(url, {"decision": "accepted"}).status_code == 422
    assert client.post(url, {"decision": "accepted", "reason": "Known by phone"}).status_code == 302
    shop["risky"].refresh_from_db()
    assert not shop["risky"].on_hold
    again = client.post(url, {"decision": "rejected", "reason": "?"})
    assert again.status_code == 409 and "has decided about it already" in html(again)
    assert client_as("support").post(url, {"decision": "accepted", "reason": "x"}).status_code == 403


def test_many_are_rejected_at_once_with_a_result_for_each(client_as: SignIn, shop: dict[str, Any]) -> None:
    other = flagged_orders(make_channel(), "A-1", now=NOW)
    done = {"action": "accept", "id": [shop["assessment"].pk], "confirmed": "1", "reason": "ok"}
    client_as("owner").post("/risk/", done)
    data = {
        "action": "reject",
        "id": [shop["assessment"].pk, other["assessment"].pk],
        "confirmed": "1",
        "reason": "stolen",
    }
    page = html(client_as("owner").post("/risk/", data))
    assert "has decided about it already" in page
    decided = RiskAssessment.objects.exclude(decision="").order_by("pk").values_list("decision", flat=True)
    assert list(decided) == ["accepted", "rejected"]
    assert Order.objects.get(pk=other["risky"].pk).lifecycle == "cancelled"


def test_an_order_is_looked_at_again_from_its_page(client_as: SignIn, shop: dict[str, Any]) -> None:
    plain = make_order()
    page = html(client_as("owner").post(f"/orders/{plain.pk}/risk/", follow=True))
    assert "were looked at again" in page
    assert RiskAssessment.objects.get(order=plain).score == 0


# ---- rules -----------------------------------------------------------------------------------------------------------

GIVEN = {
    "amount": {"limit": "100", "currency": "EUR"},
    "first_order": {"limit": "100.50", "currency": "EUR"},
    "velocity": {"orders": "3", "hours": "24", "source": "phone"},
    "country": {"countries": ["DE", "KP"]},
    "many_units": {"units": "5"},
}


@pytest.mark.parametrize("kind", RuleKind.values)
def test_a_rule_of_each_kind_is_added_tried_and_changed(client_as: SignIn, kind: str) -> None:
    make_order()
    client, url = client_as("operations"), f"/risk/rules/new/{kind}/"
    given = {**GIVEN.get(kind, {}), "score": "30", "active": "on"}
    assert client.get(url).status_code == 200
    tried = html(client.post(url, {**given, "step": "try"}))
    assert "of the last order" in tried and not RiskRule.objects.exists()
    assert client.post(url, {**given, "step": "save"}).status_code == 302
    made = RiskRule.objects.get()
    assert (made.kind, made.score, made.active) == (kind, 30, True)
    assert client.get("/risk/rules/?try=1").status_code == 200
    edit = f"/risk/rules/{made.pk}/"
    assert client.get(edit).status_code == 200
    assert client.post(edit, {**given, "active": "", "score": "31"}).status_code == 302
    made.refresh_from_db()
    assert (made.score, made.active, RiskSettings.objects.get().version) == (31, False, 3)
    screen_orders(order_ids=[Order.objects.get().pk], now=NOW)
    client.post(f"{edit}remove/")
    assert not RiskRule.objects.exists()


def test_bad_rules_and_thresholds_are_refused_at_their_field(client_as: SignIn) -> None:
    client = client_as("owner")
    for kind, given in (
        ("amount", {"limit": "-1", "currency": "EUR"}),
        ("amount", {"limit": "1", "currency": "euro"}),
        ("velocity", {"orders": "3", "hours": "10000", "source": "email"}),
        ("velocity", {"orders": "3", "hours": "1", "source": "name"}),
        ("country", {"countries": ["XX"]}),
        ("many_units", {"units": "x"}),
    ):
        assert client.post(f"/risk/rules/new/{kind}/", {**given, "score": "10", "step": "save"}).status_code == 422
    assert client.post("/risk/rules/new/disposable_email/", {"score": "0"}).status_code == 422
    assert client.get("/risk/rules/new/nonsense/").status_code == 404
    bad = client.post("/risk/rules/thresholds/", {"review_at": "90", "hold_at": "80"})
    assert bad.status_code == 422 and "not below the other one" in html(bad)
    assert not RiskRule.objects.exists()


def test_the_usual_rules_in_one_step_and_what_they_would_have_said(client_as: SignIn) -> None:
    client = client_as("owner")
    assert "Begin with the usual rules" in html(client.get("/risk/rules/"))
    make_order(email="x@mailinator.com")
    client.post("/risk/rules/usual/")
    page = html(client.get("/risk/rules/?try=1"))
    assert "Of the last order, 1 would be reviewed and 0 held." in page
    viewer = html(client_as("viewer").get("/risk/rules/?try=1"))
    assert "Add a rule" not in viewer and "Throw-away e-mail address" in viewer


# ---- addresses -------------------------------------------------------------------------------------------------------


def test_an_address_is_put_right_by_one_click(client_as: SignIn, shop: dict[str, Any]) -> None:
    check, client = shop["check_suggested"], client_as("support")
    page = html(client.get(f"/orders/{check.order_id}/"))
    assert "30-001" in page and "Take the suggestion" in page
    client.post(f"/risk/addresses/{check.pk}/accept/")
    assert Order.objects.get(pk=check.order_id).ship_to.postal_code == "30-001"
    assert "postal_code" in html(client.get(f"/orders/{check.order_id}/"))
    assert client_as("viewer").post(f"/risk/addresses/{check.pk}/accept/").status_code == 403


@pytest.mark.usefixtures("addresses_hold")
def test_a_wrong_address_ships_as_it_is_with_a_reason(client_as: SignIn, shop: dict[str, Any]) -> None:
    check, client = shop["check_wrong"], client_as("support")
    page = html(client.get(f"/orders/{check.order_id}/"))
    assert "is no postal code of Poland" in page and "It cannot be delivered" in page
    url = f"/risk/addresses/{check.pk}/as-is/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"reason": ""}).status_code == 422
    client.post(url, {"reason": "The courier knows it"})
    check.refresh_from_db()
    assert (check.settled, check.reason) == ("as_is", "The courier knows it")
    assert not Order.objects.get(pk=check.order_id).on_hold
    assert "The courier knows it" in html(client.get(f"/orders/{check.order_id}/"))
    assert client.post(url, {"reason": "again"}).status_code == 409


def test_addresses_in_bulk(client_as: SignIn, shop: dict[str, Any]) -> None:
    client = client_as("support")
    page = html(client.get("/risk/addresses/?tab=suggested"))
    assert shop["check_suggested"].order.number in page and shop["check_wrong"].order.number not in page
    both = [shop["check_suggested"].pk, shop["check_wrong"].pk]
    answer = html(client.post("/risk/addresses/?tab=all", {"action": "accept", "id": both, "confirmed": "1"}))
    assert "There is no better way to write it." in answer
    client.post("/risk/addresses/", {"action": "as_is", "id": [both[1]], "confirmed": "1", "reason": "known"})
    assert set(AddressCheck.objects.exclude(state="ok", settled="").values_list("settled", flat=True)) == {
        "corrected",
        "as_is",
    }


def test_markup_in_addresses_is_text(client_as: SignIn) -> None:
    evil = "<img src=x onerror=alert(1)>"
    order = make_order(shipping_address=Address(name=evil, line1=evil, city=evil, postal_code=evil[:10], country="PL"))
    screen_orders(order_ids=[order.pk], now=NOW)
    check = AddressCheck.objects.get()
    client = client_as("owner")
    for url in (
        f"/orders/{order.pk}/",
        "/risk/addresses/",
        f"/risk/addresses/{check.pk}/as-is/",
        "/risk/addresses/?tab=all",
    ):
        assert "<img src=x" not in html(client.get(url))


# ---- API -------------------------------------------------------------------------------------------------------------


def call(method: str, path: str, body: dict[str, Any] | None = None, role: str = Role.OWNER) -> Any:
    token = create_token(name=f"{role} {path}", role=role)[1]
    data = json.dumps(body) if body is not None else None
    return Client().generic(
        method,
        f"/api/v1{path}",
        data or "",
        content_type="application/json",
        headers={"authorization": f"Bearer {token}"},
    )


def test_the_api_tells_score_findings_and_address(shop: dict[str, Any]) -> None:
    told = call("GET", f"/orders/{shop['risky'].pk}/risk").json()
    assert (told["score"], told["level"], told["decision"]) == (100, "hold", "")
    assert told["findings"] == [
        {
            "kind": "disposable_email",
            "score": 100,
            "values": {"domain": "mailinator.com"},
            "sentence": "mailinator.com gives out throw-away e-mail addresses.",
        }
    ]
    wrong = call("GET", f"/orders/{shop['check_wrong'].order_id}/risk").json()["address"]
    assert (wrong["state"], wrong["undeliverable"], wrong["problems"][0]["field"]) == ("problem", True, "postal_code")
    assert call("GET", f"/orders/{make_order().pk}/risk").json()["assessed_at"] is None
    assert call("GET", "/orders/0/risk").status_code == 404
    assert call("GET", f"/orders/{shop['risky'].pk}/risk", role=Role.WAREHOUSE).status_code == 403


def test_the_api_holds_lines_and_releases_them() -> None:
    make_variant("B-1"), make_variant("C-1")
    order = make_order(lines=[("B-1", 1), ("C-1", 1)])
    line = order.lines.get(sku="B-1").pk
    path = f"/orders/{order.pk}/holds"
    made = call("POST", path, {"kind": "customer", "reason": "colour?", "line_ids": [line]})
    assert made.status_code == 201, made.content
    assert (made.json()["whole"], made.json()["line_ids"]) == (False, [line])
    assert call("POST", path, {"kind": "customer", "line_ids": [line]}).status_code == 409
    assert call("POST", path, {"kind": "customer", "line_ids": [999999]}).status_code == 422
    assert call("POST", path, {"kind": "customer", "owner": "nobody"}).status_code == 422
    assert call("POST", path, {"kind": "nonsense"}).status_code == 422
    assert call("POST", path, {"kind": "customer"}, role=Role.WAREHOUSE).status_code == 403
    assert [one["id"] for one in call("GET", path).json()["items"]] == [made.json()["id"]]
    release = f"{path}/{made.json()['id']}/release"
    assert call("POST", release, {}).json()["released_at"]
    assert call("POST", release, {}).status_code == 409
    assert call("POST", f"/orders/{make_order().pk}/holds/{made.json()['id']}/release", {}).status_code == 404
    assert not Order.objects.get(pk=order.pk).on_hold


def test_a_hold_by_hand_says_no_cause(client_as: SignIn) -> None:
    order = make_order()
    hold_order(order_id=order.pk, kind="operator", actor=ACTOR, now=NOW)
    add_rule(kind="country", params={"countries": ["PL"]}, score=100, actor=ACTOR, now=NOW)
    screen_orders(order_ids=[order.pk], now=NOW)
    assert sorted(Hold.objects.values_list("kind", "cause")) == [("fraud", f"risk:{order.risk.pk}"), ("operator", "")]
