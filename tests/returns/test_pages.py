"""The dashboard's and the floor's pages about returns: who may do what, what they show, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.permissions import Role, role_allows
from inventory.models import StockLevel
from orders.models import Order
from returns.models import Return
from returns.operations import Received, Verdict, create_return_label, inspect_return, receive_return
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sidebar's counts are kept for some seconds; here they would make the number of statements depend on the clock."""
    monkeypatch.setattr("oms.navigation.waiting_counts", dict)


POSTS = [
    ("approve", "returns.approve"),
    ("decline", "returns.approve"),
    ("resolve", "payments.refund"),
    ("floor/receive", "returns.receive"),
    ("floor/scan", "returns.receive"),
    ("floor/inspect", "returns.receive"),
    ("floor/finish", "returns.receive"),
]


@pytest.fixture
def requested() -> Return:
    make_shop(auto_approve_returns=False)
    return ask(sent_order(2), 2)


@pytest.fixture
def approved() -> Return:
    make_shop()
    return ask(sent_order(2), 2)


class TestRights:
    @pytest.mark.parametrize("role", Role.values)
    @pytest.mark.parametrize(("path", "permission"), POSTS)
    def test_each_action_has_its_own_right(
        self, client_as: Any, requested: Return, role: str, path: str, permission: str
    ) -> None:
        response = client_as(role).post(f"/returns/{requested.pk}/{path}/")
        assert (response.status_code != 403) == role_allows(role, permission)

    @pytest.mark.parametrize("role", Role.values)
    @pytest.mark.parametrize(
        ("action", "permission"),
        [("cancel", "returns.approve"), ("send", "returns.receive"), ("keep", "returns.approve")],
    )
    def test_pressed_actions_too(
        self, client_as: Any, approved: Return, role: str, action: str, permission: str
    ) -> None:
        response = client_as(role).post(f"/returns/{approved.pk}/act/", {"action": action})
        assert response.status_code == (302 if role_allows(role, permission) else 403)
        if not role_allows(role, permission):
            assert Return.objects.get().state == "approved"

    @pytest.mark.parametrize("path", ["", "{pk}/", "{pk}/floor/", "{pk}/label.pdf", "receive/"])
    def test_without_a_login_there_is_nothing(self, client: Client, approved: Return, path: str) -> None:
        response = client.get(f"/returns/{path.format(pk=approved.pk)}")
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/")

    def test_an_action_that_does_not_exist_does_nothing(self, client_as: Any, approved: Return) -> None:
        assert client_as("owner").post(f"/returns/{approved.pk}/act/", {"action": "resolve"}).status_code == 422
        assert Return.objects.get().state == "approved"


class TestList:
    def test_it_is_as_cheap_for_many_as_for_one(self, client_as: Any) -> None:
        make_shop()
        client = client_as("owner")

        def statements() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get("/returns/?tab=all").status_code == 200
            return len(captured)

        ask(sent_order(1))
        client.get("/returns/?tab=all")
        one = statements()
        for _ in range(3):
            ask(sent_order(1))
        assert statements() == one

    @pytest.mark.parametrize("by", ["number", "order", "email", "tracking"])
    def test_a_return_is_found_by_what_people_have_in_hand(self, client_as: Any, approved: Return, by: str) -> None:
        ask(sent_order(1, email="another@example.org"))
        create_return_label(return_id=approved.pk, actor=ACTOR, now=NOW)
        approved.refresh_from_db()
        q = {
            "number": approved.number.lower(),
            "order": approved.order.number,
            "email": approved.order.email,
            "tracking": approved.shipment.packages.get().tracking_number,
        }[by]
        text = client_as("viewer").get("/returns/", {"tab": "all", "q": q}).content.decode()
        assert f"/returns/{approved.pk}/" in text
        assert text.count("RMA-") < 6 or approved.number in text

    @pytest.mark.parametrize("tab", ["open", "requested", "coming", "inspect", "refund", "settled", "all"])
    def test_each_tab_opens(self, client_as: Any, requested: Return, tab: str) -> None:
        text = client_as("viewer").get("/returns/", {"tab": tab}).content.decode()
        assert (requested.number in text) == (tab in ("open", "requested", "all"))

    def test_the_filters_narrow(self, client_as: Any, requested: Return) -> None:
        sku = requested.lines.get().order_line.sku
        client = client_as("viewer")
        assert (
            requested.number
            in client.get(
                "/returns/", {"sku": sku, "reason": "does_not_fit", "requested_from": "2026-11-01"}
            ).content.decode()
        )
        assert requested.number not in client.get("/returns/", {"requested_to": "2026-11-01"}).content.decode()


