"""The search over everything: one field finds any order by any of its data, and goes straight to the only thing meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from tests.factories.fulfillment import make_work
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]
IN_PALETTE = {"HX-Request": "true", "HX-Target": "palette-results"}


def html(response: Any) -> str:
    assert response.status_code == 200, response.content[:2000]
    return response.content.decode()


@pytest.mark.parametrize("text", ["#1042", "1042", "  #1042 "])
def test_a_number_leads_straight_to_its_order(client_as: SignIn, text: str) -> None:
    order = make_order(number="#1042")
    make_order(number="#10421")
    assert client_as("viewer").get("/search/", {"q": text})["Location"] == f"/orders/{order.pk}/"


def test_the_number_of_a_work_order_leads_to_it(client_as: SignIn) -> None:
    work = make_work()
    assert client_as("warehouse").get("/search/", {"q": work.number.lower()})["Location"] == f"/fulfillment/{work.pk}/"


def test_a_sku_leads_to_its_product(client_as: SignIn) -> None:
    variant = make_variant("AB-12/c")
    assert client_as("viewer").get("/search/", {"q": "AB-12/c"})["Location"] == f"/products/{variant.product_id}/"


def test_an_address_leads_to_its_customer(client_as: SignIn) -> None:
    for _n in range(2):
        make_order(email="zofia@example.com")
    customer = Order.objects.values_list("customer", flat=True).first()
    assert client_as("support").get("/search/", {"q": "Zofia@Example.com"})["Location"] == f"/customers/{customer}/"


def test_several_things_are_listed_by_kind(client_as: SignIn) -> None:
    location = make_location()
    give_stock(make_variant("KOW-1", search_text="kow 1 kow1"), location, 5)
    make_order(make_channel(), [("KOW-1", 1)], customer_name="Zofia Kowalska")
    page = html(client_as("owner").get("/search/", {"q": "kow"}))
    assert [page.index(kind) for kind in ("<h2>Orders", "<h2>Products", "<h2>Customers")] == sorted(
        page.index(kind) for kind in ("<h2>Orders", "<h2>Products", "<h2>Customers")
    )


def test_results_while_typing_are_a_fragment_and_never_lead_away(client_as: SignIn) -> None:
    order = make_order(number="#1042")
    part = html(client_as("viewer").get("/search/", {"q": "1042"}, headers=IN_PALETTE))
    assert "<html" not in part
    assert f'href="/orders/{order.pk}/"' in part


def test_people_find_only_what_they_may_see(client_as: SignIn) -> None:
    make_order(email="zofia@example.com", customer_name="Zofia Kowalska")
    assert "<h2>Customers" in html(client_as("support").get("/search/", {"q": "zofia"}, headers=IN_PALETTE))
    assert "<h2>Customers" not in html(client_as("warehouse").get("/search/", {"q": "zofia"}, headers=IN_PALETTE))


@pytest.mark.parametrize("text", ["", "   ", "!!!", "' | !x:*", "\x00", "é" * 5000, "%", "a & b | (c"])
def test_no_text_breaks_it(client_as: SignIn, text: str) -> None:
    make_order()
    html(client_as("owner").get("/search/", {"q": text}))


def test_markup_in_what_was_typed_is_text(client_as: SignIn) -> None:
    assert "<img" not in html(client_as("owner").get("/search/", {"q": "<img src=x onerror=alert(1)>"})).replace(
        '<img src="/static', ""
    )


def test_more_results_cost_no_more_statements(client_as: SignIn) -> None:
    client = client_as("owner")
    counts = []
    for count in (1, 4):
        for _n in range(count):
            make_order(customer_name="Zofia Kowalska")
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get("/search/", {"q": "zofia"}, headers=IN_PALETTE)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 13
