"""Stock runs low while nobody looks: an alert, the page where it is ordered, a draft, and its approval."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from purchasing.models import PurchaseOrder
from replenishment.models import Alert
from tests.browser.conftest import Hand, Watch, sign_in
from tests.browser.stack import Stack, wait_for
from tests.factories.purchasing import make_item, make_supplier
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant
from tests.replenishment.stock import set_point

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_an_alert_becomes_an_approved_order(chromium: Browser, stack: Stack, watch: Watch) -> None:
    place, variant = make_location("Warszawa"), make_variant("MUG")
    make_item(make_supplier("Potter"), variant, price="4", pack_size=12, preferred=True)
    give_stock(variant, place, 9)
    set_point(variant, place, 5, 20)
    page = watch.follow(chromium.new_page(viewport={"width": 1280, "height": 900}))
    sign_in(page, stack, "owner")

    make_order(make_channel(), [("MUG", 5)])  # the worker hears of it
    wait_for("the alert", lambda: Alert.objects.filter(state="open").exists())
    page.goto(f"{stack.url}/alerts/")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list tbody")).to_contain_text("MUG")

    hand = Hand(page)
    hand.click("#list tbody input[type=checkbox]")
    hand.click("button[value=reorder]")
    page.wait_for_url("**/reorder/plan/**")
    expect(page.locator("main")).to_contain_text("whole packs (+8)")
    page.fill("main input[name^=units-]", "24")
    hand.click("button[value=order]")
    page.wait_for_url("**/purchase-orders/**")
    expect(page.locator("h1")).to_contain_text("To approve")
    order = PurchaseOrder.objects.get()
    assert (order.awaits_approval, order.units) == (True, 24)
    hand.click("button[value=approve]")
    wait_for("the approval", lambda: PurchaseOrder.objects.get().approved_at)
    expect(page.locator("h1")).not_to_contain_text("To approve")
    assert hand.clicks == 4

    page.set_viewport_size({"width": 360, "height": 780})
    for path in ("/alerts/", "/reorder/", "/reorder/points/", f"/alerts/{Alert.objects.get().pk}/"):
        page.goto(f"{stack.url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 361, path
