"""Who owes what: amounts, ages, currencies, the plan on many orders, reminders, and what is owed to customers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.models import OutgoingMail, Shop
from currencies.ecb import Quoted
from currencies.operations import take_rates
from oms.orchestration.cancel_order import cancel_order
from orders.models import Order
from orders.operations import record_payment, record_refund
from payments.receivables import BUCKETS, ageing, bucket_of, debtors, overpayments, receivables
from tests.factories.shop import NOW, make_channel, make_order

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def shop(db: None) -> Shop:
    return Shop.objects.create(name="Shop", currency="EUR", time_zone="Europe/Warsaw")


def owing(*, days: int = 0, currency: str = "EUR", **fields: Any) -> Order:
    """An unpaid order of 10 that has been due for so many days."""
    order = make_order(make_channel(currency=currency), paid=False, **fields)
    Order.objects.filter(pk=order.pk).update(payment_due_on=TODAY - timedelta(days=days))
    return Order.objects.get(pk=order.pk)


@given(days=st.integers(-400, 4000))
def test_every_age_is_in_one_bucket_in_python_and_in_sql(days: int) -> None:
    due = TODAY - timedelta(days=days)
    found = [
        n
        for n, one in enumerate(BUCKETS)
        if (one.first is None or days >= one.first) and (one.last is None or days <= one.last)
    ]
    assert [BUCKETS.index(bucket_of(due, TODAY))] == found
    with connection.cursor() as cursor:
        cursor.execute("SELECT least(greatest((%s::date - %s::date + 29) / 30, 0), 4)", [TODAY, due])
        assert [cursor.fetchone()[0]] == found


def test_what_is_owed_by_age_and_currency_and_in_the_shops() -> None:
    take_rates([Quoted(TODAY, "USD", Decimal("3"))])
    for days in (0, 1, 30, 31, 60, 61, 90, 91):
        owing(days=days)
    owing(days=5, currency="USD")
    owing(days=5, currency="ISK")
    make_order()  # paid
    found = ageing(own="EUR", today=TODAY)
    euro, *others = found.by_currency
    assert (euro.currency, euro.amounts) == ("EUR", [10, 20, 20, 20, 10])
    assert {one.currency: one.amounts[1] for one in others} == {"USD": 10, "ISK": 10}
    assert found.total.amounts == [10, Decimal("23.33"), 20, 20, 10]  # 10 USD at 1/3; of the krona nobody knows
    assert (found.total.orders, found.total.unrated) == (10, 1)
    rows = list(receivables("EUR"))
    assert len(rows) == 10
    assert sum(row.owed_own or 0 for row in rows) == found.total.total
    assert {(row.owed, row.owed_by_customer) for row in rows} == {(Decimal(10), Decimal(10))}


def test_without_terms_an_order_is_due_on_the_day_it_was_placed_in_the_shops_zone() -> None:
    order = make_order(paid=False, placed_at=NOW.replace(hour=23, minute=30))
    assert receivables("EUR").get(pk=order.pk).due == TODAY + timedelta(days=1)
    assert ageing(own="EUR", today=TODAY + timedelta(days=2)).total.amounts[1] == 10


def test_partly_paid_refunded_and_cancelled_orders_owe_what_is_left() -> None:
    partly, refunded, cancelled = owing(), owing(), owing()
    record_payment(order_id=partly.pk, amount=Decimal(4), method="cash", key="k", actor=ACTOR, now=NOW)
    record_payment(order_id=refunded.pk, amount=Decimal(10), method="cash", key="k", actor=ACTOR, now=NOW)
    record_refund(order_id=refunded.pk, amount=Decimal(3), reason="goodwill", key="r", actor=ACTOR, now=NOW)
    cancel_order(order_id=cancelled.pk, reason="", actor=ACTOR, now=NOW)
    assert {order.pk: order.owed for order in receivables("EUR")} == {partly.pk: Decimal(6)}


def test_who_paid_too_much_is_on_the_other_list() -> None:
    paid = make_order()
    record_payment(order_id=paid.pk, amount=Decimal(2), method="bank", key="k", settled=True, actor=ACTOR, now=NOW)
    cancelled = make_order()
    cancel_order(order_id=cancelled.pk, reason="", actor=ACTOR, now=NOW)
    assert {order.pk: order.owed for order in overpayments("EUR")} == {paid.pk: Decimal(2), cancelled.pk: Decimal(10)}
    assert not receivables("EUR").exists()
    record_refund(order_id=paid.pk, amount=Decimal(2), reason="", key="r", actor=ACTOR, now=NOW)
    assert [order.pk for order in overpayments("EUR")] == [cancelled.pk]


def test_by_customer_those_who_owe_most_first() -> None:
    take_rates([Quoted(TODAY, "USD", Decimal("2"))])
    for days in (3, 40):
        owing(days=days, email="big@example.com")
    owing(days=2, email="small@example.com")
    owing(email="small@example.com", currency="USD")
    owing(email="")
    found = debtors(own="EUR", today=TODAY)
    assert [(one.email, one.aged.total) for one in found] == [
        ("big@example.com", 20),
        ("small@example.com", 15),
        ("", 10),
    ]
    assert (found[0].oldest, found[0].aged.amounts) == (TODAY - timedelta(days=40), [0, 10, 10, 0, 0])
    assert found[1].by_currency == {"EUR": 10, "USD": 10}


def _plan(statement: str, params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement, params)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_on_many_orders_the_few_that_owe_are_found_by_their_index() -> None:
    order = make_order()
    columns = [
        f.column for f in Order._meta.concrete_fields if f.column not in ("id", "external_id", "token", "search")
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO orders_order (external_id, token, {names}) "
            f"SELECT 'many-' || n, 'many-' || n, {names} FROM orders_order, generate_series(1, 20000) n WHERE id = %s",
            [order.pk],
        )
        cursor.execute("UPDATE orders_order SET captured_total = captured_total + 1 WHERE mod(id, 2000) = 7")
        cursor.execute("ANALYZE orders_order")
    owing()
    for queryset, index in ((receivables("EUR"), "order_owing"), (overpayments("EUR"), "order_overpaid")):
        assert index in _plan(*queryset.order_by("due", "id")[:50].query.sql_with_params())
    from payments import receivables as module

    values = {"own": "EUR", "today": TODAY, "zone": "UTC", "decimals": 2, "most": 5}
    for statement in (module._AGES, module._DEBTORS):
        assert "order_owing" in _plan(statement, values)


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_the_page_shows_sums_rows_and_tabs(client_as: Any) -> None:
    client: Client = client_as("finance")
    assert client.get("/receivables/").status_code == 200  # nothing is owed
    late, fresh = owing(days=45, email="late@example.com"), owing(days=-10)
    page = client.get("/receivables/").content.decode()
    assert late.number in page and fresh.number in page and "€20.00" in page
    tab = client.get("/receivables/?tab=days-60").content.decode()
    assert late.number in tab and fresh.number not in tab
    assert (
        late.number in client.get("/receivables/?q=late@example.com&sort=-owed&currency=eur&terms=yes").content.decode()
    )
    assert "late@example.com" in client.get("/receivables/customers/").content.decode()
    file = b"".join(client.get("/receivables/?export=csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert late.number in file and "10.0000" in file
    assert client.get("/receivables/overpaid/").status_code == 200


def test_reminders_go_out_once_a_day_with_the_link_and_the_account_to_pay_to(client_as: Any) -> None:
    from payments.models import PaymentMethod

    PaymentMethod.objects.update_or_create(
        name="Bank transfer", defaults={"kind": "bank_transfer", "instructions": "IBAN PL61 1090", "offered": True}
    )
    client: Client = client_as("finance")
    order, silent = owing(days=45, email="late@example.com"), owing(email="")
    act = {"action": "remind", "id": [order.pk, silent.pk], "confirmed": "1"}
    for _twice in range(2):
        client.post("/receivables/", act)
    mail = OutgoingMail.objects.get(about=order.subject)
    assert mail.to == "late@example.com"
    for word in (order.number, "€10.00", order.token, "IBAN PL61 1090"):
        assert word in mail.text
    assert not OutgoingMail.objects.filter(about=silent.subject).exists()
    assert "Reminder of €10.00 sent" in client.get(f"/orders/{order.pk}/").content.decode()
    assert client_as("support").post("/receivables/", act).status_code == 403


@pytest.mark.parametrize("path", ["/receivables/", "/receivables/customers/", "/receivables/overpaid/"])
def test_a_page_costs_the_same_for_few_and_many(client_as: Any, path: str) -> None:
    client: Client = client_as("finance")

    def more(n: int) -> None:
        for k in range(n):
            owing(days=40 * k, currency="EUR" if k % 2 else "USD")
            record_payment(
                order_id=make_order().pk, amount=Decimal(2), method="bank", key="k", settled=True, actor=ACTOR, now=NOW
            )

    more(1)
    client.get(path)
    with CaptureQueriesContext(connection) as one:
        client.get(path)
    more(4)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(one) == len(many)


def test_a_due_day_of_the_order_counts_before_the_day_it_was_placed() -> None:
    order = owing(days=-14)
    assert receivables("EUR").get(pk=order.pk).due == date(2026, 12, 4)
