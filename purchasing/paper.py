"""The purchase order on paper: A4, in the supplier's language, drawn from plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.template.loader import render_to_string
from django.utils import translation

from core.money import format_money
from core.paper.codes import code128_png
from core.paper.language import isolated, known_language, long_date, number, own_digits, paper_locale
from core.paper.text import Direction, direction, printable, printable_lines
from core.paper.weasy import pdf_bytes, render_html

_EASTERN_MARKS = str.maketrans({",": "٬", ".": "٫"})


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line: our SKU and title, the supplier's SKU, units, price of one and of all."""

    sku: str
    title: str
    supplier_sku: str
    quantity: int
    unit_cost: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Paper:
    """A purchase order as its supplier reads it. logo: a data URI or empty. Addresses are lines."""

    number: str
    language: str
    currency: str
    ordered_on: date
    expected_on: date | None
    merchant: str
    logo: str
    contact: str
    supplier: tuple[str, ...]
    ship_to: tuple[str, ...]
    payment_terms: str
    reference: str
    note: str
    lines: tuple[PaperLine, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class _Printed:
    """One line as it is printed, with the direction of its own script."""

    text: str
    dir: Direction


def purchase_html(paper: Paper) -> str:
    """The HTML of the order, in its language: the PDF is made from it, and the preview shows it."""
    language = known_language(paper.language)
    locale = paper_locale(language)

    def money(amount: Decimal) -> str:
        text = format_money(amount, paper.currency, language)
        # Eastern digits are grouped and divided by marks of their own (CLDR, arabext).
        return own_digits(text.translate(_EASTERN_MARKS), locale) if text != own_digits(text, locale) else text

    with translation.override(language):
        return render_to_string(
            "purchasing/paper.html",
            {
                "language": language,
                "dir": "rtl" if translation.get_language_bidi() else "ltr",
                "number": printable(paper.number),
                "code": code128_png(paper.number),
                "ordered_on": long_date(paper.ordered_on, locale),
                "expected_on": long_date(paper.expected_on, locale) if paper.expected_on else "",
                "merchant": _printed(paper.merchant),
                "logo": paper.logo if paper.logo.startswith("data:image/") else "",
                "contact": isolated(paper.contact),
                "supplier": [_printed(line) for line in paper.supplier],
                "ship_to": [_printed(line) for line in paper.ship_to],
                "payment_terms": isolated(paper.payment_terms),
                "reference": isolated(paper.reference),
                "note": [_printed(line) for line in printable_lines(paper.note)],
                "lines": [
                    {
                        "position": number(n, locale),
                        "title": _printed(line.title),
                        "sku": isolated(line.sku),
                        "supplier_sku": isolated(line.supplier_sku),
                        "quantity": number(line.quantity, locale),
                        "unit_cost": money(line.unit_cost),
                        "amount": money(line.amount),
                    }
                    for n, line in enumerate(paper.lines, 1)
                ],
                "units": number(sum(line.quantity for line in paper.lines), locale),
                "total": money(paper.total),
                "currency": paper.currency,
            },
        )


def purchase_pdf(paper: Paper) -> bytes:
    """The order as PDF. Raises PdfUnavailable without Pango."""
    return pdf_bytes(render_html(purchase_html(paper)))


def _printed(text: str) -> _Printed:
    text = printable(text)
    return _Printed(text, direction(text))
