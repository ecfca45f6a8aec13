"""A purchase order from draft to received in a real browser: written by keys, mailed as PDF, received by scanner."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from core.models import OutgoingMail
from inventory.models import StockLevel
from purchasing.models import PurchaseOrder, Receipt, VariantCost
from tests.browser.conftest import Hand, Watch, sign_in
from tests.browser.stack import Stack, wait_for
from tests.browser.test_days_work import audits_are_clean
from tests.factories.papers import text_of
from tests.factories.purchasing import make_item, make_supplier
from tests.factories.shop import make_location, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TEE, MUG = "5901234123457", "5901234123464"


def test_a_purchase_order_from_draft_to_stock(chromium: Browser, stack: Stack, watch: Watch) -> None:
    supplier, place = make_supplier("Wool & Co"), make_location("Warsaw")
    for sku, barcode, price in (("TEE-S", TEE, "4.50"), ("MUG", MUG, "2.00")):
        make_item(supplier, make_variant(sku, barcode=barcode), price=price, sku=f"W-{sku}")
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "owner")
    order = drafted(page, stack, supplier.pk, place.pk)
    page.locator("h1").click()
    page.keyboard.press("s")  # send by e-mail
    expect(page.locator("h1")).to_contain_text("Sent")
    mailed(order)
    page.goto(f"{stack.url}/purchase-orders/{order.pk}/")
    page.click("text=Other quantities or dates")
    page.fill(f"[name=confirm-quantity-{order.lines.get(variant__sku='MUG').pk}]", "1")
    page.click("form[action$='/confirm/'] button.btn-primary, form[action$='/confirm/'] button.btn")
    expect(page.locator("h1")).to_contain_text("Confirmed")
    received_by_scanner(page, stack, order)
    levels = StockLevel.objects.order_by("variant__sku").values_list("variant__sku", "on_hand", "damaged", "incoming")
    assert list(levels) == [("MUG", 2, 0, 0), ("TEE-S", 2, 1, 0)]
    costed()
    audits_are_clean()


def drafted(page: Page, stack: Stack, supplier: int, place: int) -> PurchaseOrder:
    """From the list to a draft of two lines, by SKU and by barcode."""
    page.goto(f"{stack.url}/purchase-orders/new/")
    page.select_option("[name=supplier]", str(supplier))
    page.select_option("[name=location]", str(place))
    page.click("form button.btn-primary >> text=Begin the draft")
    page.wait_for_url(re.compile(r"/purchase-orders/\d+/$"))
    for code, units in (("TEE-S", "2"), (MUG, "3")):
        page.fill("[name=sku]", code)
        page.fill("[name=quantity]", units)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("#add$"))
        expect(page.locator("form[action$='/edit/'] tbody")).to_contain_text("TEE-S" if code == "TEE-S" else "MUG")
        page.goto(page.url.removesuffix("#add"))
    order = PurchaseOrder.objects.get()
    assert dict(order.lines.values_list("variant__sku", "ordered")) == {"TEE-S": 2, "MUG": 3}
    assert order.total == Decimal("15.00")
    return order


def mailed(order: PurchaseOrder) -> None:
    """The worker draws the order and queues it, once, with the PDF."""
    wait_for("the worker", lambda: OutgoingMail.objects.filter(about=order.subject).exists())
    mail = OutgoingMail.objects.select_related("attachment").get(about=order.subject)
    assert mail.to == order.supplier.email
    paper = text_of(bytes(mail.attachment.data))
    assert order.number in paper
    assert "W-TEE-S" in paper


def received_by_scanner(page: Page, stack: Stack, order: PurchaseOrder) -> None:
    """A wrong item is refused, one is damaged, one more than confirmed comes and needs a reason."""
    make_variant("PEN", barcode="5901234123471")
    page.goto(f"{stack.url}/purchase-orders/receive/")
    hand = Hand(page)
    hand.scan(order.number)
    page.wait_for_url(re.compile(f"/{order.pk}/receive/"))
    expect(page.locator("[data-scan]")).to_be_focused()
    hand.scan("5901234123471")
    expect(page.locator(".floor-answer-wrong")).to_contain_text("is not on this order")
    hand.scan(TEE)
    expect(page.locator(".floor-answer-right")).to_contain_text("1 of 2")
    page.wait_for_timeout(400)  # the answer has settled, and with it the key
    page.keyboard.press("F4")
    hand.scan(TEE)
    expect(page.locator(".floor-answer-right")).to_contain_text("Damaged")
    page.keyboard.press("F4")
    hand.scan(MUG)
    expect(page.locator(".floor-answer-right")).to_contain_text("Everything is counted")
    hand.scan(MUG)
    expect(page.locator(".floor-answer-wrong")).to_contain_text("1 more than expected")
    page.fill("[name=reason]", "one for free")
    page.click("button[name=action][value=book]")
    expect(page.locator(".floor-answer-right")).to_contain_text(f"{order.number} is complete")
    assert Receipt.objects.get().reason == "one for free"
    assert PurchaseOrder.objects.get(pk=order.pk).state == "received"


def costed() -> None:
    """The worker follows the ledger: two mugs at 2.00, two tees at 4.50."""
    wait_for("the worker", lambda: VariantCost.objects.filter(units__gt=0).count() == 2)
    assert dict(VariantCost.objects.values_list("variant__sku", "average_value")) == {
        "MUG": Decimal(4),
        "TEE-S": Decimal(9),
    }
