"""Packing slips: complete, scannable, in the customer's language, one PDF each, and a broken one stops nobody."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from fulfillment.documents.merge import page_count
from fulfillment.documents.render import render_slips, slip_hash
from fulfillment.documents.slips import PAPERS, Merchant, Paper
from tests.factories.papers import PERSIAN, TURKISH, codes_on, make_slip, page_images, page_sizes, text_of

POINTS = {"a4": (595, 842), "4x6": (288, 432)}


@pytest.mark.parametrize("paper", PAPERS)
def test_a_slip_shows_everything_and_its_codes_scan(paper: Paper) -> None:
    slip = make_slip(customer_note="Please ring twice", gift_message="Happy birthday!")
    [rendered] = render_slips([slip], paper)
    assert rendered.pdf is not None
    assert page_sizes(rendered.pdf) == [POINTS[paper]]
    text = text_of(rendered.pdf)
    for part in ("Northwind Outfitters", "FO-100042", "#1042", "November 22, 2026", "Standard", *slip.ship_to):
        assert part in text
    for line in slip.lines:
        assert f"{line.quantity} × {line.title} · {line.options} SKU {line.sku} · bin {line.bin}" in text
    for part in ("Units in this parcel: 6", "Please ring twice", "Happy birthday!", "Thank you for your order."):
        assert part in text
    [image] = page_images(rendered.pdf)
    assert codes_on(image) == {"Code128": "FO-100042", "QRCode": slip.tracking_url}


@pytest.mark.parametrize(
    ("language", "ship_to", "title", "units", "day"),
    [
        ("tr", TURKISH, "Paket içeriği", "Bu paketteki adet: 6", "22 Kasım 2026"),
        ("tr-TR", TURKISH, "Paket içeriği", "Bu paketteki adet: 6", "22 Kasım 2026"),
        ("pl", ("Łucja Żółć",), "Zawartość paczki", "Sztuk w paczce: 6", "22 listopada 2026"),
        ("xx", TURKISH, "Packing slip", "Units in this parcel: 6", "November 22, 2026"),
    ],
)
def test_a_slip_speaks_the_customers_language(
    language: str, ship_to: tuple[str, ...], title: str, units: str, day: str
) -> None:
    [rendered] = render_slips([make_slip(language=language, ship_to=ship_to)])
    assert rendered.pdf is not None
    text = text_of(rendered.pdf)
    assert {part for part in (title, units, day, *ship_to) if part not in text} == set()


def test_a_persian_slip_is_mirrored_and_counts_in_persian_digits() -> None:
    [persian, english] = render_slips([make_slip(language="fa", ship_to=PERSIAN), make_slip(ship_to=PERSIAN)])
    assert persian.pdf is not None
    assert english.pdf is not None
    # pdfium gives Arabic script back in visual or logical order depending on the run; digits and single letters are stable.
    assert "۶" in text_of(persian.pdf)
    assert "۶" not in text_of(english.pdf)
    [mirrored], [straight] = page_images(persian.pdf), page_images(english.pdf)
    assert codes_on(mirrored) == codes_on(straight)
    assert barcode_left_edge(mirrored) < mirrored.width / 4
    assert barcode_left_edge(straight) > straight.width / 2


def barcode_left_edge(image) -> int:  # type: ignore[no-untyped-def]
    import zxingcpp

    [bars] = [code for code in zxingcpp.read_barcodes(image) if code.format.name == "Code128"]
    return min(bars.position.top_left.x, bars.position.top_right.x)


def test_each_slip_is_its_own_pdf_however_many_pages_it_has() -> None:
    slips = [make_slip("FO-1", units=70), make_slip("FO-2"), make_slip("FO-3", units=45), make_slip("FO-4", units=0)]
    pdfs = [rendered.pdf or b"" for rendered in render_slips(slips)]
    pages = [page_count(pdf) for pdf in pdfs]
    assert [count > 1 for count in pages] == [True, False, True, False]
    assert "TSHIRT-70-L" in text_of(pdfs[0])
    assert f"FO-1 · {pages[0]}" in text_of(pdfs[0])
    assert "FO-3 · 1" in text_of(pdfs[2])
    for number, pdf in enumerate(pdfs, start=1):
        assert codes_on(page_images(pdf)[0])["Code128"] == f"FO-{number}"
        assert not any(f"FO-{other}" in text_of(pdf) for other in range(1, 5) if other != number)


def test_a_part_of_a_chunk_does_not_carry_the_images_of_the_others() -> None:
    alone = render_slips([make_slip("FO-1000")])[0].pdf or b""
    among = render_slips([make_slip(f"FO-{1000 + n}") for n in range(20)])[0].pdf or b""
    assert len(among) < 2 * len(alone)


def test_a_broken_slip_is_named_and_the_others_print_in_order(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="fulfillment.documents.render")
    slips = [make_slip(f"FO-{n}") for n in range(7)]
    slips[3] = make_slip("FO-Łódź")
    rendered = render_slips(slips)
    assert [bool(item.pdf) for item in rendered] == [True, True, True, False, True, True, True]
    assert "Code 128" in rendered[3].error
    assert [codes_on(page_images(item.pdf)[0])["Code128"] for item in rendered if item.pdf] == [
        f"FO-{n}" for n in (0, 1, 2, 4, 5, 6)
    ]


def test_no_slips_make_no_pdf() -> None:
    assert render_slips([]) == []


def test_the_same_slip_has_the_same_bytes_and_the_same_key() -> None:
    assert render_slips([make_slip()]) == render_slips([make_slip()])
    assert slip_hash(make_slip(), "a4") == slip_hash(make_slip(), "a4")


def test_every_field_and_the_paper_change_the_key() -> None:
    slip = make_slip()
    changes = {
        "number": "FO-2", "order_number": "#2", "ordered_on": slip.ordered_on.replace(day=1), "merchant": Merchant("Other"),
        "ship_to": ("Somebody",), "lines": slip.lines[:1], "language": "pl", "service": "Express", "tracking_url": "https://x.example",
        "customer_note": "n", "gift_message": "g", "together": ("#3",),
    }  # fmt: skip
    assert changes.keys() == {field.name for field in dataclasses.fields(slip)}
    keys = {slip_hash(dataclasses.replace(slip, **{name: value}), "a4") for name, value in changes.items()}
    assert len(keys | {slip_hash(slip, "a4"), slip_hash(slip, "4x6")}) == len(changes) + 2


def test_a_merchant_without_logo_or_with_a_link_as_logo_prints_without_one() -> None:
    for logo in ("", "https://cdn.example/logo.png", "file:///etc/hostname"):
        [rendered] = render_slips([make_slip(merchant=Merchant("Plain & Sons", logo))])
        assert "Plain & Sons" in text_of(rendered.pdf or b"")


def test_without_pango_the_product_loads_and_says_what_to_install(tmp_path: Path) -> None:
    """A machine without the libraries: importing WeasyPrint fails as it does there."""
    (tmp_path / "weasyprint.py").write_text("print('banner')\nraise OSError('cannot load library libpango-1.0-0')\n")
    program = (
        "from core.paper import weasy\nfrom fulfillment.documents import render\n"
        "print(weasy.pdf_available())\n"
        "try: weasy.render_html('x')\n"
        "except weasy.PdfUnavailable as error: print('refused:', error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        env={"PYTHONPATH": f"{tmp_path}:.", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.startswith("(False, 'PDF printing is off")
    assert "libpango-1.0-0" in result.stdout or "brew install pango" in result.stdout
    assert "refused: PDF printing is off" in result.stdout
    assert "banner" not in result.stdout
