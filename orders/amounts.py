"""What units of a line are worth: shares that add up to the line exactly, however often it is cut."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from core.money import quantize
from orders.models import Order, OrderLine


def line_value(line: OrderLine, *, tax_included: bool) -> Decimal:
    """What the customer pays for the whole line: price × quantity − discount, plus tax unless prices include it."""
    value = line.unit_price * line.ordered - line.discount
    return value if tax_included else value + line.tax


def value_of_first(line: OrderLine, units: int, *, tax_included: bool, currency: str) -> Decimal:
    """The value of the first `units` of a line, rounded. Value of units a…b is value_of_first(b) − value_of_first(a), so that
    any sequence of partial cancels or refunds sums to the line's value to the smallest unit."""
    if units == line.ordered:
        return line_value(line, tax_included=tax_included)
    return quantize(line_value(line, tax_included=tax_included) * units / line.ordered, currency)


def value_of_units(line: OrderLine, *, already: int, units: int, tax_included: bool, currency: str) -> Decimal:
    """The value of `units` more of a line of which `already` were taken."""
    end = value_of_first(line, already + units, tax_included=tax_included, currency=currency)
    return end - value_of_first(line, already, tax_included=tax_included, currency=currency)


def cancelled_value(order: Order, lines: Iterable[OrderLine]) -> Decimal:
    """The value of all cancelled units; a wholly cancelled order is worth its whole total, shipping and all."""
    lines = list(lines)
    if all(line.cancelled == line.ordered for line in lines):
        return order.total
    value = sum(
        (
            value_of_first(line, line.cancelled, tax_included=order.tax_included, currency=order.currency)
            for line in lines
        ),
        Decimal(0),
    )
    return min(value, order.total)
