"""Documents over the API: issuing, repeats, rights, bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from api.tokens import create_token
from invoicing.models import Document
from invoicing.operations import keep_pdf
from tests.factories.invoicing import bill, make_taxed_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Any:
    """Call the API as a role: api("get", "/invoices", role="viewer")."""
    secrets: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, role: str = "owner", **headers: str) -> Any:
        if role not in secrets:
            secrets[role] = create_token(name=role, role=role)[1]
        client = Client(headers={"Authorization": f"Bearer {secrets[role]}", **headers})
        data = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1{path}", **data)

    return call


def test_an_order_is_invoiced_once(api: Any) -> None:
    order = make_taxed_order([(2, "10", "4.60", "0.23")], shipping="5", tax="5.75", paid=False)
    answer = api("post", f"/orders/{order.pk}/invoices", {"version": order.version})
    assert answer.status_code == 201, answer.content
    [made] = answer.json()["items"]
    assert (made["total"], made["tax_total"], made["kind"]) == ("30.75", "5.75", "invoice")
    assert [(tax["rate"], tax["gross"]) for tax in made["taxes"]] == [("0.23000", "30.75")]
    assert [row["quantity"] for row in made["rows"]] == [2, 1]
    assert api("post", f"/orders/{order.pk}/invoices", {}).json() == {"items": []}
    assert api("get", f"/invoices/{made['id']}").json() == made
    assert api("post", f"/orders/{order.pk}/invoices", {"version": 0}).status_code == 409
    assert api("post", f"/orders/{10**30}/invoices", {}).status_code in (404, 422)


def test_a_pro_forma_and_a_credit_note_are_named_by_their_key(api: Any) -> None:
    order = make_taxed_order([(2, "10", "4.60", "0.23")])
    [invoice] = bill(order)
    pro_forma = {"kind": "pro_forma"}
    assert api("post", f"/orders/{order.pk}/invoices", pro_forma).status_code == 422
    answers = [api("post", f"/orders/{order.pk}/invoices", pro_forma, **{"Idempotency-Key": "a"}) for _n in range(2)]
    assert answers[0].status_code == 201 and answers[0].json() == answers[1].json()
    here, body = f"/invoices/{invoice.pk}/credit-notes", {"units": [{"row": 0, "quantity": 1}], "reason": "broken"}
    assert api("post", here, body).status_code == 422
    answers = [api("post", here, body, **{"Idempotency-Key": "b"}) for _n in range(2)]
    assert answers[0].json()["total"] == "12.30" and answers[0].json() == answers[1].json()
    over = api("post", here, {"amount": "12.31", "reason": "more"}, **{"Idempotency-Key": "c"})
    assert over.status_code == 409 and over.json()["code"] == "over_credit"
    assert Document.objects.count() == 3


def test_lists_are_narrowed_and_turned(api: Any) -> None:
    orders = [make_taxed_order([(1, "10", "2.30", "0.23")]) for _n in range(3)]
    numbers = [bill(one)[0].number for one in orders]
    first = api("get", "/invoices?limit=2").json()
    assert [one["number"] for one in first["items"]] == numbers[:0:-1]
    rest = api("get", f"/invoices?limit=2&cursor={first['next']}").json()
    assert [one["number"] for one in rest["items"]] == numbers[:1] and rest["next"] is None
    assert [one["number"] for one in api("get", f"/invoices?order_id={orders[1].pk}").json()["items"]] == [numbers[1]]
    assert api("get", "/invoices?kind=credit_note").json()["items"] == []
    assert api("get", "/invoices?issued_from=2026-11-21").json()["items"] == []


def test_the_pdf_is_the_kept_one(api: Any) -> None:
    [invoice] = bill(make_taxed_order([(1, "10", "2.30", "0.23")]))
    keep_pdf(invoice.pk, b"%PDF-kept")
    answer = api("get", f"/invoices/{invoice.pk}/pdf")
    assert answer.content == b"%PDF-kept" and answer["Content-Type"] == "application/pdf"
    assert api("get", "/invoices/999999").status_code == 404


def test_rights(api: Any) -> None:
    order = make_taxed_order([(1, "10", "2.30", "0.23")])
    assert api("post", f"/orders/{order.pk}/invoices", {}, role="viewer").status_code == 403
    assert api("get", "/invoices", role="warehouse").status_code == 403
    assert api("get", "/invoices", role="viewer").status_code == 200
