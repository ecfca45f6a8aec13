"""A customer moves: the address is changed in a real browser, seen before it is done, and the parcel leaves from elsewhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from core.permissions import Role
from fulfillment.models import FulfillmentOrder
from orders.models import ChangeOrder, Order
from tests.browser.conftest import Watch, sign_in
from tests.browser.stack import Stack
from tests.browser.test_days_work import audits_are_clean
from tests.factories.shop import give_stock, make_location, make_order, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PHONE = {"viewport": {"width": 375, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def order(transactional_db: None) -> Order:
    """Two lamps for Kraków, which leave from Warsaw; Berlin has lamps and bulbs too."""
    warsaw, berlin = make_location("Warsaw"), make_location("Berlin", country="DE", latitude=52.5, longitude=13.4)
    for sku in ("LAMP", "BULB"):
        variant = make_variant(sku, title=sku.title())
        give_stock(variant, warsaw, 9), give_stock(variant, berlin, 9)
    return make_order(lines=[("LAMP", 2)])


def test_an_address_change_that_routes_again(chromium: Browser, stack: Stack, watch: Watch, order: Order) -> None:
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, Role.OWNER)
    page.goto(f"{stack.url}/orders/{order.pk}/")
    page.click("text=Change…")
    page.fill("[name=ship-line1]", "Lange Straße 5")
    page.fill("[name=ship-city]", "Berlin")
    page.fill("[name=ship-postal_code]", "10115")
    page.select_option("[name=ship-country]", "DE")
    page.fill("[name=add-0-sku]", "BUL")
    expect(page.locator("#sku-suggestions option")).to_have_attribute("value", "BULB")
    page.fill("[name=add-0-sku]", "BULB")
    page.keyboard.press("Enter")  # shows what it does, as the button does
    effect = page.locator("#change-effect")
    expect(effect).to_contain_text("Berlin")
    expect(effect).to_contain_text("Owed by the customer")
    assert not ChangeOrder.objects.exists() and FulfillmentOrder.objects.get().location.name == "Warsaw"
    page.fill("[name=reason]", "she moved")
    page.click("button[value=submit]")
    page.wait_for_url(re.compile(rf"/orders/{order.pk}/$"))
    expect(page.locator("#changes")).to_contain_text("Change 1")
    work = FulfillmentOrder.objects.get(state="open")
    assert (work.location.name, work.units) == ("Berlin", 3)
    order.refresh_from_db()
    assert (order.ship_country, order.owed_by_customer) == ("DE", 10)
    audits_are_clean()


def test_the_page_fits_a_phone_and_works_without_scripts(
    chromium: Browser, stack: Stack, watch: Watch, order: Order
) -> None:
    page = watch.follow(chromium.new_context(java_script_enabled=False, **PHONE).new_page())
    sign_in(page, stack, Role.OWNER)
    page.goto(f"{stack.url}/orders/{order.pk}/change/")
    line = order.lines.get()
    page.fill(f"[name=units-{line.pk}]", "1")
    page.click("button.btn[value=preview]")
    expect(page.locator("#change-effect")).to_contain_text("To be refunded")
    page.click("button[value=submit]")
    page.wait_for_url(re.compile(rf"/orders/{order.pk}/refunds/$"))
    assert page.input_value("[name=amount]") == "10.00"
