"""Names, notes and SKUs come from strangers: a document reads no file, opens no connection and prints them as they are."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.paper.fetcher import DataOnlyFetcher
from core.paper.weasy import pdf_bytes, render_html
from fulfillment.documents.picklist import PickLine, PickList
from fulfillment.documents.render import render_pick_list, render_slips
from fulfillment.documents.slips import Merchant, SlipLine
from tests.factories.papers import make_slip, nasty_rows, plain_bytes, text_of

SECRET = "canary-7f3a9c1e-do-not-print"


class Listener:
    """A loopback server that counts who comes; every answer is a redirect to a file."""

    def __init__(self, redirect_to: str) -> None:
        self.hits = 0
        self._answer = f"HTTP/1.1 302 Found\r\nLocation: {redirect_to}\r\nContent-Length: 0\r\n\r\n".encode()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._server.accept()
            except OSError:
                return
            self.hits += 1
            with closing(connection):
                connection.sendall(self._answer)

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture
def listener(secret_file: Path) -> Iterator[Listener]:
    made = Listener(secret_file.as_uri())
    yield made
    made.close()


def attacks(listener: Listener, secret_file: Path) -> list[str]:
    file = secret_file.as_uri()
    return [
        f"<link rel=attachment href={file}>",
        f"<img src={listener.url}/img>",
        f"<style>@import url({listener.url}/css)</style>",
        f"<svg><image href='{listener.url}/svg'/></svg>",
        f"<object data={file}></object><embed src={file}>",
        f"<link rel=stylesheet href={listener.url}/s.css>",
        f"</style></section><iframe src={file}>",
    ]


def test_the_listener_counts(listener: Listener) -> None:
    """The witness is no dummy: a connection is seen."""
    with socket.create_connection(("127.0.0.1", int(listener.url.rpartition(":")[2])), timeout=5) as connection:
        assert connection.recv(12) == b"HTTP/1.1 302"
    assert listener.hits == 1


def test_markup_in_any_field_of_a_slip_is_text(listener: Listener, secret_file: Path) -> None:
    for attack in attacks(listener, secret_file):
        slip = make_slip(
            order_number=attack, ship_to=(attack, attack), service=attack, customer_note=attack, gift_message=attack,
            merchant=Merchant(attack, attack, attack), lines=(SlipLine(attack, attack, 1, attack, attack),),
        )  # fmt: skip
        pdf = render_slips([slip])[0].pdf or b""
        assert SECRET.encode() not in plain_bytes(pdf)
        assert b"/EmbeddedFile" not in plain_bytes(pdf)
        assert attack.replace(" ", "") in text_of(pdf).replace(" ", "")
    assert listener.hits == 0


def test_markup_in_a_pick_list_is_text(listener: Listener, secret_file: Path, now) -> None:  # type: ignore[no-untyped-def]
    lines = tuple(PickLine(attack, attack, attack, 1, attack, attack) for attack in attacks(listener, secret_file))
    pdf = render_pick_list(PickList("PL-7", "<b>Main</b>", now, lines))
    assert SECRET.encode() not in plain_bytes(pdf)
    assert "<b>Main</b>" in text_of(pdf)
    assert listener.hits == 0


def test_even_raw_html_can_load_nothing_but_data(listener: Listener, secret_file: Path) -> None:
    """The second wall alone: the same attacks as markup that nobody escaped."""
    html = (
        "<p>before</p>" + "".join(attacks(listener, secret_file)[:-1]) + f"<a href={listener.url}>link</a><p>after</p>"
    )
    pdf = pdf_bytes(render_html(html))
    assert SECRET.encode() not in plain_bytes(pdf)
    assert "before" in text_of(pdf)
    assert "after" in text_of(pdf)
    assert listener.hits == 0


def test_a_logo_that_refers_to_elsewhere_loads_nothing(listener: Listener, secret_file: Path) -> None:
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' viewBox='0 0 9 9'>"
        f"<image href='{listener.url}/a.png' width='9' height='9'/><image xlink:href='{secret_file.as_uri()}' width='9' height='9'/>"
        f"<style>@import url({listener.url}/b.css)</style><use href='{listener.url}/c.svg#x'/></svg>"
    )
    logo = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    pdf = render_slips([make_slip(merchant=Merchant("Shop", logo))])[0].pdf or b""
    assert SECRET.encode() not in plain_bytes(pdf)
    assert listener.hits == 0


@pytest.mark.parametrize(
    "url",
    ["file:///etc/hostname", "FILE:///etc/hostname", "http://127.0.0.1:1/", "https://example.org/", "ftp://127.0.0.1/x", "//host/x", "x.css", "",
     "data", " data:,x", "jar:data:,x", "data:," + "x" * 3_000_001],
)  # fmt: skip
def test_the_fetcher_refuses_everything_but_data(url: str) -> None:
    fetcher = DataOnlyFetcher()
    for way_in in (fetcher, fetcher.fetch, fetcher.open):
        with pytest.raises(ValueError, match="data: URI"):
            way_in(url)


def test_the_fetcher_reads_data() -> None:
    response = DataOnlyFetcher()("data:text/css;base64," + base64.b64encode(b"p{color:red}").decode())
    assert response.read() == b"p{color:red}"
    assert response.content_type == "text/css"


def test_nasty_rows_in_every_field_still_make_a_slip(caplog: pytest.LogCaptureFixture) -> None:
    slips = [
        make_slip(
            order_number=a, ship_to=(b, c, d), service=e, customer_note=f, gift_message=g, merchant=Merchant(h, "", a),
            lines=(SlipLine(c, d, 1, e, f),), language=g, tracking_url=h[:100],
        )
        for a, b, c, d, e, f, g, h in nasty_rows(8)
    ]  # fmt: skip
    rendered = render_slips(slips, "4x6")
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    assert all(item.pdf for item in rendered)
