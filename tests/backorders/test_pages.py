"""The pages of back-orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backorders.models import FillingSettings
from backorders.operations import recompute
from orders.models import OrderLine
from purchasing.models import PurchaseOrder
from tests.backorders.test_filling import Shop
from tests.factories.purchasing import make_purchase
from tests.factories.shop import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db) -> Shop:
    found = Shop()
    found.purchase = make_purchase([(found.tee, 7, "2")], location=found.place)
    PurchaseOrder.objects.update(expected_on=NOW.date() + timedelta(days=9))
    recompute([found.tee.pk, found.mug.pk], now=NOW)
    return found


def statements(client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return len(found)


class TestList:
    def test_it_says_who_waits_for_what(self, shop, client_as) -> None:
        page = client_as("viewer").get(reverse("backorders")).content.decode()
        assert shop.big.number in page and shop.purchase.number in page and "As promised" in page
        assert "No day yet" in page

    @pytest.mark.parametrize(
        ("query", "numbers"),
        [
            ("sku=MUG", {"mixed"}),
            ("source=none", {"small", "mixed"}),
            ("tab=open", {"small", "mixed"}),
            ("tab=late", set()),
            ("tab=here", set()),
            ("number={purchase}", {"big", "small"}),
        ],
    )
    def test_filters_and_tabs(self, shop, client_as, query: str, numbers: set[str]) -> None:
        url = f"{reverse('backorders')}?{query.format(purchase=shop.purchase.number)}"
        page = client_as("viewer").get(url).content.decode()
        assert {name for name in ("big", "small", "mixed") if f">{getattr(shop, name).number}<" in page} == numbers

    def test_it_can_be_taken_away_as_a_file(self, shop, client_as) -> None:
        answer = client_as("viewer").get(f"{reverse('backorders')}?export=csv")
        text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
        assert shop.purchase.number in text and "TEE" in text

    def test_a_fixed_number_of_statements(self, shop, client_as) -> None:
        client = client_as("owner")
        url = reverse("backorders")
        few = statements(client, url)
        for n in range(5):
            shop.order([("TEE", 1)], 10 + n)
        recompute([shop.tee.pk], now=NOW)
        assert statements(client, url) == few


class TestVariant:
    def test_the_plans_stand_side_by_side(self, shop, client_as) -> None:
        shop.arrive(5)
        page = client_as("viewer").get(reverse("backorder", args=[shop.tee.pk])).content.decode()
        assert page.count("data-plan=") == 4 and "Fill as shown" not in page, "a viewer looks"
        assert "Fill as shown" in client_as("owner").get(reverse("backorder", args=[shop.tee.pk])).content.decode()

    def test_a_fixed_number_of_statements(self, shop, client_as) -> None:
        client = client_as("owner")
        shop.arrive(5)
        url = reverse("backorder", args=[shop.tee.pk])
        few = statements(client, url)
        for n in range(4):
            shop.order([("TEE", 1)], 10 + n)
            make_purchase([(shop.tee, 1, "2")], location=shop.place)
        recompute([shop.tee.pk], now=NOW)
        assert statements(client, url) == few

    def test_filled_as_shown_and_not_twice(self, shop, client_as) -> None:
        client = client_as("operations")
        shop.arrive(5)
        url = reverse("backorder", args=[shop.tee.pk])
        form = {"strategy": "complete", "digest": client.get(url).context["plans"][1].digest}
        chosen = {plan.strategy: plan.digest for plan in client.get(url).context["plans"]}
        form["digest"] = chosen["complete"]
        answer = client.post(reverse("backorder-fill", args=[shop.tee.pk]), form, follow=True)
        assert "5 units given to 2 orders." in answer.content.decode()
        assert OrderLine.objects.get(order=shop.small).allocated == 2
        again = client.post(reverse("backorder-fill", args=[shop.tee.pk]), form)
        assert again.status_code == 409 and "Look again" in again.content.decode()

    def test_support_may_look_and_not_fill(self, shop, client_as) -> None:
        assert client_as("support").post(reverse("backorder-fill", args=[shop.tee.pk])).status_code == 403
        assert client_as("support").get(reverse("backorder-settings")).status_code == 403


class TestSettings:
    def test_saved_with_a_history(self, shop, client_as) -> None:
        client, url = client_as("owner"), reverse("backorder-settings")
        form = {"strategy": "complete", "quiet_days": "5", "tell_first": "on"}
        page = client.post(url, form, follow=True).content.decode()
        saved = FillingSettings.objects.get()
        assert (saved.strategy, saved.ask_first, saved.quiet_days, saved.tell_first) == ("complete", False, 5, True)
        assert "Most complete orders" in page and "Nothing was changed" not in page
        assert client.post(url, {"strategy": "whoever", "quiet_days": "5"}).status_code == 422
        assert client.post(url, {"strategy": "oldest", "quiet_days": "9999"}).status_code == 422


class TestOrderPage:
    def test_what_waits_for_what_stands_on_it(self, shop, client_as) -> None:
        page = client_as("support").get(reverse("order", args=[shop.big.pk])).content.decode()
        assert "Waits for goods" in page and shop.purchase.number in page

    def test_it_costs_an_order_nothing_that_has_all_it_wants(self, shop, client_as) -> None:
        shop.arrive(20)
        shop.fill("oldest")
        shop.big.refresh_from_db()
        client = client_as("support")
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("order", args=[shop.big.pk]))
        assert not any("backorders_" in query["sql"] for query in found)
