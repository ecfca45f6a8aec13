"""A draft on paper: A4, in the customer's language, drawn from plain values. It is an offer without a number of its own."""

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
    """amount: what is charged for the line, less its discounts."""

    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Paper:
    """A draft as its customer reads it. logo: a data URI or empty. Addresses are lines. taxes: (percent, net, tax)."""

    number: str
    language: str
    currency: str
    written_on: date
    valid_until: date | None
    merchant: str
    logo: str
    contact: str
    bill_to: tuple[str, ...]
    ship_to: tuple[str, ...]
    terms: str
    po_number: str
    note: str
    url: str
    lines: tuple[PaperLine, ...]
    shipping: Decimal
    taxes: tuple[tuple[Decimal, Decimal, Decimal], ...]
    tax_included: bool
    total: Decimal


@dataclass(frozen=True, slots=True)
class _Printed:
    text: str
    dir: Direction


def draft_html(paper: Paper) -> str:
    """The HTML of the draft, in its language."""
    language = known_language(paper.language)
    locale = paper_locale(language)

    def money(amount: Decimal) -> str:
        text = format_money(amount, paper.currency, language)
        return own_digits(text.translate(_EASTERN_MARKS), locale) if text != own_digits(text, locale) else text

    with translation.override(language):
        return render_to_string(
            "drafts/paper.html",
            {
                "language": language,
                "dir": "rtl" if translation.get_language_bidi() else "ltr",
                "number": printable(paper.number),
                "code": code128_png(paper.number),
                "written_on": long_date(paper.written_on, locale),
                "valid_until": long_date(paper.valid_until, locale) if paper.valid_until else "",
                "merchant": _printed(paper.merchant),
                "logo": paper.logo if paper.logo.startswith("data:image/") else "",
                "contact": isolated(paper.contact),
                "bill_to": [_printed(line) for line in paper.bill_to],
                "ship_to": [_printed(line) for line in paper.ship_to],
                "terms": paper.terms,
                "po_number": isolated(paper.po_number),
                "note": [_printed(line) for line in printable_lines(paper.note)],
                "url": paper.url,
                "lines": [
                    {
                        "position": number(n, locale),
                        "title": _printed(line.title),
                        "sku": isolated(line.sku),
                        "quantity": number(line.quantity, locale),
                        "unit_price": money(line.unit_price),
                        "discount": money(line.discount) if line.discount else "",
                        "amount": money(line.amount),
                    }
                    for n, line in enumerate(paper.lines, 1)
                ],
                "shipping": money(paper.shipping) if paper.shipping else "",
                "taxes": [
                    {"rate": own_digits(f"{rate.normalize():f} %", locale), "net": money(net), "tax": money(tax)}
                    for rate, net, tax in paper.taxes
                ],
                "tax_included": paper.tax_included,
                "total": money(paper.total),
            },
        )


def draft_pdf(paper: Paper) -> bytes:
    """The draft as PDF. Raises PdfUnavailable without Pango."""
    return pdf_bytes(render_html(draft_html(paper)))


def _printed(text: str) -> _Printed:
    text = printable(text)
    return _Printed(text, direction(text))
