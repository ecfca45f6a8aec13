"""The price of a bundle spread over its components, to the smallest unit of the currency, the same in each unit of the bundle.

So that subtotal, discounts and total of an order stay what the channel says, the spread adds no discount and no rounding: the
prices of the pieces times their number are the bundle's price. Where a component's share cannot be paid by the piece (10.00 for
three), what is over moves to a component that can carry it; where none can, that component stands on two lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import gcd
from typing import NamedTuple

from core.money import allocate, allocate_units, is_exact, smallest_unit

#: Unit prices have four decimals.
_FINEST = Decimal("0.0001")


class Piece(NamedTuple):
    """A line of the bundle: which component, how many of it are in one bundle, and what one of them costs."""

    component: int
    per_bundle: int
    unit_price: Decimal


def spread_price(price: Decimal, parts: Sequence[tuple[int, Decimal]], currency: str) -> list[Piece]:
    """Spread the price of one bundle over its components (units in one bundle, own price of one unit), in proportion to those prices.

    The sum of unit_price × per_bundle is the price exactly, and each line's is in whole smallest units, unless the price itself
    is finer. A component stands on two lines only where there is no other way.
    """
    grid = smallest_unit(currency) if is_exact(price, currency) else _FINEST
    scale = int(grid / _FINEST)
    counts = [count for count, _price in parts]
    shares = allocate_units(int(price / grid), [count * own for count, own in parts])
    steps = [count // gcd(count, scale) for count in counts]  # a share that is a multiple divides by the piece
    over = 0
    for i, step in enumerate(steps):
        over += shares[i] % step
        shares[i] -= shares[i] % step
    dearest = sorted(range(len(parts)), key=lambda i: -shares[i])
    carrier = next((i for i in dearest if (shares[i] + over) % steps[i] == 0), dearest[0])
    shares[carrier] += over
    pieces = []
    for i, count in enumerate(counts):
        low, dearer = (shares[i] * scale // count, 0) if shares[i] % steps[i] == 0 else (None, shares[i] % count)
        if low is not None:
            pieces.append(Piece(i, count, low * _FINEST))
        else:
            low = shares[i] // count * scale
            pieces += [Piece(i, count - dearer, low * _FINEST), Piece(i, dearer, (low + scale) * _FINEST)]
    return pieces


def spread_discount(discount: Decimal, values: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Spread the discount of a whole group over the values of its lines; no line gets more than it is worth."""
    if all(is_exact(value, currency) for value in values):
        return allocate(discount, values, currency)
    return [part * _FINEST for part in allocate_units(int(discount / _FINEST), values)]
