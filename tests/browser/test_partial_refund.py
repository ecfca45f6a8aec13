"""A part never comes and one piece was scratched: what waits is cancelled, both are paid back, and the order still ends well."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from core.permissions import Role
from invoicing.models import Document
from orders.models import Order
from tests.browser.conftest import Watch, sign_in
from tests.browser.stack import Stack
from tests.browser.test_days_work import audits_are_clean
from tests.factories.papers import text_of
from tests.factories.returns import send
from tests.factories.shop import give_stock, make_location, make_order, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order(transactional_db: None) -> Order:
    """Three lamps, paid; two have left, one waits for stock."""
    give_stock(make_variant("LAMP", title="Lamp"), make_location("Warsaw"), 2)
    made = make_order(lines=[("LAMP", 3)])
    send(made, now=timezone.now())
    return Order.objects.get(pk=made.pk)


def test_partial_cancel_and_refund_of_a_shipped_order(
    chromium: Browser, stack: Stack, watch: Watch, order: Order
) -> None:
    assert (order.fulfillment, order.payment, order.total) == ("partially_fulfilled", "paid", Decimal(30))
    line = order.lines.get()
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, Role.OWNER)
    here = re.compile(rf"/orders/{order.pk}/$")

    page.goto(f"{stack.url}/orders/{order.pk}/")
    page.click("text=Invoice…")
    page.click("button:has-text('Issue')")
    page.wait_for_url(re.compile(r"/(invoices|orders)/"))
    invoice = Document.objects.get()
    assert (invoice.kind, invoice.total) == ("invoice", Decimal(30))

    page.goto(f"{stack.url}/orders/{order.pk}/cancel/")
    expect(page.locator("main")).to_contain_text("What is picked or shipped stays")
    page.keyboard.press("Tab")
    page.fill(f"[name=line-{line.pk}]", "1")
    page.click("button[value=cancel]")
    page.wait_for_url(here)
    expect(page.locator("main")).to_contain_text("To be refunded")

    page.goto(f"{stack.url}/orders/{order.pk}/refunds/")
    assert page.input_value("[name=amount]") == "10.00"
    page.fill("[name=reason]", "never came")
    page.click("button.btn-primary:has-text('Refund')")
    page.wait_for_url(here)
    order.refresh_from_db()
    assert (order.lifecycle, order.payment) == ("completed", "partially_refunded")
    assert (order.owed_by_customer, order.owed_to_customer) == (0, 0)

    page.goto(f"{stack.url}/orders/{order.pk}/refunds/")
    page.fill(f"[name=line-{line.pk}]", "1")
    page.fill("[name=amount]", "4.50")
    page.fill("[name=reason]", "scratched")
    page.click("button.btn-primary:has-text('Refund')")
    page.wait_for_url(here)
    order.refresh_from_db()
    assert (order.lifecycle, order.refunded_total, order.owed_by_customer) == ("completed", Decimal("14.5"), 0)

    page.goto(f"{stack.url}/orders/{order.pk}/invoice/")
    if page.locator("button:has-text('Issue')").count():  # what its worker has not credited yet
        page.click("button:has-text('Issue')")
        page.wait_for_url(re.compile(r"/(invoices|orders)/"))
    credited = Document.objects.filter(kind="credit_note")
    assert sum(one.total for one in credited) == Decimal("14.5")
    paper = page.request.get(f"{stack.url}/invoices/{credited.first().pk}/document.pdf")
    assert paper.ok and invoice.number in text_of(paper.body())
    audits_are_clean()
