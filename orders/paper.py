"""An order on paper: A4, for the people who work on it, in their own language. What customers get are invoices and packing slips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.template.loader import render_to_string
from django.utils import timezone, translation

from core.badges import look_up
from core.money import format_money
from core.paper.codes import code128_png
from core.paper.language import isolated, known_language, long_date, number, own_digits, paper_locale
from core.paper.text import Direction, direction, printable, printable_lines
from core.paper.weasy import pdf_bytes, render_html
from orders.amounts import line_value
from orders.models import Order, OrderLine

_EASTERN_MARKS = str.maketrans({",": "٬", ".": "٫"})


@dataclass(frozen=True, slots=True)
class _Printed:
    """One line as it is printed, with the direction of its own script."""

    text: str
    dir: Direction


def _printed(text: str) -> _Printed:
    return _Printed(printable(text), direction(text))


def order_html(order: Order, lines: Sequence[OrderLine], *, merchant: str, language: str, with_money: bool) -> str:
    """The order's HTML. with_money: prices and sums, which not everybody may see."""
    language = known_language(language)
    locale = paper_locale(language)

    def money(amount: Decimal) -> str:
        text = format_money(amount, order.currency, language)
        # Eastern digits are grouped and divided by marks of their own (CLDR, arabext).
        return own_digits(text.translate(_EASTERN_MARKS), locale) if text != own_digits(text, locale) else text

    def day(value: date | None) -> str:
        return long_date(value, locale) if value else ""

    with translation.override(language):
        return render_to_string(
            "orders/paper.html",
            {
                "language": language,
                "dir": "rtl" if translation.get_language_bidi() else "ltr",
                "number": printable(order.number),
                "code": code128_png(order.number) if order.number.isascii() else "",
                "merchant": _printed(merchant),
                "channel": _printed(order.channel.name),
                "placed_on": day(timezone.localtime(order.placed_at).date()),
                "expected_on": day(order.expected_on),
                "due_on": day(order.payment_due_on),
                "po_number": isolated(order.po_number),
                "method": isolated(order.shipping_method),
                "statuses": [
                    look_up(f"order.{axis}", getattr(order, axis))[1]
                    for axis in ("lifecycle", "payment", "fulfillment", "delivery")
                ],
                "customer": [_printed(text) for text in (order.customer_name, order.email, order.phone) if text],
                "ship_to": [_printed(line) for line in order.ship_to.lines()],
                "note": [_printed(line) for line in printable_lines(order.customer_note)],
                "lines": [_line(order, line, money, locale, with_money) for line in lines],
                "sums": _sums(order, money) if with_money else [],
                "with_money": with_money,
            },
        )


def _line(
    order: Order, line: OrderLine, money: Callable[[Decimal], str], locale: str, with_money: bool
) -> dict[str, object]:
    return {
        "title": _printed(line.title),
        "sku": isolated(line.sku),
        "ordered": number(line.ordered, locale),
        "shipped": number(line.shipped, locale),
        "cancelled": number(line.cancelled, locale) if line.cancelled else "",
        "price": money(line.unit_price) if with_money else "",
        "value": money(line_value(line, tax_included=order.tax_included)) if with_money else "",
    }


def _sums(order: Order, money: Callable[[Decimal], str]) -> list[tuple[str, str]]:
    _ = translation.gettext
    rows = [
        (_("Goods"), order.subtotal, True),
        (_("Discount"), -order.discount_total, False),
        (_("Shipping costs"), order.shipping_total, False),
        (_("Tax, included") if order.tax_included else _("Tax"), order.tax_total, False),
        (_("Difference to the channel's total"), order.adjustment_total, False),
        (_("Total"), order.total, True),
        (_("Cancelled"), -order.cancelled_total, False),
        (_("Paid"), order.captured_total, False),
        (_("Refunded"), -order.refunded_total, False),
        (_("Owed by the customer"), order.owed_by_customer, False),
        (_("To be refunded"), order.owed_to_customer, False),
    ]
    return [(label, money(amount)) for label, amount, always in rows if always or amount]


def order_pdf(order: Order, lines: Sequence[OrderLine], *, merchant: str, language: str, with_money: bool) -> bytes:
    """The order as PDF. Raises PdfUnavailable without Pango."""
    html = order_html(order, lines, merchant=merchant, language=language, with_money=with_money)
    return pdf_bytes(render_html(html))
