"""Text that attacks: through every inlet into every page, export and paper, where it must stay text.

The strings are those that broke others (the public list where the real data lies) and our own; see tests/factories/papers.py.
"""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from core.permissions import Role
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.printing import paper, print_now
from inventory.models import Product, Variant
from orders.models import Order
from returns.models import Return
from tests.channels.files import bring_in, csv_file, orders_file
from tests.factories.papers import nasty_strings, plain_bytes, text_of
from tests.factories.shop import ACTOR, NOW, give_stock
from tests.security.routes import ROUTES, all_routes
from tests.security.world import World

pytestmark = pytest.mark.django_db
MARK = "zzq7"
XSS = (
    f"<script>alert('{MARK}')</script>",
    f"'\"><img src=x onerror=alert('{MARK}')>",
    f"</title></textarea></option></script><svg/onload=alert('{MARK}')>",
    f"<a href=\"javascript:alert('{MARK}')\">x</a>",
    f"<iframe srcdoc=\"<script>alert('{MARK}')</script>\"></iframe><style>*{{display:none}}</style>",
    f"{{{{ settings.SECRET_KEY }}}}{{% debug %}} {MARK}",
    f"--><!-- <base href=//evil.example> {MARK} ]]>",
)
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    '=HYPERLINK("http://evil.example","x")',
    " =1+1",
)