class TestDesk:
    def test_approve_and_then_an_old_page(self, client_as: Any, requested: Return) -> None:
        client = client_as("support")
        data = {"approve-answer": "Fine", "approve-version": requested.version}
        assert client.post(f"/returns/{requested.pk}/approve/", data).status_code == 302
        again = client.post(f"/returns/{requested.pk}/approve/", data)
        assert again.status_code == 422
        made = Return.objects.get()
        assert (made.state, made.answer) == ("approved", "Fine")

    def test_decline_without_a_reason_keeps_the_page(self, client_as: Any, requested: Return) -> None:
        response = client_as("support").post(f"/returns/{requested.pk}/decline/", {"decline-answer": ""})
        assert response.status_code == 422
        assert 'id="id_decline-answer_errors"' in response.content.decode()

    def test_refund_is_proposed_worked_out_again_and_paid(self, client_as: Any, approved: Return) -> None:
        line = approved.lines.get().pk
        receive_return(return_id=approved.pk, lines=[Received(line, 2)], actor=ACTOR, now=NOW)
        made = inspect_return(return_id=approved.pk, verdicts=[Verdict(line, "restock", 2)], actor=ACTOR, now=NOW)
        client = client_as("finance")
        url = f"/returns/{made.pk}/resolve/"
        assert 'name="amount" value="20' in client.get(f"/returns/{made.pk}/").content.decode()
        data = {f"units-{line}": 1, "amount": "20", "version": made.version}
        assert 'name="amount" value="10' in client.post(url, data | {"recalculate": "1"}).content.decode()
        assert Order.objects.get(pk=made.order_id).refunded_total == 0
        assert client.post(url, data | {"amount": "10"}).status_code == 302
        assert Order.objects.get(pk=made.order_id).refunded_total == Decimal(10)

    def test_too_much_is_refused_at_the_field(self, client_as: Any, approved: Return) -> None:
        line = approved.lines.get().pk
        receive_return(return_id=approved.pk, lines=[Received(line, 2)], actor=ACTOR, now=NOW)
        made = inspect_return(return_id=approved.pk, verdicts=[Verdict(line, "restock", 2)], actor=ACTOR, now=NOW)
        response = client_as("finance").post(
            f"/returns/{made.pk}/resolve/", {f"units-{line}": 2, "amount": "999", "version": made.version}
        )
        assert response.status_code == 422
        assert 'id="id_amount_errors"' in response.content.decode()

    def test_a_person_asks_for_a_customer(self, client_as: Any) -> None:
        make_shop(return_window_days=0)
        order = sent_order(2)
        line = order.lines.get().pk
        client = client_as("support")
        assert client.get(f"/orders/{order.pk}/return/").status_code == 200
        data = {"request_key": "by-telephone", f"quantity-{line}": 1, f"reason-{line}": "other"}
        assert client.post(f"/orders/{order.pk}/return/", data).status_code == 302
        assert Return.objects.get().units == 1

    def test_the_orders_page_leads_there_and_says_when_not(self, client_as: Any) -> None:
        make_shop()
        order = sent_order(1)
        client = client_as("support")
        assert f'href="/orders/{order.pk}/return/"' in client.get(f"/orders/{order.pk}/").content.decode()
        ask(order)
        assert "Nothing was sent that could come back." in client.get(f"/orders/{order.pk}/").content.decode()

    def test_the_page_costs_the_same_for_more_lines(self, client_as: Any) -> None:
        make_shop()
        client = client_as("owner")
        small, big = ask(sent_order(1)), ask(sent_order(1, 1, 1, 1))
        client.get(f"/returns/{small.pk}/")

        def statements(made: Return) -> int:
            with CaptureQueriesContext(connection) as captured:
                client.get(f"/returns/{made.pk}/")
            return len(captured)

        assert statements(big) == statements(small)


