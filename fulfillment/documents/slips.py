"""Packing slips: the paper in the parcel, in the customer's language, on A4 or 4×6 in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from babel import Locale
from django.template import Engine
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from core.paper.codes import code128_png, qr_png
from core.paper.language import isolated, known_language, long_date, number, paper_locale
from core.paper.text import Direction, direction, printable, printable_lines

Paper = Literal["a4", "4x6"]
PAPERS: tuple[Paper, ...] = ("a4", "4x6")
_LONGEST_NOTE = 2000  # characters
_TEMPLATES = tuple(
    f"documents/{name}" for name in ("slip.html", "slips.html", "slip.css", "slip_a4.css", "slip_4x6.css")
)


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who sends: `logo` is a data URI (PNG, JPEG or SVG) or empty; `footer` is free text below the lines."""

    name: str
    logo: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class SlipLine:
    """One line of the parcel; `options` is the variant in words (“Navy / L”).

    part: it belongs to a bundle; `heading`, on the first of its lines here, is the bundle as it was sold, and how many.
    """

    sku: str
    title: str
    quantity: int
    bin: str = ""
    options: str = ""
    part: bool = False
    heading: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """A packing slip. `number` is the fulfillment order's and is printed as Code 128, `tracking_url` as QR code.

    together: numbers of the other orders in the same parcel; each order has its own slip, with its own tracking page.
    """

    number: str
    order_number: str
    ordered_on: date
    merchant: Merchant
    ship_to: tuple[str, ...]
    lines: tuple[SlipLine, ...]
    language: str = "en"
    service: str = ""
    tracking_url: str = ""
    customer_note: str = ""
    gift_message: str = ""
    together: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Printed:
    """One line as it is printed, with the direction of its own script."""

    text: str
    dir: Direction


@dataclass(frozen=True, slots=True)
class _PrintedLine:
    quantity: str
    title: str
    sku: str
    bin: str
    part: bool
    heading: str


def slip_html(slip: Slip, *, anchor: str) -> SafeString:
    """The HTML of one slip, in its language; `anchor` becomes its id. Raises NotEncodable for a number no code holds."""
    language = known_language(slip.language)
    locale = paper_locale(language)
    with translation.override(language):
        return render_to_string(
            "documents/slip.html",
            {
                "anchor": anchor,
                "language": language,
                "dir": "rtl" if translation.get_language_bidi() else "ltr",
                "long": _may_need_pages(slip),
                "number": printable(slip.number),
                "number_code": code128_png(slip.number),
                "order_number": isolated(slip.order_number),
                "ordered_on": long_date(slip.ordered_on, locale),
                "service": isolated(slip.service),
                "together": ", ".join(isolated(number) for number in slip.together),
                "merchant": _printed(slip.merchant.name),
                "logo": slip.merchant.logo if slip.merchant.logo.startswith("data:image/") else "",
                "footer": _printed_all(printable_lines(slip.merchant.footer)),
                "ship_to": _printed_all(slip.ship_to),
                "tracking_code": qr_png(slip.tracking_url) if slip.tracking_url else "",
                "lines": [_printed_line(line, locale) for line in slip.lines],
                "units": number(sum(line.quantity for line in slip.lines), locale),
                "customer_note": _printed_all(printable_lines(slip.customer_note, _LONGEST_NOTE)),
                "gift_message": _printed_all(printable_lines(slip.gift_message, _LONGEST_NOTE)),
            },
        )


def slips_html(bodies: Sequence[SafeString], paper: Paper) -> str:
    """One HTML document of slips made by `slip_html`, each beginning on a new page; the PDF is made from it."""
    return render_to_string("documents/slips.html", {"bodies": bodies, "paper_style": f"documents/slip_{paper}.css"})


@cache
def slip_template_sources() -> tuple[bytes, ...]:
    """What the look of a slip depends on besides its data: the templates, and this module."""
    engine = Engine.get_default()
    origins = [engine.get_template(name).origin.name for name in _TEMPLATES]
    return tuple(Path(path).read_bytes() for path in (*origins, __file__))


def _may_need_pages(slip: Slip) -> bool:
    """Numbered pages cost a tenth of a slip's layout, so only slips that could run over one page have them."""
    text = (
        slip.customer_note,
        slip.gift_message,
        slip.merchant.footer,
        *slip.ship_to,
        *(line.title for line in slip.lines),
    )
    return len(slip.lines) > 8 or sum(map(len, text)) > 1200


def _printed_line(line: SlipLine, locale: Locale) -> _PrintedLine:
    return _PrintedLine(
        quantity=number(line.quantity, locale),
        title=isolated(f"{line.title} · {line.options}" if line.options else line.title),
        sku=isolated(line.sku),
        bin=isolated(line.bin),
        part=line.part,
        heading=f"{number(line.heading[1], locale)} × {isolated(line.heading[0])}" if line.heading else "",
    )


def _printed(text: str) -> _Printed:
    text = printable(text)
    return _Printed(text, direction(text))


def _printed_all(lines: Iterable[str]) -> list[_Printed]:
    return [_printed(line) for line in lines if line.strip()]
