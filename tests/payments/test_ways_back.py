"""Store credit as a way back on the pages of refunds and returns; ways of paying where people and customers see them; the API; the audit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.tokens import create_token
from core.actors import Actor
from core.models import Shop
from currencies.ecb import Quoted
from currencies.operations import take_rates
from inventory.models import Location
from oms.integrity import CHECKS
from oms.orchestration.settle_return import settle_return
from orders.models import Order
from payments.models import CreditAccount, PaymentMethod
from payments.operations.credit import grant_credit, spend_credit
from returns.models import Return
from returns.operations import Received, Verdict, inspect_return, receive_return
from returns.states import Resolution
from tests.factories.returns import ask, sent_order
from tests.factories.shop import NOW, make_channel, make_order

pytestmark = pytest.mark.django_db
WHO: dict[str, Any] = {"actor": Actor.system("test"), "now": NOW}


def test_the_refund_page_gives_money_back_as_credit(client_as: Any) -> None:
    client: Client = client_as("finance")
    order = make_order()
    page = client.get(f"/orders/{order.pk}/refunds/").content.decode()
    assert 'value="credit"' in page
    form = {"key": "r1", "amount": "4", "reason": "late", "via": "credit"}
    for _twice in range(2):
        assert client.post(f"/orders/{order.pk}/refunds/", form).status_code == 302
    order.refresh_from_db()
    assert (order.refunded_total, CreditAccount.objects.get().balance) == (4, 4)
    assert client.post(f"/orders/{order.pk}/refunds/", form | {"key": "r2", "amount": "7"}).status_code == 422
    assert CreditAccount.objects.get().balance == 4


def test_a_return_is_settled_with_credit_once() -> None:
    request = ask(sent_order(1))
    line, place = request.lines.get(), Location.objects.order_by("pk").first()
    assert place is not None
    receive_return(return_id=request.pk, lines=[Received(line.pk, 1)], location_id=place.pk, **WHO)
    inspect_return(return_id=request.pk, verdicts=[Verdict(line.pk, "restock", 1)], **WHO)
    for _twice in range(2):
        assert settle_return(return_id=request.pk, amount=Decimal(3), to_credit=True, **WHO)
    request = Return.objects.get(pk=request.pk)
    assert (request.resolution, request.refund.amount) == (Resolution.REFUND, 3)  # type: ignore[union-attr]
    assert CreditAccount.objects.get().balance == 3
    assert Order.objects.get(pk=request.order_id).refunded_total == 3


def test_people_choose_one_of_the_active_ways_of_paying(client_as: Any) -> None:
    client: Client = client_as("finance")
    PaymentMethod.objects.all().delete()
    PaymentMethod.objects.create(name="Till 1", kind="cash")
    PaymentMethod.objects.create(name="Old till", kind="cash", active=False)
    order = make_order(paid=False)
    page = client.get(f"/orders/{order.pk}/payments/").content.decode()
    assert "Till 1" in page and "Old till" not in page
    form = {"key": "p", "amount": "4", "method": "Old till"}
    assert client.post(f"/orders/{order.pk}/payments/", form).status_code == 422
    assert client.post(f"/orders/{order.pk}/payments/", form | {"method": "Till 1"}).status_code == 302
    assert (
        client.post(f"/orders/{order.pk}/payments/", form | {"method": "Till 1", "key": "q", "amount": "6"}).status_code
        == 302
    )
    assert set(order.payments.values_list("method", "amount")) == {("Till 1", 4), ("Till 1", 6)}
    order.refresh_from_db()
    assert order.payment == "paid"


def test_customers_who_owe_see_the_account_to_pay_to(client: Client) -> None:
    PaymentMethod.objects.create(name="IBAN", kind="bank_transfer", instructions="PL61 1090 <b>", offered=True)
    PaymentMethod.objects.create(name="Hidden", kind="bank_transfer", instructions="secret", offered=False)
    page = client.get(f"/pay/{make_order(paid=False).token}/").content.decode()
    assert "PL61 1090 &lt;b&gt;" in page and "secret" not in page
    assert "PL61 1090" not in client.get(f"/pay/{make_order().token}/").content.decode()


def test_the_api_tells_rates_receivables_and_credit() -> None:
    Shop.objects.create(name="Shop", currency="EUR")
    take_rates([Quoted(NOW.date(), "USD", Decimal("1.25"))])
    order, foreign = make_order(paid=False), make_order(make_channel(currency="USD"), paid=False)
    grant_credit(customer_id=order.customer_id, currency="EUR", amount=Decimal(5), reason="", key="g", **WHO)  # type: ignore[arg-type]
    secret = create_token(name="t", role="finance")[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(path: str) -> Any:
        answer = client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert get("/exchange-rates?currency=USD")["items"] == [
        {"base": "EUR", "quote": "USD", "day": "2026-11-20", "rate": "1.25", "source": "ecb"}
    ]
    rows = {row["order_id"]: row for row in get("/receivables")["items"]}
    assert (rows[order.pk]["owed"], rows[foreign.pk]["owed_in_shop_currency"]) == ("10.00", "8.00")
    assert len(get("/receivables?currency=USD&limit=1")["items"]) == 1
    assert get("/receivables/ageing")["total"]["total"] == "18.00"
    assert get(f"/store-credit?email={order.email}")["items"][0]["usable"] == "5.00"
    assert client.get("/api/v1/receivables?age=ancient").status_code == 422
    assert Client(headers={"Authorization": f"Bearer {create_token(name='w', role='warehouse')[1]}"}).get("/api/v1/receivables").status_code == 403  # fmt: skip
    with CaptureQueriesContext(connection) as one:
        get("/store-credit?limit=1")
    grant_credit(customer_id=foreign.customer_id, currency="EUR", amount=Decimal(5), reason="", key="g", **WHO)  # type: ignore[arg-type]
    with CaptureQueriesContext(connection) as two:
        assert len(get("/store-credit")["items"]) == 2
    assert len(one) == len(two)


def _broken(check: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(CHECKS[check])
        return cursor.fetchall()


def test_the_audit_names_an_account_that_does_not_add_up() -> None:
    order = make_order(paid=False)
    grant_credit(customer_id=order.customer_id, currency="EUR", amount=Decimal(5), reason="", key="g", **WHO)  # type: ignore[arg-type]
    spend_credit(order_id=order.pk, amount=Decimal(2), key="s", **WHO)
    assert _broken("credit_is_the_sum_of_its_ledger") == _broken("credit_and_orders_agree") == []
    CreditAccount.objects.update(balance=9)
    order.payments.update(amount=3)
    assert _broken("credit_is_the_sum_of_its_ledger")[0][0] == f"credit:{CreditAccount.objects.get().pk}"
    assert _broken("credit_and_orders_agree")[0][0] == f"order:{order.pk}"
