"""Money of an order being changed: what is left of a line, its tax, the order's totals. Pure arithmetic over models in memory."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext as _

from core.money import format_money, quantize, smallest_unit
from core.refusals import Refusal
from oms.orchestration.requests import MOST_MONEY
from orders.models import Order, OrderBundle, OrderLine

ZERO = Decimal(0)


def units_left(line: OrderLine) -> int:
    """Units that the customer still gets or has: ordered and not cancelled."""
    return line.ordered - line.cancelled


def net(line: OrderLine) -> Decimal:
    """The whole line before tax is added to it: price × units − discount."""
    return line.unit_price * line.ordered - line.discount


def net_left(line: OrderLine, currency: str) -> Decimal:
    """The net of the units that are left; that of cancelled ones is cut off as orders.amounts does it."""
    whole = net(line)
    return whole - quantize(whole * line.cancelled / line.ordered, currency)


def discount_left(line: OrderLine, currency: str) -> Decimal:
    """The part of the discount that the units which are left have."""
    return line.unit_price * units_left(line) - net_left(line, currency)


def discount_for(line: OrderLine, discount: Decimal, currency: str) -> Decimal:
    """The discount of the whole line with which the units that are left have `discount`, to the smallest unit.

    Cancelled units take a share of a line's discount, so the line's must be larger: discount × ordered / left, or the smallest
    unit beside it, because the share is rounded. There always is one: what is left grows by at most one unit for each unit.
    """
    left = units_left(line)
    if not line.cancelled or not left:
        return discount
    target = line.unit_price * left - discount
    unit = smallest_unit(currency)
    guess = quantize(discount * line.ordered / left, currency)
    gross = line.unit_price * line.ordered
    for step in (0, 1, -1, 2, -2, 3, -3):
        found = guess + step * unit
        whole = gross - found
        if 0 <= found <= gross and whole - quantize(whole * line.cancelled / line.ordered, currency) == target:
            return found
    return min(guess, gross)


def tax_of(amount: Decimal, rate: Decimal, *, included: bool, currency: str) -> Decimal:
    """The tax on an amount: within it where prices include it, else on top; rounded half up."""
    return quantize(amount * rate / (1 + rate) if included else amount * rate, currency)


def tax_after(line: OrderLine, *, net_before: Decimal, country_rate: Decimal, included: bool, currency: str) -> Decimal:
    """The tax of a line whose net has changed: by its rate, else by the share that it carried, else by the country's rate.

    What was sold without tax stays so. line.tax is still the one before.
    """
    if line.tax_rate is not None:
        return tax_of(net(line), line.tax_rate, included=included, currency=currency)
    if net_before > 0:
        return quantize(line.tax * net(line) / net_before, currency)
    return tax_of(net(line), country_rate, included=included, currency=currency)


def channel_difference(order: Order) -> Decimal:
    """What the channel's own total differs by: the stored adjustment without what rounding adds to it.

    Prices may be finer than the currency, and the total is not.
    """
    return order.total - quantize(_computed(order), order.currency)


def _computed(order: Order) -> Decimal:
    computed = order.subtotal - order.discount_total + order.shipping_total
    return computed if order.tax_included else computed + order.tax_total


def sum_up(
    order: Order,
    lines: Iterable[OrderLine],
    bundles: Iterable[OrderBundle],
    *,
    shipping_tax: Decimal,
    difference: Decimal,
) -> None:
    """Write the order's totals, and those of its bundles, from their lines. difference: the channel's, which stays in sight.

    Raises Refusal when the total falls below zero or grows beyond what can be stored.
    """
    lines = list(lines)
    for bundle in bundles:
        own = [line for line in lines if line.bundle_id == bundle.pk]
        bundle.discount = sum((line.discount for line in own), ZERO)
        bundle.tax = sum((line.tax for line in own), ZERO)
    order.subtotal = sum((line.unit_price * line.ordered for line in lines), ZERO)
    order.discount_total = sum((line.discount for line in lines), ZERO)
    order.tax_total = sum((line.tax for line in lines), ZERO) + shipping_tax
    computed = _computed(order)
    order.total = quantize(computed, order.currency) + difference
    order.adjustment_total = order.total - computed
    if order.total < 0 or order.total > MOST_MONEY:
        amount = format_money(order.total, order.currency)
        raise Refusal("bad_total", _("The total would be {amount}.").format(amount=amount))
