"""What returned units are worth, and how much may be given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from orders.amounts import value_of_units
from orders.models import Order
from returns.models import Return, ReturnLine


@dataclass(frozen=True, slots=True)
class LineWorth:
    """A return line with the units that may be refunded for it and what the chosen ones are worth.

    most: inspected units that were not refunded before. units: how many are chosen. value: of those, with discount and tax.
    """

    line: ReturnLine
    most: int
    units: int
    value: Decimal


def most_refundable(order: Order) -> Decimal:
    """What was captured and not yet given back."""
    return order.captured_total - order.refunded_total


def line_worths(request: Return, *, units: Mapping[int, int] | None = None) -> list[LineWorth]:
    """The worth of each line; units: return line id → how many are accepted (all that may be, when left out).

    Values are shares of the line that add up to it exactly, however often it is refunded in parts (orders.amounts).
    """
    order = request.order
    worths = []
    for line in request.lines.select_related("order_line").order_by("order_line__position"):
        sold = line.order_line
        most = min(line.inspected, sold.ordered - sold.refunded)
        chosen = most if units is None else max(0, min(most, units.get(line.pk, 0)))
        value = value_of_units(
            sold, already=sold.refunded, units=chosen, tax_included=order.tax_included, currency=order.currency
        )
        worths.append(LineWorth(line, most, chosen, value))
    return worths


def proposed_refund(request: Return, worths: list[LineWorth]) -> Decimal:
    """The sum of the chosen units, at most what may be given back."""
    return min(sum((worth.value for worth in worths), Decimal(0)), most_refundable(request.order))