class _Nodes(HTMLParser):
    """Elements that no page of ours has; whatever is found came out of data."""

    FOREIGN = frozenset(
        {"iframe", "object", "embed", "base", "style", "applet", "frame", "marquee", "video", "math", "meta:refresh"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in self.FOREIGN or (tag == "script" and not given.get("src", "").startswith("/static/")):
            self.found.append(self.get_starttag_text() or tag)
        self.found += [f"{tag}[{name}]" for name in given if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action", "formaction", "xlink:href", "data"):
            if re.match(r"(?i)\s*(javascript|vbscript|data:text|file|//)", given.get(name, "")):
                self.found.append(f"{tag}[{name}={given[name][:60]}]")
        if tag == "img" and given.get("src") == "x":
            self.found.append("img")


def foreign_nodes(html: str) -> list[str]:
    parser = _Nodes()
    parser.feed(html)
    return parser.found


def usable(text: str, most: int) -> str:
    """What a person or program could send: no NUL, not longer than the field."""
    return text.replace("\x00", "")[:most]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A server on the loopback interface that nobody may call: its port, and what was sent to it."""
    calls: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            try:
                connection, _address = server.accept()
            except OSError:
                continue
            with connection:
                connection.settimeout(0.5)
                try:
                    calls.append(connection.recv(200))
                except OSError:
                    calls.append(b"")

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield server.getsockname()[1], calls
    stop.set()
    thread.join(2)
    server.close()


def poison(world: World, texts: list[str]) -> None:
    """Put one text after the other into everything that people, programs and files may write."""
    owner, texts = world.client(Role.OWNER), [*texts]

    def next_text(most: int) -> str:
        texts.append(texts.pop(0))
        return usable(texts[-1], most)

    for order in (world.order, world.held, world.sent):
        Order.objects.filter(pk=order.pk).update(customer_name=next_text(200), customer_note=next_text(2000))
        owner.post(reverse("order-note", args=[order.pk]), {"text": next_text(4000)})
        owner.post(reverse("order-tags", args=[order.pk]), {"add": next_text(30).replace(",", " ")})
        owner.post(reverse("order-hold", args=[order.pk]), {"kind": "operator", "reason": next_text(200)})
    owner.post(
        reverse("customer", args=[world.customer.pk]), {"name": next_text(150), "note": next_text(1000), "language": ""}
    )
    owner.post(reverse("orders"), {"action": "save_view", "name": next_text(60)})
    for name, fields in (
        ("product-edit", ("title", "vendor", "product_type")),
        ("variant", ("title", "hs_code")),
        ("location-edit", ("name", "city", "line1")),
    ):
        url = reverse(name, kwargs=ROUTES[name](world, Role.OWNER))
        from tests.security.pages import form_with

        form = form_with(owner.get(url).content.decode(), fields[0])
        owner.post(url, form.fields | {field: next_text(100) for field in fields if field != "hs_code"})
    owner.post(reverse("stock-bin", args=[world.level.pk]), {"bin_name": next_text(40)})
    Return.objects.update(customer_note=next_text(1000), answer=next_text(500))
    Product.objects.filter(pk=world.unused_variant.product_id).update(title=next_text(200))
    Variant.objects.filter(pk=world.unused_variant.pk).update(
        sku=next_text(60), title=next_text(200), barcode=next_text(60)
    )


#: Pages at which customers' or colleagues' text is shown.
SHOWN = sorted(one.name for one in all_routes() if one.name not in ("logout", "set_language", "api-docs", "healthz"))


class TestPages:
    @pytest.mark.parametrize("at", range(len(XSS)))
    def test_no_page_grows_a_node(self, world: World, at: int) -> None:
        poison(world, [XSS[at]])
        self.look_at_all(world)

    def test_nor_from_the_public_list_of_naughty_strings(self, world: World) -> None:
        """All of them, in portions: a page shows some forty at once."""
        texts = [text for text in nasty_strings() if text.strip()]
        for start in range(0, len(texts), 120):
            poison(world, texts[start : start + 120])
            self.look_at_all(
                world,
                (
                    "order",
                    "orders",
                    "customer",
                    "return",
                    "product",
                    "variant",
                    "stock",
                    "fulfillment-order",
                    "tracking-return",
                ),
            )

    @staticmethod
    def look_at_all(world: World, names: tuple[str, ...] = ()) -> None:
        client = world.client(Role.OWNER)
        for name in names or SHOWN:
            response = client.get(reverse(name, kwargs=ROUTES[name](world, Role.OWNER)))
            assert response.status_code in (200, 302, 405), (name, response.status_code)
            if response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming:
                assert foreign_nodes(response.content.decode()) == [], name

    def test_the_search_and_its_echo(self, world: World) -> None:
        client = world.client(Role.OWNER)
        for text in XSS:
            for url in (
                "/search/",
                "/orders/",
                "/stock/",
                "/products/",
                "/customers/",
                "/fulfillment/",
                "/returns/",
                "/routing/try/",
            ):
                response = client.get(url, {"q": text})
                assert foreign_nodes(response.content.decode()) == [], url
                response = client.get(url, {"q": text}, headers={"HX-Request": "true", "HX-Target": "list"})
                assert foreign_nodes(response.content.decode()) == [], url

    def test_templates_in_text_are_not_run(self, world: World) -> None:
        from django.conf import settings

        poison(world, [XSS[5]])
        client = world.client(Role.OWNER)
        for name in ("order", "orders", "return", "tracking"):
            assert (
                settings.SECRET_KEY
                not in client.get(reverse(name, kwargs=ROUTES[name](world, Role.OWNER))).content.decode()
            )


class TestInlets:
    def test_the_api_takes_it_as_text(self, world: World) -> None:
        body = {
            "channel": world.channel.name, "external_id": XSS[0], "placed_at": "2026-11-20T10:00:00Z", "currency": "EUR",
            "customer": {"name": XSS[1], "email": "a@example.com"}, "shipping_address": {"name": XSS[2][:190], "line1": XSS[3], "city": "Łódź", "country": "PL"},
            "lines": [{"sku": "TEE", "quantity": 1, "unit_price": "10", "title": XSS[4]}], "note": XSS[5], "tags": ["<b>x</b>"],
        }  # fmt: skip
        headers = {"authorization": f"Bearer {world.tokens[Role.OWNER]}"}
        answer = Client().post("/api/v1/orders", json.dumps(body), content_type="application/json", headers=headers)
        assert answer.status_code == 201, answer.content
        order = Order.objects.get(pk=answer.json()["id"])
        assert (order.customer_name, order.customer_note) == (XSS[1], XSS[5])
        for url in (reverse("order", args=[order.pk]), reverse("orders"), f"/t/{order.token}/", reverse("fulfillment")):
            assert foreign_nodes(world.client(Role.OWNER).get(url).content.decode()) == []

    def test_a_file_brings_it_as_text_and_its_report_shows_it_as_text(self, world: World) -> None:
        products = csv_file(
            {
                "Handle": "evil",
                "Title": XSS[0],
                "Vendor": XSS[1],
                "Variant SKU": "EVIL",
                "Variant Price": XSS[2],
                "Tags": XSS[3],
            }
        )
        good = csv_file(
            {
                "Handle": "evil",
                "Title": XSS[0],
                "Vendor": XSS[1],
                "Variant SKU": "EVIL",
                "Variant Price": "3",
                "Tags": XSS[3],
            }
        )
        refused, taken = bring_in("products", products, world.channel), bring_in("products", good, world.channel)
        orders = bring_in(
            "orders",
            orders_file({"Lineitem sku": XSS[0], "Shipping Name": XSS[1], "Notes": XSS[2], "Lineitem price": XSS[4]}),
            world.channel,
        )
        client = world.client(Role.OWNER)
        for run in (refused, taken, orders):
            for url in (
                reverse("import", args=[run.pk]),
                reverse("job", args=[run.job_id]),
                reverse("imports"),
                reverse("jobs"),
            ):
                assert foreign_nodes(client.get(url).content.decode()) == [], url
        product = Product.objects.get(handle="evil")
        assert foreign_nodes(client.get(reverse("product", args=[product.pk])).content.decode()) == []

    def test_a_customers_words_are_text_for_the_shop(self, world: World) -> None:
        line = world.sent.lines.get()
        data = {
            f"quantity-{line.pk}": 1,
            f"reason-{line.pk}": "damaged",
            f"note-{line.pk}": XSS[0],
            "customer_note": XSS[1],
            "request_key": "markup-key-1",
        }
        client = world.client(None)
        review = client.post(f"/t/{world.sent.token}/return/", data | {"step": "review"})
        assert foreign_nodes(review.content.decode()) == []
        made = client.post(f"/t/{world.sent.token}/return/", data | {"step": "send"})
        assert made.status_code == 302
        found = Return.objects.get(customer_note=XSS[1])
        for url in (
            reverse("return", args=[found.pk]),
            reverse("return-floor", args=[found.pk]),
            made.headers["Location"],
            reverse("returns"),
        ):
            assert foreign_nodes(world.client(Role.OWNER).get(url).content.decode()) == [], url

    def test_names_of_files_are_never_paths_or_markup(self, world: World) -> None:
        from django.core.files.uploadedfile import SimpleUploadedFile

        client = world.client(Role.OWNER)
        for name in ("../../etc/passwd", "<img src=x onerror=alert(1)>.csv", "a\r\nX-Evil: 1.csv", "=cmd.csv"):
            file = SimpleUploadedFile("x.csv", orders_file({"Id": "1"}))
            file.name = name
            response = client.post(
                reverse("import-new"), {"kind": "orders", "channel": world.channel.pk, "file": file}, follow=True
            )
            assert response.status_code == 200
            assert foreign_nodes(response.content.decode()) == []
            assert "X-Evil" not in response.headers


def dangerous(cell: str) -> bool:
    """A cell that a spreadsheet would run: it begins like a formula and is no number."""
    first = cell.lstrip(" \u00a0\ufeff'\"")[:1]
    return (
        bool(cell)
        and (cell[0] in "=+-@\t\r\n＝＋－＠" or first in ("=", "＝"))
        and not re.fullmatch(r"[-+]?[\d.,\s]+", cell)
        and cell[0] != "'"
    )


class TestExports:
    LISTS = sorted(one.name for one in all_routes() if hasattr(one.view, "list_page"))

    @pytest.mark.parametrize("name", LISTS)
    def test_no_cell_of_a_csv_is_a_formula(self, world: World, name: str) -> None:
        poison(world, list(FORMULAS))
        response = world.client(Role.OWNER).get(reverse(name), {"export": "csv"})
        rows = list(csv.reader(io.StringIO(b"".join(response).decode().removeprefix("\ufeff"))))
        assert len(rows) >= 1
        assert [cell for row in rows for cell in row if dangerous(cell)] == []

    @pytest.mark.parametrize("name", LISTS)
    def test_a_workbook_holds_no_formula(self, world: World, name: str) -> None:
        poison(world, list(FORMULAS))
        response = world.client(Role.OWNER).get(reverse(name), {"export": "xlsx"})
        with zipfile.ZipFile(io.BytesIO(b"".join(response))) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
            assert not [part for part in book.namelist() if "externalLink" in part]
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet

    def test_refused_rows_are_safe_too(self, world: World) -> None:
        run = bring_in(
            "orders",
            orders_file(*({"Lineitem quantity": "x", "Shipping Name": text, "Notes": text} for text in FORMULAS)),
            world.channel,
        )
        for url in (reverse("import-refused", args=[run.pk]), reverse("job-errors", args=[run.job_id])):
            response = world.client(Role.OWNER).get(url)
            rows = csv.reader(io.StringIO(b"".join(response).decode().removeprefix("\ufeff")))
            assert [cell for row in rows for cell in row if dangerous(cell)] == []


class TestPapers:
    def test_nothing_is_fetched_and_nothing_is_read(
        self, world: World, listener: tuple[int, list[bytes]], tmp_path: Path
    ) -> None:
        """Each printable field asks for a file and for a server; the papers hold the words, not what they ask for."""
        port, calls = listener
        canary = tmp_path / "secret.txt"
        canary.write_text("canary-content-of-a-file")
        asks = [
            f"<link rel=attachment href='file://{canary}'>", f"<img src='http://127.0.0.1:{port}/a'>", f"<a rel=attachment href=file://{canary}>x</a>",
            f"<style>@import url(http://127.0.0.1:{port}/b)</style>", f"<object data=file://{canary}></object>", f"<embed src=http://localhost:{port}/c>",
        ]  # fmt: skip
        work = FulfillmentOrder.objects.get(pk=world.work.pk)
        order = work.order
        line = order.lines.get()
        order.customer_name, order.customer_note = asks[0], asks[1]
        order.shipping_address = order.shipping_address | {
            "name": asks[0],
            "line1": asks[1],
            "line2": asks[2],
            "city": asks[3],
            "company": asks[4],
        }
        order.save(update_fields=["customer_name", "customer_note", "shipping_address"])
        type(line).objects.filter(pk=line.pk).update(title=asks[5], sku=asks[2][:60])
        kinds = ["label_pdf", "slip_a4", "slip_4x6"]
        print_now(fulfillment_order_id=work.pk, kinds=kinds, actor=ACTOR, now=NOW)
        for kind in kinds:
            made = paper(work.pk, kind)
            assert b"canary-content" not in plain_bytes(made)
            assert b"EmbeddedFile" not in plain_bytes(made)
        assert "<link rel=attachment" in text_of(paper(work.pk, "slip_a4")).replace("\n", " ")
        page = world.client(Role.OWNER).get(reverse("fulfillment-slip", args=[work.pk]))
        assert foreign_nodes(page.content.decode()) == []
        assert calls == []

    def test_zpl_takes_no_orders_from_text(self, world: World) -> None:
        work = FulfillmentOrder.objects.get(pk=world.work.pk)
        order = work.order
        order.shipping_address = order.shipping_address | {"name": "^XZ^XA^JUS~JA", "line1": "~DGR:x^FS^FDgotcha"}
        order.save(update_fields=["shipping_address"])
        print_now(fulfillment_order_id=work.pk, kinds=["label_pdf"], actor=ACTOR, now=NOW)
        made = paper(work.pk, "label_zpl").decode()
        assert (made.count("^XA"), made.count("^XZ")) == (1, 1)
        for order_to_printer in ("^JUS", "~JA", "~DG"):
            assert order_to_printer not in made


def test_the_audits_are_clean_after_all_of_it(world: World, capsys: Any) -> None:
    poison(world, [*XSS, *FORMULAS])
    give_stock(world.variant, world.location, 1)
    call_command("audit_stock")
    call_command("check_integrity")