class TestFloor:
    def test_a_scanned_number_opens_its_return(self, client_as: Any, approved: Return) -> None:
        create_return_label(return_id=approved.pk, actor=ACTOR, now=NOW)
        approved.refresh_from_db()
        tracking = approved.shipment.packages.get().tracking_number
        client = client_as("warehouse")
        for code in (approved.number, approved.number.lower(), f" {tracking} "):
            assert (
                client.get("/returns/receive/", {"code": code}).headers["Location"] == f"/returns/{approved.pk}/floor/"
            )

    def test_an_unknown_code_says_what_to_do(self, client_as: Any) -> None:
        response = client_as("warehouse").get("/returns/receive/", {"code": "<b>nope</b>"})
        assert response.status_code == 404
        assert 'data-beep="wrong"' in response.content.decode()
        assert "<b>nope</b>" not in response.content.decode()

    def test_from_the_scan_to_the_shelf(self, client_as: Any, approved: Return) -> None:
        client = client_as("warehouse")
        line = approved.lines.get()
        base = f"/returns/{approved.pk}/floor"
        assert client.post(f"{base}/scan/", {"code": line.order_line.sku.lower()}).status_code == 302
        client.post(f"{base}/receive/", {f"quantity-{line.pk}": 1, "location": approved.location_id})
        assert Return.objects.get().received == 2
        before = StockLevel.objects.get(variant=line.order_line.variant).available
        client.post(f"{base}/inspect/", {"line": line.pk, "quantity": 2, "disposition": "restock"})
        assert Return.objects.get().state == "inspected"
        assert StockLevel.objects.get(variant=line.order_line.variant).available == before + 2
        assert client.get(f"{base}/").status_code == 200

    @pytest.mark.parametrize("code", ["", "ANOTHER-SKU", "' OR 1=1"])
    def test_a_wrong_unit_is_heard_and_changes_nothing(self, client_as: Any, approved: Return, code: str) -> None:
        response = client_as("warehouse").post(f"/returns/{approved.pk}/floor/scan/", {"code": code})
        assert response.status_code == 422
        assert 'data-beep="wrong"' in response.content.decode()
        assert Return.objects.get().received == 0

    def test_one_unit_too_many_is_heard(self, client_as: Any, approved: Return) -> None:
        client = client_as("warehouse")
        url = f"/returns/{approved.pk}/floor/scan/"
        codes = [client.post(url, {"code": approved.lines.get().order_line.sku}).status_code for _ in range(3)]
        assert codes == [302, 302, 409]
        assert Return.objects.get().received == 2

    @pytest.mark.parametrize(
        "data", [{}, {"line": 1, "quantity": "x"}, {"line": 999999, "quantity": 1, "disposition": "restock"}]
    )
    def test_a_verdict_that_makes_no_sense_is_answered(
        self, client_as: Any, approved: Return, data: dict[str, Any]
    ) -> None:
        receive_return(return_id=approved.pk, lines=[Received(approved.lines.get().pk, 1)], actor=ACTOR, now=NOW)
        response = client_as("warehouse").post(f"/returns/{approved.pk}/floor/inspect/", data)
        assert response.status_code == 422
        assert Return.objects.get().inspected == 0
