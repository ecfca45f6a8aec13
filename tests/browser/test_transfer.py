"""A transfer from draft to received in a real browser: by keys and scanner, on a phone as well."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from core.models import Job
from inventory.models import StockLevel
from tests.browser.conftest import Hand, Watch, sign_in
from tests.browser.stack import Stack
from tests.browser.test_days_work import audits_are_clean
from tests.factories.papers import text_of
from tests.factories.shop import give_stock, make_location, make_variant
from transfers.models import Transfer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PHONE = {"viewport": {"width": 375, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
TEE, MUG = "5901234123457", "5901234123464"


@pytest.fixture
def places(transactional_db: None) -> tuple[int, int]:
    """Warsaw has both goods, Berlin has none."""
    warsaw, berlin = make_location("Warsaw"), make_location("Berlin")
    for sku, barcode in (("TEE-S", TEE), ("MUG", MUG)):
        give_stock(make_variant(sku, barcode=barcode), warsaw, 10)
    return warsaw.pk, berlin.pk


def test_a_transfer_goes_by_scanner(chromium: Browser, stack: Stack, watch: Watch, places: tuple[int, int]) -> None:
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "warehouse")
    transfer = drafted(page, stack, places)
    page.click("button[name=action][value=ready]")
    expect(page.locator("h1")).to_contain_text("Ready")
    slip = page.request.get(f"{stack.url}/transfers/{transfer.pk}/slip.pdf")
    assert transfer.number in text_of(slip.body())
    page.click("form[action$='/dispatch/'] button.btn-primary")
    expect(page.locator("h1")).to_contain_text("In transit")
    received_by_scanner(page, stack, transfer)
    closed_with_a_reason(page, transfer)
    levels = StockLevel.objects.order_by("variant__sku", "location__name").values_list("on_hand", "incoming", "damaged")
    assert list(levels) == [(1, 0, 0), (9, 0, 0), (2, 0, 1), (7, 0, 0)]
    audits_are_clean()


def drafted(page: Page, stack: Stack, places: tuple[int, int]) -> Transfer:
    """The lines by scanner: a second scan of the same unit counts up."""
    page.goto(f"{stack.url}/transfers/new/")
    page.select_option("[name=origin]", str(places[0]))
    page.select_option("[name=destination]", str(places[1]))
    for code in (TEE, TEE, TEE, MUG):
        rows = page.locator("#lines [name=quantity]").evaluate_all("all => all.map(one => one.value)")
        units = sum(map(int, rows))
        page.fill("[name=add]", code)
        page.keyboard.press("Enter")
        page.wait_for_function(
            "n => [...document.querySelectorAll('#lines [name=quantity]')].reduce((sum, one) => sum + Number(one.value), 0) === n",
            arg=units + 1,
        )
    page.click("button[name=step][value=save]")
    page.wait_for_url(re.compile(r"/transfers/\d+/$"))
    made = Transfer.objects.get()
    assert dict(made.lines.values_list("variant__sku", "quantity")) == {"TEE-S": 3, "MUG": 1}
    return made


def received_by_scanner(page: Page, stack: Stack, transfer: Transfer) -> None:
    """Two of three arrive, one of them damaged; a unit of something else is refused. No mouse until a reason is chosen."""
    make_variant("PEN", barcode="5901234123471")
    page.goto(f"{stack.url}/transfers/receive/")
    hand = Hand(page)
    hand.scan(transfer.number)
    page.wait_for_url(re.compile(f"/{transfer.pk}/receive/"))
    expect(page.locator("[data-scan]")).to_be_focused()
    for code, count in ((TEE, "1 / 3"), (MUG, "1 / 1")):
        hand.scan(code)
        expect(page.locator(".floor-count", has_text=count).first).to_be_visible()
    hand.scan("5901234123471")
    expect(page.locator(".floor-answer-wrong")).to_contain_text("5901234123471")
    for _try in range(50):  # a key does nothing while an answer is on its way
        hand.press("F4")
        if page.is_checked("[name=damaged]"):
            break
        page.wait_for_timeout(100)
    expect(page.locator("[name=damaged]")).to_be_checked()
    expect(page.locator("[data-scan]")).to_be_focused()
    hand.scan(TEE)
    expect(page.locator(".floor-count", has_text="2 / 3")).to_be_visible()
    assert hand.clicks == 0
    targets_are_large_enough(page)
    page.select_option("[name^=damage-]", "on_the_way")
    page.click("button[name=action][value=post]")
    expect(page.locator(".floor-answer-right")).to_contain_text("1")
    transfer.refresh_from_db()
    assert (transfer.received, transfer.damaged, transfer.state) == (3, 1, "in_transit")


def targets_are_large_enough(page: Page) -> None:
    """44 px at least for everything a gloved finger may press; a box is pressed by its label."""
    small = page.evaluate(
        """() => [...document.querySelectorAll("main a, main button, main input, main select")]
            .filter((e) => e.checkVisibility() && !e.closest(".visually-hidden"))
            .map((e) => [e.outerHTML.slice(0, 90), Math.round((e.closest("label.check") ?? e).getBoundingClientRect().height)])
            .filter(([, height]) => height < 44 && height > 0)"""
    )
    assert small == []


def closed_with_a_reason(page: Page, transfer: Transfer) -> None:
    page.select_option("[name^=reason-]", "lost")
    page.click("button[name=action][value=close]")
    expect(page.locator("#task")).to_contain_text("All done here")
    transfer.refresh_from_db()
    assert (transfer.state, transfer.lost) == ("received", 1)


def test_the_dock_fits_a_phone_and_enter_posts(
    chromium: Browser, stack: Stack, watch: Watch, places: tuple[int, int]
) -> None:
    from tests.transfers.factory import make_transfer

    transfer = make_transfer({"TEE-S": 2}, state="in_transit")
    page = watch.follow(chromium.new_context(**PHONE).new_page())
    sign_in(page, stack, "warehouse")
    for path in ("", "new/", "receive/", "suggested/", "import/", f"{transfer.pk}/", f"{transfer.pk}/receive/"):
        page.goto(f"{stack.url}/transfers/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, f"{path or 'list'} scrolls sideways"
    hand = Hand(page)
    for count in ("1 / 2", "2 / 2"):
        hand.scan("TEE-S")
        expect(page.locator(".floor-count", has_text=count)).to_be_visible()
    page.wait_for_selector("[data-scan-key=Enter]")
    hand.press("Enter")
    expect(page.locator("#task")).to_contain_text("All done here")
    assert Transfer.objects.get(pk=transfer.pk).state == "received"
    assert hand.clicks == 0


def test_slips_are_printed_from_the_list(chromium: Browser, stack: Stack, watch: Watch) -> None:
    from tests.transfers.factory import make_transfer

    transfers = [make_transfer({"A-1": 2}), make_transfer({"B-1": 2})]
    page = watch.follow(chromium.new_context(viewport={"width": 1280, "height": 900}).new_page())
    sign_in(page, stack, "warehouse")
    page.goto(f"{stack.url}/transfers/")
    page.click("[data-pick-page]")
    page.click("button[name=action][value=print]")
    page.wait_for_selector("article.job-card[data-finished]", timeout=60_000)
    job = Job.objects.get()
    assert (job.state, job.done) == ("done", 2)
    assert all(transfer.number in text_of(bytes(job.output.data)) for transfer in transfers)
