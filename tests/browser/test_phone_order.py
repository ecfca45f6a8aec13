"""A phone order in a real browser: composed by keys and scanner, held, sent, accepted by the customer, paid in person, with its stock."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from core.actors import Actor
from core.models import OutgoingMail
from customers.models import Customer
from drafts.models import DraftOrder, HeldStock
from drafts.operations import send_draft
from inventory.models import StockLevel, Variant
from invoicing.models import Document
from orders.models import Order, TaxRate
from tests.browser.conftest import Hand, Watch, sign_in
from tests.browser.stack import Stack, wait_for
from tests.browser.test_days_work import audits_are_clean
from tests.factories.drafts import HOME, make_draft
from tests.factories.papers import text_of
from tests.factories.shop import give_stock, make_channel, make_location, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TEE, MUG = "5901234123457", "5901234123464"


@pytest.fixture
def goods(stack: Stack) -> None:
    """A tee, a mug and three hats in stock, Poland's tax, a customer of old."""
    place = make_location("Warsaw")
    make_channel(kind="phone", name="Phone", hold_unpaid=True)
    for sku, barcode, price in (("TEE-S", TEE, "20"), ("MUG", MUG, "8.50")):
        give_stock(make_variant(sku, barcode=barcode, price=Decimal(price)), place, 10)
    for size in "SML":
        make_variant(f"HAT-{size}", title=f"Felt hat {size}", search_text=f"hat {size.lower()} felt hat")
    TaxRate.objects.create(country="PL", name="VAT", rate=Decimal("0.23"))
    Customer.objects.create(
        email="zofia@example.com", name="Zofia Kowalska", phone="+48 600 123 456", language="en", address=HOME.to_json()
    )


def test_a_phone_order_from_the_first_scan_to_the_paid_order(
    chromium: Browser, stack: Stack, watch: Watch, goods: None
) -> None:
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "owner")
    draft = composed(page, stack)
    held_and_sent(page, draft)
    draft.refresh_from_db()
    customer_looks(chromium, stack, watch, draft)
    page.click("summary:has-text('Paid in person')")
    page.select_option("[name=method]", "Card terminal")
    page.focus("button[value=paid]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+/$"))
    expect(page.locator("h1 + p")).to_contain_text("Paid")
    order = Order.objects.get()
    assert (order.payment, order.captured_total, order.on_hold) == ("paid", Decimal("43.65"), False)
    assert dict(order.lines.values_list("sku", "allocated")) == {"TEE-S": 2, "MUG": 1, "HAT-M": 0, "CUSTOM": 1}
    assert not HeldStock.objects.exists()
    assert list(StockLevel.objects.order_by("variant__sku").values_list("variant__sku", "reserved")) == [
        ("MUG", 1),
        ("TEE-S", 2),
    ]
    audits_are_clean()


def composed(page: Page, stack: Stack) -> DraftOrder:
    """Nothing but keys: the customer by three letters, goods by scanner and by title, a discount, a line of words."""
    hand = Hand(page)
    page.goto(f"{stack.url}/drafts/new/")
    hand.press("1")
    page.wait_for_url(re.compile(r"/drafts/\d+/$"))
    expect(page.locator("#who")).to_be_focused()
    page.keyboard.type("kow")
    expect(page.locator("#draft-people [data-choice]")).to_have_count(1)
    hand.press("ArrowDown")
    hand.press("Enter")
    expect(page.locator("[name=email]")).to_have_value("zofia@example.com")
    expect(page.locator("#code")).to_be_focused()
    for code in (TEE, MUG, TEE):  # faster than the server answers: none is lost
        hand.scan(code)
    expect(page.locator("#draft-lines tbody tr")).to_have_count(2)
    expect(page.locator("[data-total]")).to_have_text("€48.50")
    page.keyboard.type("hat")
    expect(page.locator("#draft-choices [data-choice]")).to_have_count(3)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        hand.press(key)
    expect(page.locator("#draft-lines tbody tr")).to_have_count(3)
    draft = DraftOrder.objects.get()
    hat = draft.lines.get(variant__sku__startswith="HAT")
    page.fill(f"[name=price-{hat.pk}]", "0")
    page.keyboard.press("Tab")
    expect(page.locator("[data-total]")).to_have_text("€48.50")
    page.fill("[name=discount]", "10%")
    page.keyboard.press("Tab")
    expect(page.locator("[data-total]")).to_have_text("€43.65")
    page.click("summary:has-text('no product')")
    page.fill("[name=custom_title]", "Gift wrap")
    page.fill("[name=custom_price]", "0")
    page.focus("button[value=custom]")
    hand.press("Enter")
    expect(page.locator("#draft-lines tbody tr")).to_have_count(4)
    draft.refresh_from_db()
    assert (draft.total, draft.tax_total, draft.units) == (Decimal("43.65"), Decimal("8.16"), 5)
    return draft


def held_and_sent(page: Page, draft: DraftOrder) -> None:
    """The stock is held for two days, and the offer goes out with its paper."""
    page.click("summary:has-text('Hold the stock')")
    page.focus("button[value=hold]")
    page.keyboard.press("Enter")
    expect(page.locator("#draft-lines")).to_contain_text("Held")
    assert dict(HeldStock.objects.values_list("variant__sku", "quantity")) == {"TEE-S": 2, "MUG": 1}
    page.focus("button[value=send]")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Invoice sent")
    wait_for("the worker", lambda: OutgoingMail.objects.filter(about=draft.subject).exists())
    mail = OutgoingMail.objects.select_related("attachment").get(about=draft.subject)
    assert mail.to == "zofia@example.com"
    assert f"/offer/{draft.token}/" in mail.text
    paper = Document.objects.get(subject=draft.subject)
    assert (paper.kind, paper.total) == ("pro_forma", Decimal("43.65"))
    assert paper.number in text_of(bytes(mail.attachment.data))


def customer_looks(chromium: Browser, stack: Stack, watch: Watch, draft: DraftOrder) -> None:
    """On a phone, without a login: what it comes to and a button to accept it."""
    phone = watch.follow(chromium.new_context(viewport={"width": 390, "height": 844}).new_page())
    phone.goto(f"{stack.url}/offer/{draft.token}/")
    expect(phone.locator("main")).to_contain_text("€43.65")
    expect(phone.locator("button:has-text('Accept and pay')")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.context.close()


def test_what_the_customer_accepts_is_an_order_at_once(
    chromium: Browser, stack: Stack, watch: Watch, goods: None
) -> None:
    draft = make_draft([(Variant.objects.get(sku="TEE-S"), 2)], now=timezone.now())
    draft = send_draft(draft_id=draft.pk, mail=False, actor=Actor.system("test"), now=timezone.now())
    phone = watch.follow(chromium.new_context(viewport={"width": 390, "height": 844}).new_page())
    phone.goto(f"{stack.url}/offer/{draft.token}/")
    phone.click("button:has-text('Accept and pay')")
    order = wait_for("the order", Order.objects.first)
    phone.wait_for_url(re.compile(order.token))
    assert order.holds.filter(kind="payment", released_at__isnull=True).exists()
    audits_are_clean()
