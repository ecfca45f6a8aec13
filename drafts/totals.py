"""The money of a draft, worked out from plain values: what its screen, its mail and its order show is this and nothing else.

A line is worth price × quantity, less its discount, less its share of the order's discount. Tax is worked out on each line and on shipping
and rounded half up to the currency's smallest unit there; totals are sums of what was rounded, so they always add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from core.money import allocate, quantize, smallest_unit

ZERO = Decimal(0)
_DAYS = {"advance": None, "receipt": 0, "net7": 7, "net15": 15, "net30": 30, "net60": 60, "net90": 90}


@dataclass(frozen=True, slots=True)
class Discount:
    """kind: none, amount (of the currency) or percent (0 to 100) of what it is taken from."""

    kind: str = "none"
    value: Decimal = ZERO

    def of(self, worth: Decimal, currency: str) -> Decimal:
        """What is taken off `worth`: never more than it, in whole units of the currency."""
        if self.kind == "percent":
            wanted = quantize(worth * self.value / 100, currency)
        elif self.kind == "amount":
            wanted = self.value
        else:
            return ZERO
        return min(wanted, _whole(worth, currency))


NO_DISCOUNT = Discount()


@dataclass(frozen=True, slots=True)
class PlainLine:
    """A line as far as money goes. tax_rate: a fraction (0.19)."""

    quantity: int
    unit_price: Decimal
    discount: Discount = NO_DISCOUNT
    tax_rate: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class LineTotal:
    """value: price × quantity. discount: its own with its share of the order's. amount: value − discount, as it is charged. tax: of it, whether
    it is inside the amount or comes on top."""

    value: Decimal
    own_discount: Decimal
    discount: Decimal
    amount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """What one rate comes to: net is without the tax."""

    rate: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class DraftTotals:
    """total = subtotal − discount + shipping + tax (unless it is included) + rounding, to the currency's smallest unit.

    rounding is zero unless unit prices are finer than the currency.
    """

    lines: tuple[LineTotal, ...]
    subtotal: Decimal
    order_discount: Decimal
    discount: Decimal
    shipping: Decimal
    shipping_tax: Decimal
    tax: Decimal
    taxes: tuple[TaxTotal, ...]
    rounding: Decimal
    total: Decimal


def totals_of(
    lines: Sequence[PlainLine],
    *,
    currency: str,
    discount: Discount = NO_DISCOUNT,
    shipping: Decimal = ZERO,
    shipping_tax_rate: Decimal = ZERO,
    tax_included: bool = False,
) -> DraftTotals:
    """The money of a whole draft. shipping: an exact amount of the currency. Rates are fractions."""
    values = [line.unit_price * line.quantity for line in lines]
    own = [line.discount.of(value, currency) for line, value in zip(lines, values, strict=True)]
    left = [value - less for value, less in zip(values, own, strict=True)]
    # Shares are whole units of the currency and never more than their line has left: `room` is what can be shared out.
    room = [_whole(amount, currency) for amount in left]
    order_discount = min(discount.of(sum(left, ZERO), currency), sum(room, ZERO))
    shares = allocate(order_discount, room, currency) if order_discount else [ZERO] * len(lines)
    rows = []
    for line, value, less, rest, share in zip(lines, values, own, left, shares, strict=True):
        amount = rest - share
        rows.append(LineTotal(value, less, less + share, amount, tax_on(amount, line.tax_rate, tax_included, currency)))
    shipping_tax = tax_on(shipping, shipping_tax_rate, tax_included, currency)
    subtotal, taken = sum(values, ZERO), sum((row.discount for row in rows), ZERO)
    tax = sum((row.tax for row in rows), ZERO) + shipping_tax
    exact = subtotal - taken + shipping + (ZERO if tax_included else tax)
    total = quantize(exact, currency)
    parts = [(line.tax_rate, row.amount, row.tax) for line, row in zip(lines, rows, strict=True)]
    if shipping:
        parts.append((shipping_tax_rate, shipping, shipping_tax))
    return DraftTotals(
        tuple(rows), subtotal, order_discount, taken, shipping, shipping_tax, tax, _by_rate(parts, tax_included), total - exact, total
    )  # fmt: skip


def tax_on(amount: Decimal, rate: Decimal, included: bool, currency: str) -> Decimal:
    """The tax of an amount: on top of it, or inside it."""
    return quantize(amount * rate / (1 + rate) if included else amount * rate, currency)


def _by_rate(parts: Sequence[tuple[Decimal, Decimal, Decimal]], included: bool) -> tuple[TaxTotal, ...]:
    sums: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for rate, amount, tax in parts:
        net, taxes = sums.get(rate, (ZERO, ZERO))
        sums[rate] = (net + amount - (tax if included else ZERO), taxes + tax)
    return tuple(TaxTotal(rate, net, tax) for rate, (net, tax) in sorted(sums.items()) if rate)


def _whole(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(smallest_unit(currency), rounding=ROUND_DOWN)


def due_on(terms: str, placed_on: date) -> date | None:
    """The day on which an order placed on a day is to be paid; None where it is paid in advance."""
    if terms == "eom":
        first_of_next = (placed_on.replace(day=1) + timedelta(days=32)).replace(day=1)
        return first_of_next - timedelta(days=1)
    days = _DAYS[terms]
    return None if days is None else placed_on + timedelta(days=days)
