"""The pool of one variant in memory: FIFO layers and the moving average side by side, exact to the smallest unit of money.

Values are never divided and forgotten: what is taken is rounded once and subtracted, and the last unit takes what is left, so all that
came in equals all that went out and what remains, by both methods, always.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.money import quantize

ZERO = Decimal(0)


class PoolEmpty(ValueError):
    """More units are taken than ever came in: the ledger was not followed in order."""


@dataclass(slots=True)
class Layer:
    """Units that came in together; `row` is what the caller keeps of it (its database row)."""

    source: str
    at: datetime
    units: int
    value: Decimal
    remaining: int
    remaining_value: Decimal
    unknown: bool = False
    row: Any = None
    touched: bool = False


@dataclass(frozen=True, slots=True)
class Worth:
    """An amount by each method."""

    fifo: Decimal
    average: Decimal

    def __neg__(self) -> Worth:
        return Worth(-self.fifo, -self.average)


@dataclass(slots=True)
class Pool:
    """Units of a variant and their worth. `layers` are those with units left, oldest first."""

    currency: str
    layers: list[Layer] = field(default_factory=list)
    average_value: Decimal = ZERO
    units: int = 0
    in_transit: int = 0
    last_unit_cost: Decimal | None = None

    @property
    def fifo_value(self) -> Decimal:
        return sum((layer.remaining_value for layer in self.layers), ZERO)

    @property
    def unknown_units(self) -> int:
        return sum(layer.remaining for layer in self.layers if layer.unknown)

    def put(self, units: int, worth: Worth, *, source: str, at: datetime, unknown: bool = False) -> Layer:
        """Units come in, as a layer of their own."""
        layer = Layer(source, at, units, worth.fifo, units, worth.fifo, unknown, touched=True)
        self.layers.append(layer)
        self.units += units
        self.average_value += worth.average
        if not unknown:
            self.last_unit_cost = worth.fifo / units
        return layer

    def take(self, units: int) -> Worth:
        """Units go: the oldest by FIFO, a share of all by average. Raises PoolEmpty."""
        if units > self.units:
            raise PoolEmpty(f"{units} units are taken from a pool of {self.units}")
        average = share(self.average_value, units, self.units, self.currency)
        fifo, left = ZERO, units
        for layer in self.layers:
            if not left:
                break
            taken = min(left, layer.remaining)
            amount = share(layer.remaining_value, taken, layer.remaining, self.currency)
            layer.remaining -= taken
            layer.remaining_value -= amount
            layer.touched = True
            fifo += amount
            left -= taken
        self.units -= units
        self.average_value -= average
        return Worth(fifo, average)

    def current(self, units: int, fallback: Decimal | None) -> tuple[Worth, bool]:
        """What `units` more are worth when nobody says: as much as those that are here, else the last cost, else `fallback` for one.

        The second value is True when nothing is known; the worth is then nothing.
        """
        if self.units and self.unknown_units < self.units:
            fifo, average = self.fifo_value, self.average_value
            return Worth(
                quantize(fifo * units / self.units, self.currency),
                quantize(average * units / self.units, self.currency),
            ), False
        one = self.last_unit_cost if self.last_unit_cost is not None else fallback
        if one is None:
            return Worth(ZERO, ZERO), True
        amount = quantize(one * units, self.currency)
        return Worth(amount, amount), False

    def revalue(self, layers: list[Layer], total: Decimal) -> tuple[Worth, Worth]:
        """All units of these layers cost `total` now, each as much as the other: what of the difference is stock, what is spent.

        The share of units that have left is an expense. (stock, expense), by each method; nothing when they cost so already.
        """
        came = sum(layer.units for layer in layers)
        difference = total - sum((layer.value for layer in layers), ZERO)
        left, units_left, stock = total, came, ZERO
        for layer in layers:
            value = share(left, layer.units, units_left, self.currency)
            left -= value
            units_left -= layer.units
            here = share(value - layer.value, layer.remaining, layer.units, self.currency)
            here = max(here, -layer.remaining_value)  # never worth less than nothing
            layer.value = value
            layer.remaining_value += here
            layer.unknown = False
            layer.touched = True
            stock += here
            self.last_unit_cost = value / layer.units
        average = max(stock, -self.average_value) if self.units else ZERO
        self.average_value += average
        return Worth(stock, average), Worth(difference - stock, difference - average)


def share(value: Decimal, units: int, of: int, currency: str) -> Decimal:
    """The part of a value that `units` of `of` units bear; all of them bear all of it, whatever its rounding."""
    return value if units == of else quantize(value * units / of, currency)
