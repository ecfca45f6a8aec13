"""A back-order is filled: goods come in, a person looks at who would get what, gives it as shown, and the customer sees it move."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from backorders.models import LinePromise
from backorders.operations import recompute, save_settings
from orders.models import Order, OrderLine
from purchasing.models import PurchaseOrder
from tests.browser.conftest import Watch, sign_in
from tests.browser.stack import Stack
from tests.browser.test_days_work import audits_are_clean
from tests.factories.purchasing import make_purchase, receive
from tests.factories.shop import ACTOR, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def waiting(transactional_db: None) -> tuple[PurchaseOrder, Order, Order]:
    """A big order and a small one wait for a purchase order of four; a person decides who gets goods that are short."""
    now = timezone.now()
    save_settings(values={"ask_first": True}, actor=ACTOR, now=now)
    place, channel = make_location("Main"), make_channel()
    tee = make_variant("TEE")
    give_stock(tee, place, 1)
    make_order(channel, [("TEE", 1)], now=now)
    big = make_order(channel, [("TEE", 5)], now=now, placed_at=now - timedelta(hours=2))
    small = make_order(channel, [("TEE", 2)], now=now, placed_at=now - timedelta(hours=1))
    purchase = make_purchase([(tee, 4, "3")], location=place)
    PurchaseOrder.objects.update(expected_on=(now + timedelta(days=6)).date())
    recompute([tee.pk], now=now)
    return purchase, big, small


def test_a_back_order_filled(
    chromium: Browser, stack: Stack, watch: Watch, waiting: tuple[PurchaseOrder, Order, Order]
) -> None:
    purchase, big, small = waiting
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "owner")
    page.goto(f"{stack.url}/orders/{big.pk}/")
    expect(page.get_by_text("Waits for goods")).to_be_visible()
    expect(page.get_by_role("link", name=purchase.number)).to_be_visible()
    customer = watch.follow(chromium.new_context().new_page())
    customer.goto(f"{stack.url}/t/{small.token}/")
    expect(customer.locator("h1")).to_contain_text("Waiting for stock")

    receive(purchase, 4, now=timezone.now())
    page.goto(f"{stack.url}/backorders/")
    expect(page.get_by_text("Goods that wait for your decision")).to_be_visible()
    page.get_by_role("link", name="Who gets them").click()
    shares = {name: page.locator(f"[data-plan={name}] tbody tr").all_inner_texts() for name in ("oldest", "complete")}
    assert [big.number in shares["oldest"][0], small.number in shares["complete"][0]] == [True, True]
    page.locator("[data-plan=complete]").get_by_role("button", name="Fill as shown").click()
    expect(page.get_by_text("4 units given to 2 orders.")).to_be_visible()
    units = dict(OrderLine.objects.filter(order__in=[big, small]).values_list("order", "allocated"))
    assert units == {big.pk: 2, small.pk: 2}
    assert list(LinePromise.objects.values_list("order", "units")) == [(big.pk, 3)]

    customer.reload()
    expect(customer.locator("h1")).to_contain_text("We are preparing your order")
    expect(customer.get_by_text("Expected").first).to_be_visible()
    audits_are_clean()
