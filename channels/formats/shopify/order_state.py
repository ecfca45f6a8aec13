"""How far an exported order is: its money, its payments, and which units have left or will never leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from channels.formats.columns import Cells
from channels.formats.errors import FieldError
from channels.formats.records import OrderLineRecord
from channels.formats.shopify.common import amount

ZERO = Decimal(0)
_SHIPPED = frozenset({"fulfilled", "shipped"})
_NOT_SHIPPED = frozenset(
    {
        "",
        "unfulfilled",
        "pending",
        "null",
        "scheduled",
        "on_hold",
        "on hold",
        "open",
        "in_progress",
        "in progress",
        "request_declined",
    }
)
_PARTLY = frozenset({"partial", "partially_fulfilled", "partially fulfilled"})


@dataclass(frozen=True, slots=True)
class Money:
    """total = subtotal − discount + shipping (+ tax unless included) + adjustment, as the order's table demands."""

    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    tax_included: bool
    adjustment: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Payments:
    authorized: Decimal
    captured: Decimal
    refunded: Decimal
    voided: bool
    in_full_refunded: bool


def totals(cells: Cells, lines: Sequence[OrderLineRecord], currency: str, mark: str | None) -> Money:
    """The order's amounts. Whether prices include tax, and whether the order's discount repeats those of the lines, is told by which
    reading adds up; what then still differs from the file's own total stays visible as the adjustment."""
    gross = sum((line.unit_price * line.quantity for line in lines), ZERO)
    by_line = sum((line.discount for line in lines), ZERO)
    shipping, tax, by_order = (_amount(cells, meaning, currency, mark) for meaning in ("shipping", "taxes", "discount"))
    stated_subtotal, stated_total = (amount(cells, meaning, currency, mark) for meaning in ("subtotal", "total"))
    discount = _discount(gross, by_line, by_order, stated_subtotal)
    net = gross - discount + shipping
    total = net + tax if stated_total is None else stated_total
    tax_included = bool(tax) and abs(total - net) < abs(total - net - tax)
    adjustment = total - net - (ZERO if tax_included else tax)
    return Money(gross, discount, shipping, tax, tax_included, adjustment, total)


def _discount(gross: Decimal, by_line: Decimal, by_order: Decimal, stated_subtotal: Decimal | None) -> Decimal:
    both = by_line + by_order
    if not by_line or not by_order:
        return both
    larger = max(by_line, by_order)
    if stated_subtotal is None:
        return larger  # Shopify's order discount counts those of the lines
    return both if abs(gross - both - stated_subtotal) < abs(gross - larger - stated_subtotal) else larger


def _amount(cells: Cells, meaning: str, currency: str, mark: str | None) -> Decimal:
    return amount(cells, meaning, currency, mark) or ZERO


def payments(cells: Cells, total: Decimal, currency: str, mark: str | None) -> Payments:
    """What was authorised, captured and given back, by the financial status and the amounts beside it."""
    status = cells["financial"].casefold().replace(" ", "_")
    refunded = _amount(cells, "refunded", currency, mark)
    outstanding = amount(cells, "outstanding", currency, mark)
    authorized = captured = ZERO
    if status == "paid":
        captured = total - (outstanding or ZERO)
    elif status == "authorized":
        authorized = total
    elif status == "partially_paid":
        if outstanding is None:
            raise FieldError(
                cells.label("outstanding"),
                _("is empty, so it is not known how much of this order was paid."),
            )
        captured = total - outstanding
    elif status == "refunded":
        refunded = refunded or total
        captured = max(total, refunded)
    elif status == "partially_refunded":
        if not refunded:
            raise FieldError(
                cells.label("refunded"),
                _("is empty, so it is not known how much of this order was given back."),
            )
        captured = max(total, refunded)
    elif status not in ("", "pending", "unpaid", "expired", "voided"):
        raise FieldError(
            cells.label("financial"),
            _("“%(cell)s” is no payment status known here.") % {"cell": cells["financial"][:40]},
        )
    if captured < 0:
        raise FieldError(cells.label("outstanding"), _("is more than the order's total."))
    if refunded > captured:
        message = _("%(refunded)s was given back, but only %(captured)s was paid.")
        raise FieldError(cells.label("refunded"), message % {"refunded": refunded, "captured": captured})
    return Payments(authorized, captured, refunded, status == "voided", status == "refunded")


def line_progress(cells: Cells, first: Cells, quantity: int, *, cancelled: bool) -> tuple[int, int]:
    """(units shipped, units that will never be) of one line. A line shipped in part refuses the order: the file has no number for it."""
    own, whole = cells["line_fulfillment"].casefold(), first["fulfillment"].casefold()
    for status, label in ((own, "line_fulfillment"), (whole, "fulfillment")):
        if status not in _SHIPPED | _NOT_SHIPPED | _PARTLY | {"restocked"}:
            raise FieldError(
                cells.label(label),
                _("“%(cell)s” is no fulfillment status known here.") % {"cell": status[:40]},
            )
    if not cells.has("line_fulfillment"):
        if whole in _PARTLY:
            raise FieldError(
                cells.label("fulfillment"),
                _("The order is shipped in part, but the file does not say which lines."),
            )
        own = whole
    if own in _PARTLY and quantity > 1:
        raise FieldError(
            cells.label("line_fulfillment"),
            _("The line is shipped in part, but the file does not say how many units."),
        )
    if own in _SHIPPED or own in _PARTLY:
        return quantity, 0
    # An order that is fulfilled has nothing left to send: a line that did not leave was taken off it.
    gone = cancelled or own == "restocked" or whole in _SHIPPED | {"restocked"}
    return 0, quantity if gone else 0
