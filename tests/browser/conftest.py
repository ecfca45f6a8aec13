"""A browser, and the running system it looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core.models import User
from core.permissions import Role
from tests.browser.stack import Stack, forget_queue
from tests.factories.returns import make_shop

PASSWORD = "a long enough pass phrase 7"
os.environ.setdefault(
    "DJANGO_ALLOW_ASYNC_UNSAFE", "true"
)  # Playwright's loop runs in this thread; the tests are sequential


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium (OMS_CHROMIUM, found by ./run test), or Playwright's own."""
    with sync_playwright() as playwright:
        path = os.environ.get("OMS_CHROMIUM") or None
        try:
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
            )
        except Exception as missing:  # noqa: BLE001 - Playwright raises its own kinds
            pytest.skip(f"no Chromium: {str(missing).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    """gunicorn, worker and beat on the test database."""
    make_shop(auto_approve_returns=False)
    for role in (Role.OWNER, Role.WAREHOUSE):
        User.objects.create_user(username=role, password=PASSWORD, role=role)
    forget_queue()
    running = Stack(tmp_path)
    try:
        running.start_web()
        running.start_worker()
        yield running
    finally:
        running.stop()
        forget_queue()


class Watch:
    """Everything on pages that nobody should ever see: script errors, console errors, CSP reports, failed requests, server errors."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.pages: set[str] = set()

    def follow(self, page: Page) -> Page:
        page.on("pageerror", lambda error: self.problems.append(f"script error on {page.url}: {error}"))
        page.on("console", lambda message: self._said(page, message))
        page.on("dialog", lambda dialog: self._dialog(page, dialog))
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        page.on("framenavigated", lambda frame: self.pages.add(frame.url.split("?")[0]))
        return page

    def _said(self, page: Page, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type} on {page.url}: {message.text}")

    def _dialog(self, page: Page, dialog: Any) -> None:
        self.problems.append(f"dialog on {page.url}: {dialog.message}")
        dialog.dismiss()

    def _answered(self, answer: Any) -> None:
        if answer.status >= 400:
            self.problems.append(f"{answer.status} for {answer.request.method} {answer.url}")

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # a page that is left ends its requests
            self.problems.append(f"{request.failure} for {request.url}")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """At the end of the test every page that was followed must have been clean."""
    found = Watch()
    yield found
    assert found.problems == []


class Hand:
    """A person's hand: it counts what it does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.keys = 0

    def click(self, selector: str, **options: Any) -> None:
        self.clicks += 1
        self.page.click(selector, **options)

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)

    def scan(self, code: str) -> None:
        """What a hand scanner does: types the code fast and ends with Enter. One action of a person."""
        self.keys += 1
        self.page.keyboard.type(code)
        self.page.keyboard.press("Enter")


def sign_in(page: Page, stack: Stack, username: str) -> None:
    """Through the form."""
    page.goto(f"{stack.url}/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("button.btn-primary")
    page.wait_for_url(f"{stack.url}/")
