"""The customers list and the page of a customer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import TimelineEntry
from customers.models import Customer
from customers.views import bought_by
from oms.orchestration.cancel_order import cancel_order
from orders.operations import record_refund
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]


def html(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def test_what_a_customer_spent_leaves_out_what_was_cancelled_and_refunded_and_keeps_currencies_apart() -> None:
    give_stock(make_variant("AB-1"), make_location(), 99)
    euro, dollar = make_channel(), make_channel(currency="USD")
    kept = make_order(euro, [("AB-1", 3)], email="z@example.com")
    cancelled = make_order(euro, [("AB-1", 5)], email="Z@example.com", placed_at=NOW - timedelta(days=9))
    make_order(dollar, [("AB-1", 2)], email="z@example.com")
    cancel_order(order_id=cancelled.pk, reason="", actor=ACTOR, now=NOW)
    record_refund(order_id=kept.pk, amount=Decimal(10), reason="broken", key="r", actor=ACTOR, now=NOW)
    found = {one.currency: one for one in bought_by(Customer.objects.get())}
    assert (found["EUR"].orders, found["EUR"].spent, found["EUR"].refunded) == (1, Decimal(20), Decimal(10))
    assert found["USD"].spent == Decimal(20)


def test_customers_are_found_by_what_their_orders_know(client_as: SignIn) -> None:
    make_order(customer_name="Łukasz Żak", email="l@example.com")
    make_order(customer_name="Zofia Kowalska", email="z@example.com")
    page = html(client_as("support").get("/customers/", {"q": "lukasz"}))
    assert "Łukasz Żak" in page
    assert "Zofia Kowalska" not in page


def test_the_list_costs_the_same_for_one_customer_and_for_many(client_as: SignIn) -> None:
    client = client_as("owner")
    counts = []
    for count in (1, 3):
        for _n in range(count):
            make_order()
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            html(client.get("/customers/"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_change_is_kept_with_its_difference(client_as: SignIn) -> None:
    make_order(email="z@example.com")
    customer = Customer.objects.get()
    form = {"name": "Zofia Nowak", "phone": "", "language": "pl", "note": "prefers mornings"}
    client = client_as("support")
    assert client.post(f"/customers/{customer.pk}/", form).status_code == 302
    entry = TimelineEntry.objects.get(subject=f"customer:{customer.pk}")
    assert entry.data["changes"]["name"] == ["Zofia Kowalska", "Zofia Nowak"]
    page = html(client.get(f"/customers/{customer.pk}/"))
    assert re.search(r"<del><bdi>Zofia Kowalska</bdi></del>", page)


@pytest.mark.parametrize(
    ("role", "read", "write"), [("viewer", 200, 403), ("warehouse", 403, 403), ("support", 200, 302)]
)
def test_who_may_read_and_write(client_as: SignIn, role: str, read: int, write: int) -> None:
    make_order(email="z@example.com")
    customer = Customer.objects.get()
    client = client_as(role)
    assert client.get(f"/customers/{customer.pk}/").status_code == read
    assert (
        client.post(f"/customers/{customer.pk}/", {"name": "X", "phone": "", "language": "", "note": ""}).status_code
        == write
    )
