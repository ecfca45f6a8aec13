"""Production as it is switched on: checks, headers, cookies, what pages and logs never say, and code that must not be there."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from api.tokens import create_token
from core.logs import HideLinks
from core.models import ApiToken, OutboxEvent, TimelineEntry
from core.permissions import Role
from tests.security.routes import ROUTES
from tests.security.world import World

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = (
    "core",
    "customers",
    "inventory",
    "orders",
    "fulfillment",
    "routing",
    "returns",
    "channels",
    "reports",
    "api",
    "oms",
)
SECRET = "canary-7f3a-" + "x" * 60


def in_production(*command: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """A command with production's settings, as a deployment would run it."""
    environment = {
        "PATH": os.environ["PATH"], "OMS_ENV": "production", "SECRET_KEY": SECRET, "ALLOWED_HOSTS": "shop.example", "HOME": "/nonexistent",
        "DATABASE_URL": "postgresql://oms:canary-password@127.0.0.1:9/oms", "REDIS_URL": "redis://127.0.0.1:9/0", "PYTHONPATH": str(ROOT),
        "CSRF_TRUSTED_ORIGINS": "https://shop.example", "OMS_PUBLIC_URL": "https://shop.example", "DJANGO_SETTINGS_MODULE": "oms.settings", **extra,
    }  # fmt: skip
    environment |= {
        name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH") if name in os.environ
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


class TestProduction:
    def test_the_deployment_check_is_clean(self) -> None:
        done = in_production("manage.py", "check", "--deploy", "--fail-level", "DEBUG")
        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout + done.stderr

    @pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
    def test_what_is_missing_is_named_and_nothing_is_made_up(self, missing: str) -> None:
        script = f"import os; os.environ.pop({missing!r}); import django; django.setup()"
        done = in_production("-c", script)
        assert done.returncode != 0
        assert missing in done.stderr
        assert SECRET not in done.stderr

    def test_cookies_and_transport(self) -> None:
        script = (
            "import django, json; django.setup(); from django.conf import settings as s; print(json.dumps([s.DEBUG, s.SESSION_COOKIE_SECURE,"
            " s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS >= 31536000,"
            " s.SESSION_COOKIE_SAMESITE, s.X_FRAME_OPTIONS, s.AXES_ENABLED, s.CELERY_ACCEPT_CONTENT]))"
        )
        told = json.loads(in_production("-c", script).stdout.splitlines()[-1])
        assert told == [False, True, True, True, True, True, "Lax", "DENY", True, ["json"]]


class _Inline(HTMLParser):
    """Inline scripts, inline styles and handlers in attributes: what the policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag}[{name}]" for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        self.found += [
            f"{tag}[{name}={value}]"
            for name, value in given.items()
            if (value or "").strip().lower().startswith(("javascript:", "vbscript:"))
        ]


@pytest.mark.django_db
class TestHeaders:
    @pytest.mark.parametrize("name", sorted(ROUTES))
    def test_each_page_has_the_strict_policy_and_obeys_it(self, world: World, name: str) -> None:
        response = world.client(Role.OWNER).get(reverse(name, kwargs=ROUTES[name](world, Role.OWNER)))
        policy = response.headers["Content-Security-Policy"]
        words = {part.split()[0]: part.split()[1:] for part in policy.split(";") if part.strip()}
        assert words["default-src"] == ["'none'"]
        assert words["script-src"] == ["'self'"]
        assert words["style-src"] == ["'self'"]
        assert words["object-src"] == words["base-uri"] == words["frame-ancestors"] == ["'none'"]
        assert "unsafe" not in policy
        assert "*" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "same-origin"
        if response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
            parser = _Inline()
            parser.feed(response.content.decode())
            assert parser.found == []

    def test_pages_behind_a_login_or_a_link_are_kept_by_nobody(self, world: World) -> None:
        for client, path in (
            (world.client(Role.OWNER), reverse("orders")),
            (world.client(None), f"/t/{world.sent.token}/"),
        ):
            assert "no-store" in client.get(path).headers["Cache-Control"]

    def test_files_come_as_what_they_are(self, world: World) -> None:
        response = world.client(Role.OWNER).get(reverse("job-output", args=[world.done_job.pk]))
        assert response.headers["Content-Type"] == "application/pdf"
        assert "filename" in response.headers["Content-Disposition"]


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    """What the product's own log handler writes, at the most talkative level."""
    root, text = logging.getLogger(), io.StringIO()
    handler = next(one for one in root.handlers if any(isinstance(each, HideLinks) for each in one.filters))
    stream, level = handler.setStream(text), root.level
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(level)
    handler.setStream(stream)


@pytest.mark.django_db
class TestNothingIsTold:
    def test_a_page_that_breaks_is_bare(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_args: Any, **_kwargs: Any) -> None:
            raise RuntimeError("canary-detail")

        monkeypatch.setattr("orders.views.page.load_page", broken)
        response = world.client(Role.OWNER).get(reverse("order", args=[world.order.pk]))
        assert response.status_code == 500
        for word in ("canary-detail", "Traceback", "RuntimeError", str(ROOT), "site-packages", "django", "SELECT"):
            assert word not in response.content.decode()

    def test_an_api_that_breaks_is_bare(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_args: Any, **_kwargs: Any) -> None:
            raise RuntimeError("canary-detail")

        monkeypatch.setattr("api.orders.detail", broken)
        client = Client(raise_request_exception=False)
        response = client.get(
            f"/api/v1/orders/{world.order.pk}", headers={"authorization": f"Bearer {world.tokens[Role.OWNER]}"}
        )
        assert response.status_code == 500
        assert "canary-detail" not in response.content.decode()

    def test_logs_hold_no_secrets(self, world: World, console: io.StringIO) -> None:
        """Passwords, API tokens and customers' links go through refused and broken requests; none of them is written down."""
        secrets = {
            "password": "canary-password-55",
            "api": world.tokens[Role.OWNER],
            "link": world.sent.token,
            "session": world.sessions[Role.OWNER],
        }
        browser, client = Client(raise_request_exception=False), world.client(Role.OWNER)
        browser.post("/login/", {"username": "owner-walker", "password": secrets["password"]})
        browser.post("/users/new/", {"password": secrets["password"]})
        client.post("/users/new/", {"username": "", "password": secrets["password"], "role": "nobody"})
        browser.get("/api/v1/orders/999999", headers={"authorization": f"Bearer {secrets['api']}"})
        browser.get("/api/v1/orders", headers={"authorization": f"Bearer {secrets['api']}x"})
        browser.get(f"/t/{secrets['link']}/returns/RMA-none/")
        browser.post(f"/t/{secrets['link']}/return/", {"step": "send"})
        browser.delete(f"/t/{secrets['link']}/")
        written = console.getvalue()
        assert "/t/…/returns/RMA-none/" in written, "the log works, and says which page it was"
        assert [name for name, secret in secrets.items() if secret in written] == []

    def test_tokens_are_kept_as_digests_alone(self, world: World) -> None:
        token, secret = create_token(name="printer", role=Role.WAREHOUSE)
        stored = {field.attname: str(getattr(token, field.attname)) for field in ApiToken._meta.concrete_fields}
        assert not any(secret in value or secret[4:] in value for value in stored.values())
        assert len(secret) >= 43
        wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        for sent in (wrong, stored["digest"], secret.upper(), "", "null"):
            answer = Client().get("/api/v1/orders", headers={"authorization": f"Bearer {sent}"})
            assert answer.status_code == 401

    def test_history_and_events_hold_no_secrets(self, world: World) -> None:
        world.client(Role.OWNER).post(
            "/users/new/", {"username": "n", "password": "canary-password-77", "role": "viewer"}
        )
        texts = [
            *map(str, TimelineEntry.objects.values_list("data", flat=True)),
            *map(str, OutboxEvent.objects.values_list("payload", flat=True)),
        ]
        assert not any("canary-password-77" in text or world.sent.token in text for text in texts)


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def _is_forbidden(node: ast.AST, names: frozenset[str]) -> bool:
    """A forbidden name, a queryset's `.extra`, shell=True, or verify=False."""
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr == "extra" and "objects" in ast.dump(node.value)
    if isinstance(node, ast.keyword) and node.arg in ("shell", "verify"):
        return isinstance(node.value, ast.Constant) and node.value.value is (node.arg == "shell")
    return False


class TestCode:
    """What must not stand in the product's code. Each exception has its reason here."""

    #: Modules that build HTML themselves: each escapes its data by format_html or conditional_escape, and has tests of its own.
    BUILD_HTML = {
        "core/listing/rows.py", "core/listing/columns.py", "core/templatetags/ui.py", "customers/templatetags/portal.py", "reports/drawing.py",
        "reports/charts.py", "fulfillment/documents/weasy.py", "fulfillment/documents/slips.py", "fulfillment/documents/picklist.py",
        "fulfillment/documents/render.py", "fulfillment/documents/codes.py", "fulfillment/documents/sheet.py", "fulfillment/documents/text.py",
    }  # fmt: skip
    FORBIDDEN_NAMES = frozenset({"csrf_exempt", "eval", "exec", "pickle", "marshal", "RawSQL", "xframe_options_exempt"})

    @staticmethod
    def sources() -> list[Path]:
        return [path for package in PRODUCT for path in (ROOT / package).rglob("*.py")]

    def test_no_text_is_called_safe_by_hand(self) -> None:
        found = []
        for path in self.sources():
            name = str(path.relative_to(ROOT))
            text = path.read_text()
            if re.search(r"\bmark_safe\b|\bSafe(String|Text)\(|__html__", text) and name not in self.BUILD_HTML:
                found.append(name)
        for template in (ROOT / "templates").rglob("*.html"):
            if re.search(r"\|\s*safe\b|\|\s*safeseq|autoescape off", template.read_text()):
                found.append(str(template.relative_to(ROOT)))
        assert found == []

    def test_html_is_never_made_by_an_f_string(self) -> None:
        found = []
        for path in self.sources():
            for node in ast.walk(ast.parse(path.read_text())):
                builds = isinstance(node, ast.Call) and _called(node) in ("format_html", "mark_safe", "SafeString")
                if builds and node.args and isinstance(node.args[0], ast.JoinedStr):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
        assert found == []

    def test_no_guard_is_switched_off_and_no_code_is_run_from_data(self) -> None:
        found = []
        for path in self.sources():
            for node in ast.walk(ast.parse(path.read_text())):
                # A gateway's message comes without a form's token; its signature is checked instead (payments.operations.messages).
                webhook = path == ROOT / "payments/views/webhook.py" and "csrf_exempt" in ast.unparse(node)
                if _is_forbidden(node, self.FORBIDDEN_NAMES) and not webhook:
                    found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {ast.unparse(node)[:60]}")
        assert found == []

    def test_queries_take_no_names_from_requests(self) -> None:
        """filter(**request.GET) is how visitors write SQL."""
        found = []
        for path in self.sources():
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.keyword)
                    and node.arg is None
                    and re.search(r"attr='(GET|POST)'", ast.dump(node.value))
                ):
                    found.append(f"{path.relative_to(ROOT)}:{node.value.lineno}")
        allowed = {"inventory/views/level.py"}  # a dict for a form, which knows its own fields
        assert [one for one in found if one.split(":")[0] not in allowed] == []

    def test_secrets_are_compared_in_constant_time_or_by_digest(self) -> None:
        found = []
        for path in self.sources():
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                    names = {getattr(side, "attr", getattr(side, "id", "")) for side in (node.left, *node.comparators)}
                    if names & {"token", "secret", "digest", "signature", "hmac", "password"}:
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
        # There the word names an ordering of a list (Django's signer has checked the cursor before), or what a page has shown: no secret.
        shown = ("core/listing/keyset.py", "oms/orchestration/changing/submit.py", "oms/orchestration/filling.py")
        assert [one for one in found if not one.startswith(shown)] == []
