"""A bin is counted by scanner, from made to posted, while a parcel leaves; and units are set aside from a phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from counts.models import StockCount
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.codes import bin_code
from inventory.models import StockLevel
from quality.models import NonConformance
from tests.browser.conftest import Hand, Watch, sign_in
from tests.browser.stack import Stack
from tests.browser.test_days_work import PHONE, audits_are_clean, targets_are_large_enough
from tests.factories.counts import picture
from tests.factories.fulfillment import make_work
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
EAN = "5901234123457"


def test_a_bin_is_counted_by_scanner_to_posted(chromium: Browser, stack: Stack, watch: Watch) -> None:
    place = make_location("Main")
    tee, mug = make_variant("TEE", barcode=EAN), make_variant("MUG")
    for variant, units in ((tee, 4), (mug, 6)):
        give_stock(variant, place, units, bin="A-01-1")
    make_variant("LOST")
    page = watch.follow(chromium.new_context(viewport={"width": 1024, "height": 768}).new_page())
    hand = Hand(page)
    sign_in(page, stack, "owner")
    page.goto(f"{stack.url}/counts/next/")
    page.check("[name=bin]")
    page.uncheck("[name=second_person]")
    page.click("text=One count of all")
    page.wait_for_url(re.compile(r"/counts/\d+/"))
    count = StockCount.objects.get()
    page.click("text=Count with a scanner")
    page.wait_for_url(re.compile("/scan/"))
    expect(page.locator("[data-scan]")).to_be_focused()

    hand.scan(bin_code("A-01-1"))
    expect(page.locator(".floor-big", has_text="A-01-1")).to_be_visible()
    for n in (1, 2, 3):
        hand.scan(EAN)
        expect(page.locator(".floor-answer", has_text=f"TEE: {n}")).to_be_visible()
    hand.scan("LOST")
    expect(page.get_by_role("button", name="Count it as found")).to_be_visible()
    hand.scan("LOST")
    expect(page.locator(".floor-answer", has_text="LOST: 1")).to_be_visible()
    work = make_work([("TEE", 1)], location=place)  # one is sold and leaves while the count goes on
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)
    hand.scan("MUG")
    line = count.lines.get(variant=mug)
    row = page.locator(".floor-item", has_text="MUG")
    row.locator("[name=quantity]").fill("6")
    row.locator("button").click()
    expect(page.locator(".floor-answer", has_text="MUG: 6")).to_be_visible()
    html = page.content()
    assert "TEE: 4" not in html and "/ 4" not in html and "/ 6" not in html, "it is blind"
    targets_are_large_enough(page)

    page.click("text=This bin is done")
    expect(page.locator("text=Count again").first).to_be_visible()
    for sku, units in (("TEE", "2"), ("LOST", "1")):
        again = page.locator(".floor-item.is-wrong", has_text=sku)
        again.locator("[name=quantity]").fill(units)
        again.locator("button").click()
        expect(page.locator(".floor-answer", has_text=f"{sku}: {units}")).to_be_visible()
    page.click("text=This bin is done")
    expect(page.locator(".floor-answer", has_text="is done")).to_be_visible()
    page.click("text=Counting is finished")
    page.click("text=See the count")
    page.wait_for_url(re.compile(rf"/counts/{count.pk}/$"))
    page.click("text=Post the differences")
    page.wait_for_selector("text=is posted")
    on_hand = dict(StockLevel.objects.values_list("variant__sku", "on_hand"))
    assert on_hand == {"TEE": 2, "MUG": 6, "LOST": 1}, "one left, one was missing, one was found"
    line.refresh_from_db()
    assert line.result == "exact"
    page.goto(f"{stack.url}/counts/accuracy/")
    expect(page.locator("svg.chart").first).to_be_visible()
    audits_are_clean()


def test_units_are_set_aside_from_a_phone(chromium: Browser, stack: Stack, watch: Watch, tmp_path: Path) -> None:
    level = give_stock(make_variant("TEE"), make_location("Main"), 5)
    photo = tmp_path / "carton.jpg"
    photo.write_bytes(picture("JPEG", (1600, 1200)))
    page = watch.follow(chromium.new_context(**PHONE).new_page())
    sign_in(page, stack, "warehouse")
    page.goto(f"{stack.url}/stock/{level.pk}/")
    page.click("text=Set units aside")
    page.fill("[name=quantity]", "2")
    page.set_input_files("[name=photos]", photo)
    page.click("form button.btn-primary")
    page.wait_for_url(re.compile(r"/quality/\d+/"))
    case = NonConformance.objects.get()
    image = page.locator(f"img[src$='/photos/{case.photos.get().pk}/']")
    image.scroll_into_view_if_needed()
    expect(image).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.check("[name=resolution][value=scrap]")
    page.click("form[action$='/resolve/'] button.btn-primary")
    page.wait_for_selector("text=All units are decided.")
    level.refresh_from_db()
    assert (level.on_hand, level.damaged) == (3, 0)
    audits_are_clean()
