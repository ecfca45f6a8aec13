"""A day's work in a real browser on the running system: from a shop's export to parcels, a tracking page, a return and stock again.

The hand is counted: what screens.md promises ("numbers to beat") is asserted here.
"""

from __future__ import annotations

import json
import os
import re
from io import StringIO
from pathlib import Path

import pytest
import zxingcpp
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from core.models import Job, OutgoingMail
from fulfillment.models import FulfillmentOrder, Package, Shipment
from inventory.models import StockLevel
from orders.models import Channel, Order
from returns.models import Return
from tests.browser.conftest import Hand, Watch, sign_in
from tests.browser.exports import BARCODES, write_export
from tests.browser.stack import Stack, wait_for
from tests.factories.papers import page_images, page_sizes

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PHONE = {"viewport": {"width": 375, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DATA = Path(os.environ.get("OMS_REAL_DATA", "../shared/data"))
JOB_TIME = 60_000
#: A name that would open a dialog, which `Watch` would see.
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def upload(page: Page, stack: Stack, kind: str, file: Path) -> None:
    """Bring a file in by the dashboard and wait for its end."""
    page.goto(f"{stack.url}/imports/new/")
    page.check(f"[name=kind][value={kind}]")
    page.set_input_files("[name=file]", file)
    page.click("button.btn-primary")
    page.wait_for_url(re.compile("/imports/new/.+"))
    page.click("form[method=post] button.btn-primary")
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    page.wait_for_selector("#live-import:not([hx-get])", timeout=JOB_TIME)


def print_fifty(page: Page, hand: Hand, stack: Stack, pages: int) -> bytes:
    """From the list to one PDF: two actions for any number of orders, then the download."""
    page.goto(f"{stack.url}/orders/?tab=ready")
    expect(page.locator("[data-list] tbody tr")).to_have_count(50)
    before = hand.clicks + hand.keys
    hand.click("[data-pick-page]")
    hand.click("button[name=action][value=print]")
    assert hand.clicks + hand.keys - before == 2
    page.wait_for_selector("article.job-card progress, article.job-card[data-finished]")
    page.wait_for_selector("article.job-card[data-finished]", timeout=JOB_TIME)
    job = Job.objects.filter(kind="print").latest("id")  # others may run for the stock that came in
    assert (job.state, job.done, job.failed) == ("done", 50, 0)
    answer = page.request.get(f"{stack.url}/jobs/{job.pk}/output/")
    assert answer.ok
    assert answer.headers["content-type"] == "application/pdf"
    assert len(page_sizes(answer.body())) == pages
    return answer.body()


def audits_are_clean() -> None:
    """Both audits, as a person would run them; they exit 1 on a finding."""
    for command in ("audit_stock", "check_integrity"):
        out = StringIO()
        call_command(command, "--json", stdout=out)
        report = json.loads(out.getvalue())
        assert not report.get("findings"), report


def test_the_days_work(chromium: Browser, stack: Stack, watch: Watch, tmp_path: Path) -> None:
    Channel.objects.create(name="Shopify", currency="EUR", time_zone="Europe/Warsaw", hold_unpaid=True)
    files = write_export(tmp_path, orders=50)
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = watch.follow(context.new_page())
    hand = Hand(page)
    sign_in(page, stack, "owner")
    for kind in ("products", "locations", "inventory", "orders"):
        upload(page, stack, kind, files[kind])
    assert Order.objects.count() == 50
    assert FulfillmentOrder.objects.filter(state="open").count() == 50

    pdf = print_fifty(page, hand, stack, pages=100)
    the_codes_scan(pdf)
    shipped_from_the_queue(page, stack)
    order = Order.objects.get(number="#1003")
    a_customer_follows_and_returns(chromium, stack, watch, order)
    the_desk_and_the_dock_take_it_back(page, hand, stack, order)
    audits_are_clean()
    for path in ("/", "/orders/", f"/orders/{order.pk}/", "/fulfillment/", "/returns/", "/reports/", "/jobs/", "/stock/", "/products/", "/locations/",
                 "/customers/", "/channels/", "/imports/", "/users/", "/me/", "/routing/", "/api/v1/docs"):  # fmt: skip
        page.goto(stack.url + path)
        page.wait_for_load_state("networkidle")
    context.close()


def the_codes_scan(pdf: bytes) -> None:
    """A sample of the pages as the printer draws them: the label's tracking number, the slip's own number."""
    numbers = set(FulfillmentOrder.objects.values_list("number", flat=True))
    tracking = set(Package.objects.values_list("tracking_number", flat=True))
    assert len(tracking) == 50
    images = page_images(pdf)
    for at in (0, 1, 48, 49, 98, 99):
        texts = {code.text for code in zxingcpp.read_barcodes(images[at])}
        assert texts & (tracking if at % 2 == 0 else numbers), (at, texts)


def shipped_from_the_queue(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/fulfillment/")
    page.click("[data-pick-page]")
    page.click("button[name=action][value=ship]")
    page.click("#list-dialog button.btn-primary, #list-dialog button[name=action]")
    wait_for(
        "50 parcels to leave", lambda: FulfillmentOrder.objects.filter(state="shipped").count() == 50, JOB_TIME / 1000
    )
    wait_for("the mail to all customers", lambda: OutgoingMail.objects.filter(sent_at__isnull=False).count() >= 50, 40)


def a_customer_follows_and_returns(chromium: Browser, stack: Stack, watch: Watch, order: Order) -> None:
    """On a phone without JavaScript: where is it, and three screens to send something back."""
    context = chromium.new_context(**PHONE, java_script_enabled=False)
    page = watch.follow(context.new_page())
    page.goto(f"{stack.url}/t/{order.token}/")
    expect(page.locator("[aria-current=step]")).to_have_count(1)
    tracking_number = Package.objects.get(shipment__order=order).tracking_number
    expect(page.get_by_text(tracking_number)).to_be_visible()
    screens = 0
    page.click("a.btn[href$='/return/']")
    screens += 1
    line = order.lines.get(sku="MUG")
    page.select_option(f"[name=quantity-{line.pk}]", "2")
    page.select_option(f"[name=reason-{line.pk}]", "damaged")
    page.click("button[name=step][value=review]")
    screens += 1
    page.click("button[name=step][value=send]")
    page.wait_for_url(re.compile("/returns/"))
    screens += 1
    assert screens <= 3
    assert Return.objects.get().units == 2
    context.close()
    wide = chromium.new_context(**PHONE)
    page = watch.follow(wide.new_page())
    for path in ("", "return/", f"returns/{Return.objects.get().number}/"):
        page.goto(f"{stack.url}/t/{order.token}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, f"{path or 'tracking'} scrolls sideways"
    wide.close()


def the_desk_and_the_dock_take_it_back(page: Page, hand: Hand, stack: Stack, order: Order) -> None:
    """Approve, receive, inspect to restock, refund; stock is as before the order."""
    request = Return.objects.get()
    before = StockLevel.objects.get(variant__sku="MUG").on_hand
    page.goto(f"{stack.url}/returns/{request.pk}/")
    page.click("form[action$='/approve/'] button.btn-primary")
    wait_for(
        "the return label",
        lambda: Shipment.objects.filter(order=order, direction="return", documents__isnull=False).exists(),
        40,
    )
    page.goto(f"{stack.url}/returns/receive/")
    page.fill("[name=code]", request.number)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/floor/"))
    page.click("form[action$='/floor/receive/'] button.btn-floor")
    page.click("button[name=disposition][value=restock]")
    page.wait_for_load_state()
    assert StockLevel.objects.get(variant__sku="MUG").on_hand == before + 2
    begun = hand.clicks + hand.keys
    page.goto(f"{stack.url}/returns/{request.pk}/")
    hand.click("form[action$='/resolve/'] button.btn-primary")
    page.wait_for_load_state()
    assert hand.clicks + hand.keys - begun <= 3, "refund a line: 3 actions"
    request.refresh_from_db()
    order.refresh_from_db()
    assert request.state == "resolved"
    assert order.refunded_total == 20


def test_packing_needs_no_mouse(chromium: Browser, stack: Stack, watch: Watch) -> None:
    """One scan for each unit and one key: the parcel is packed, its label bought, and it is gone."""
    from tests.factories.fulfillment import make_work
    from tests.factories.shop import make_variant

    for sku, barcode in BARCODES.items():
        make_variant(sku, barcode=barcode)
    work, following = make_work([("TEE-S", 2), ("MUG", 1)]), make_work([("TEE-M", 1)])
    page = watch.follow(chromium.new_context(viewport={"width": 1024, "height": 768}).new_page())
    sign_in(page, stack, "warehouse")
    page.goto(f"{stack.url}/fulfillment/pack/")
    hand = Hand(page)
    hand.scan(work.number)
    page.wait_for_url(re.compile(f"/{work.pk}/pack/"))
    expect(page.locator("[data-scan]")).to_be_focused()
    hand.keys = 0
    for code, count in ((BARCODES["TEE-S"], "1 / 2"), (BARCODES["TEE-S"], "2 / 2"), (BARCODES["MUG"], "1 / 1")):
        hand.scan(code)
        expect(page.locator(".floor-count", has_text=count).first).to_be_visible()
    page.wait_for_selector("[data-scan-key=Enter]")
    hand.press("Enter")
    page.wait_for_selector("text=Label and slip")
    assert (hand.clicks, hand.keys) == (0, 4), "0 mouse, 1 scan for each unit + 1"
    assert FulfillmentOrder.objects.get(pk=work.pk).state == "shipped"
    assert Package.objects.filter(shipment__fulfillment_order=work).count() == 1
    hand.press("F2")
    page.wait_for_url(re.compile(f"/{following.pk}/pack/"))
    targets_are_large_enough(page)
    audits_are_clean()


def targets_are_large_enough(page: Page) -> None:
    """44 px at least for everything a gloved finger may press on a warehouse screen."""
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, select")]
            .filter((e) => e.checkVisibility() && !e.closest(".visually-hidden") && !e.classList.contains("visually-hidden") && !e.closest(".skip, [class*=skip]"))
            .map((e) => [e.outerHTML.slice(0, 90), Math.round(e.getBoundingClientRect().height)])
            .filter(([, height]) => height < 44 && height > 0)"""
    )
    assert small == []


def test_the_list_is_worked_by_keys(chromium: Browser, stack: Stack, watch: Watch) -> None:
    """j and k move, x selects, a takes the page, / searches while typing, Enter opens; no mouse."""
    from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

    channel, location, variant = make_channel(), make_location(), make_variant("TEE-S")
    give_stock(variant, location, 50)
    orders = [make_order(channel, [("TEE-S", 1)], customer_name=name) for name in ("Ayşe Işık", "Łukasz Żuk", ATTACK)]
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "owner")
    page.goto(f"{stack.url}/orders/")
    rows = page.locator("[data-list] tbody tr")
    expect(rows).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_have_attribute("data-cursor", "")
    page.keyboard.press("x")
    expect(rows.nth(1).locator(".pick input")).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("[data-pick-count]")).to_contain_text("2")
    page.keyboard.press("a")
    expect(page.locator("[data-list] tbody .pick input:checked")).to_have_count(3)
    page.keyboard.press("k")
    href = rows.nth(0).get_attribute("data-href") or ""
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stack.url}{href}")
    found_while_typing(page, stack, orders)


def found_while_typing(page: Page, stack: Stack, orders: list[Order]) -> None:
    """Any order by any of its data: one field, results while typing, in letters as people type them."""
    by_letters = {"isik": orders[0], "lukasz": orders[1], orders[2].number: orders[2], orders[2].email: orders[2]}
    for text, order in by_letters.items():
        page.goto(f"{stack.url}/")
        page.keyboard.press("/")
        page.keyboard.type(text)
        result = page.locator(f"a[href='/orders/{order.pk}/']").first
        expect(result).to_be_visible()


@pytest.mark.skipif(not (DATA / "olist").is_dir(), reason="no folder of real files (OMS_REAL_DATA/olist)")
def test_a_real_shops_export_goes_all_the_way(chromium: Browser, stack: Stack, watch: Watch) -> None:
    """The four files of a real shop by upload; then 50 of its orders are printed and shipped."""
    Channel.objects.create(name="Olist", currency="BRL", time_zone="America/Sao_Paulo", hold_unpaid=True)
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "owner")
    for kind in ("products", "locations", "inventory", "orders"):
        upload(page, stack, kind, DATA / "olist" / f"{kind}.csv")
    assert Order.objects.count() == 1843
    print_fifty(page, Hand(page), stack, pages=100)
    audits_are_clean()
