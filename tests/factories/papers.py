"""Slips and labels to print, and eyes to read what was printed: text by pypdfium2, codes by zxing-cpp at 203 dpi."""

from __future__ import annotations

import io
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import zxingcpp
from PIL import Image

from fulfillment.documents.labels import Label
from fulfillment.documents.slips import Merchant, Slip, SlipLine

PRINTER_DPI = 203
POLISH = ("Zażółć Gęślą-Jaźń", "ul. Świętokrzyska 14/3", "00-050 WARSZAWA", "POLAND")
TURKISH = ("Işıl Şahin Öğüt", "Bağdat Caddesi No: 12/3", "Kadıköy", "34710 İSTANBUL", "TURKEY")
PERSIAN = ("محمدرضا کریمی‌نژاد", "خیابان ولیعصر، پلاک ۱۲، واحد ۳", "تهران", "1987654321", "IRAN")
LOGO = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 120 40'%3E"
    "%3Crect width='120' height='40' rx='6' fill='%231d4ed8'/%3E%3C/svg%3E"
)
_OWN_NASTY = (
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "{{ settings.SECRET_KEY }}{% load i18n %}",
    "]]><![CDATA[<!-- -->",
    "^XA^FO0,0^FDgotcha^FS^XZ~JA",
    "\u202eright to left override",
    "\ufeffbom \u200bzero width \u2028line separator",
    "\x00\x01\x1b[31mcontrol\x7f",
    "Ｆｕｌｌ ｗｉｄｔｈ ﷽ 🏳️‍🌈 👩‍👩‍👧 Ẑ̴̈á̵l̶g̷o̸",
    "محمد‌رضا abc ۱۲۳ שלום",
    "田中さんにあげて下さい",
    "W" * 4000,
    "a b " * 1000,
    "\\ _ _5E ^ ~ > >< >=",
    "%s %(name)s %n $(reboot) `id`",
)


def nasty_strings() -> list[str]:
    """Strings that broke others: the public list where the real data lies, and our own always."""
    folder = Path(os.environ.get("OMS_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    public = folder / "nasty" / "blns.json"
    return [*_OWN_NASTY, *(json.loads(public.read_text(encoding="utf-8")) if public.exists() else [])]


def nasty_rows(fields: int) -> list[list[str]]:
    """Rows of nasty strings: our own go through every field, the public ones through one each."""
    own = [[text] * fields for text in _OWN_NASTY]
    public = nasty_strings()[len(_OWN_NASTY) :]
    padded = public + [""] * (-len(public) % fields)
    return own + [padded[start : start + fields] for start in range(0, len(padded), fields)]


def make_slip(number: str = "FO-100042", *, units: int = 3, **fields: Any) -> Slip:
    """A slip with `units` lines of one, two, three … pieces."""
    lines = tuple(
        SlipLine(f"TSHIRT-{n:02d}-L", f"Organic cotton T-shirt {n}", n, f"A-{n}", "Navy / L")
        for n in range(1, units + 1)
    )
    defaults: dict[str, Any] = {
        "order_number": "#1042",
        "ordered_on": date(2026, 11, 22),
        "merchant": Merchant("Northwind Outfitters", LOGO, "Thank you for your order.\nReturns: shop.example/returns"),
        "ship_to": POLISH,
        "lines": lines,
        "service": "Standard",
        "tracking_url": "https://shop.example/t/Yk3vN8wqTz5pLr2sXc7dGf",
    }
    return Slip(number=number, **(defaults | fields))


def make_label(tracking_number: str = "ZX473124829XZ", **fields: Any) -> Label:
    """A complete label to a Polish address."""
    defaults: dict[str, Any] = {
        "carrier": "Parcel Post",
        "service": "Express",
        "service_code": "X",
        "routing_code": "PL-000 · R1",
        "sender": ("Northwind Outfitters", "Hafenstraße 12", "20359 HAMBURG", "GERMANY"),
        "recipient": POLISH,
        "weight_grams": 1250,
        "reference": "FO-100042-1",
        "order_number": "#1042",
        "contents": "Clothing",
        "ship_on": date(2026, 11, 22),
        "qr": "https://shop.example/t/Yk3vN8wqTz5pLr2sXc7dGf",
    }
    return Label(tracking_number=tracking_number, **(defaults | fields))


def page_images(pdf: bytes, dpi: int = PRINTER_DPI) -> list[Image.Image]:
    """The pages as a printer of this resolution draws them."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]


def codes_on(image: Image.Image) -> dict[str, str]:
    """Format → text of the codes that a scanner finds."""
    return {code.format.name: code.text for code in zxingcpp.read_barcodes(image)}


def text_of(pdf: bytes) -> str:
    """All text of a PDF in reading order, blanks collapsed."""
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(" ".join(page.get_textpage().get_text_bounded() for page in document).split())


def page_sizes(pdf: bytes) -> list[tuple[int, int]]:
    """(width, height) of each page in points."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [(round(page.get_width()), round(page.get_height())) for page in document]


def plain_bytes(pdf: bytes) -> bytes:
    """The PDF with all its streams unpacked, to search for what must not be in it."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.save(target, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.all)
    return target.getvalue()
