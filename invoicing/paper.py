"""A document on paper: A4, in its customer's language, drawn from what it kept when it was issued and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_percent
from django.template.loader import render_to_string
from django.utils import translation

from core.addresses import Address
from core.money import format_money
from core.paper.language import isolated, known_language, long_date, number, own_digits, paper_locale
from core.paper.text import Direction, direction, printable, printable_lines
from core.paper.weasy import pdf_bytes, render_html
from invoicing.billing import Row, tax_summary
from invoicing.models import Document
from invoicing.states import DocumentKind

_EASTERN_MARKS = str.maketrans({",": "٬", ".": "٫"})


@dataclass(frozen=True, slots=True)
class _Printed:
    """One line as it is printed, with the direction of its own script."""

    text: str
    dir: Direction


@dataclass(frozen=True, slots=True)
class _Writer:
    """Numbers, money, rates and days as readers of the language write them."""

    language: str
    locale: Locale
    currency: str

    def money(self, amount: Decimal) -> str:
        text = format_money(amount, self.currency, self.language)
        # Eastern digits are grouped and divided by marks of their own (CLDR, arabext).
        return self.digits(text.translate(_EASTERN_MARKS)) if text != self.digits(text) else text

    def percent(self, rate: Decimal | None) -> str:
        if rate is None:
            return "–"
        text = format_percent(rate.normalize(), locale=self.locale, decimal_quantization=False)
        eastern = self.locale.default_numbering_system == "arabext"
        return self.digits(text.replace(".", "٫").replace("%", "٪")) if eastern else text

    def digits(self, text: str) -> str:
        return own_digits(text, self.locale)

    def day(self, day: date | None) -> str:
        return long_date(day, self.locale) if day else ""


def document_html(document: Document, *, corrects: tuple[str, date] | None = None, logo: str = "") -> str:
    """The HTML of a document; the PDF is made from it. corrects: number and day of a credit note's invoice. logo: a data URI."""
    language = known_language(document.paper_language)
    writer = _Writer(language, paper_locale(language), document.currency)
    rows = [Row.from_json(row) for row in document.lines]
    with translation.override(language):
        return render_to_string(
            "invoicing/paper.html",
            {
                "language": language,
                "dir": "rtl" if translation.get_language_bidi() else "ltr",
                "page_style": "persian" if writer.locale.default_numbering_system == "arabext" else "decimal",
                "kind": document.kind,
                "title": DocumentKind(document.kind).label,
                "number": printable(document.number),
                "logo": logo if logo.startswith("data:image/") else "",
                "seller": _seller(document.seller),
                "buyer": _buyer(document.buyer),
                "facts": _facts(document, corrects, writer),
                "reason": isolated(document.reason),
                "rows": [_row(n, row, document.tax_included, writer) for n, row in enumerate(rows, 1)],
                "with_discount": any(row.discount for row in rows),
                "tax_included": document.tax_included,
                "taxes": [
                    {"rate": writer.percent(rate), "net": writer.money(net), "tax": writer.money(tax), "gross": writer.money(gross)}
                    for rate, net, tax, gross in tax_summary(rows)
                ],
                "net_total": writer.money(document.net_total),
                "tax_total": writer.money(document.tax_total),
                "total": writer.money(document.total),
                "payable": document.kind != DocumentKind.CREDIT_NOTE,
                "due": isolated(writer.day(document.due_on)),
            },
        )  # fmt: skip


def document_pdf(document: Document, *, corrects: tuple[str, date] | None = None, logo: str = "") -> bytes:
    """The document as PDF. Raises PdfUnavailable without Pango."""
    return pdf_bytes(render_html(document_html(document, corrects=corrects, logo=logo)))


def _seller(seller: Mapping[str, Any]) -> dict[str, Any]:
    lines = Address.from_json(seller.get("address")).lines()
    name, rest = (lines[0], lines[1:]) if lines else (str(seller.get("shop", "")), [])
    return {
        "name": _printed(name),
        "lines": _printed_all(rest),
        **{
            key: isolated(str(seller.get(key) or ""))
            for key in ("tax_number", "register_number", "email", "phone", "bank_name", "bank_account", "bank_code")
        },
        "footer": _printed_all(printable_lines(str(seller.get("footer") or ""), 600)),
    }


def _buyer(buyer: Mapping[str, Any]) -> dict[str, Any]:
    def place(data: Any) -> list[_Printed]:
        return _printed_all(Address.from_json(data).lines())

    return {
        "lines": place(buyer.get("address")) or [_printed(str(buyer.get("name") or ""))],
        "ship_to": place(buyer["ship_to"]) if buyer.get("ship_to") else [],
        "tax_number": isolated(str(buyer.get("tax_number") or "")),
    }


def _facts(document: Document, corrects: tuple[str, date] | None, writer: _Writer) -> dict[str, str]:
    return {
        "issued_on": writer.day(document.issued_on),
        "order": isolated(document.order_number),
        "po_number": isolated(document.po_number),
        "due_on": writer.day(document.due_on),
        "paid": "yes" if document.settled and document.kind == DocumentKind.INVOICE else "",
        "corrects": isolated(corrects[0]) if corrects else "",
        "corrects_on": writer.day(corrects[1]) if corrects else "",
        "currency": document.currency,
    }


def _row(position: int, row: Row, tax_included: bool, writer: _Writer) -> dict[str, Any]:
    return {
        "position": number(position, writer.locale),
        "title": _printed(row.title),
        "sku": isolated(row.sku),
        "bundle": isolated(row.bundle),
        "quantity": number(row.quantity, writer.locale) if row.quantity else "",
        "unit_price": writer.money(row.unit_price) if row.unit_price is not None else "",
        "discount": writer.money(row.discount) if row.discount else "",
        "rate": writer.percent(row.rate),
        "amount": writer.money(row.gross if tax_included else row.net),
    }


def _printed(text: str) -> _Printed:
    text = printable(text)
    return _Printed(text, direction(text))


def _printed_all(lines: Iterable[str]) -> list[_Printed]:
    return [_printed(line) for line in lines if line.strip()]
