"""A merchant changes how orders are routed: by keyboard, tried on the open orders and on one, published, and found again in an order's receipt."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from inventory.models import Location
from oms.orchestration.route_order import route_order
from routing.models import RoutingDecision, RuleSet
from tests.browser.conftest import Watch, sign_in
from tests.browser.stack import Stack
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_rules_are_changed_without_fear(chromium: Browser, stack: Stack, watch: Watch) -> None:
    Location.objects.update(active=False)
    home, abroad = make_location("Warszawa", country="PL", rank=9), make_location("Berlin", country="DE", rank=1)
    variant = make_variant("MUG")
    give_stock(variant, home, 9), give_stock(variant, abroad, 9)
    order = make_order(make_channel(), [("MUG", 1)], number="#5001")
    page = watch.follow(chromium.new_page(viewport={"width": 1280, "height": 900}))
    sign_in(page, stack, "owner")

    page.goto(f"{stack.url}/routing/")
    page.click("text=Edit the rules")
    button = page.locator("#up-rankers-ranked_locations-0")
    for place in (3, 2, 1):
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#rule-editor p[role=status]")).to_have_text(f"“Ranked locations” is now in place {place}.")
        assert page.evaluate("document.activeElement.id") == "up-rankers-ranked_locations-0"

    page.click("text=See what would change")
    expect(page.locator("#compared")).to_contain_text("1 order would go another way.")
    expect(page.locator("#compared")).to_contain_text("Berlin ships everything in one parcel: ranked before Warszawa")
    page.click("text=Try on one order")
    page.fill("main [name=q]", "5001")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_have_text("Berlin ships everything in one parcel: ranked before Warszawa.")
    assert not RuleSet.objects.exists()
    assert RoutingDecision.objects.count() == 1

    page.click("text=Back to the draft")
    page.fill("[name=note]", "Germany first")
    page.click("text=Make it live")
    expect(page.locator("h1")).to_contain_text("Version 1")
    expect(page.locator(".timeline")).to_contain_text("Germany first")

    route_order(order_id=order.pk, actor=ACTOR, now=NOW, again=True)
    page.goto(f"{stack.url}/orders/{order.pk}/")
    page.click("text=receipt >> nth=0")
    expect(page.locator(".verdict")).to_have_text("Berlin ships everything in one parcel: ranked before Warszawa.")
    expect(page.locator(".decides >> nth=0")).to_contain_text("Ranked locations")
