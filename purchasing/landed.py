"""Landed cost: what the units of an order cost with their share of freight, duty and other charges, to the smallest unit of money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import allocate, quantize
from purchasing.states import ChargeBasis


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one line that the order will have brought. weight: grams of one unit."""

    key: int
    units: int
    unit_cost: Decimal
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Charges:
    """What is spread over the lines, in the order's currency, and by what."""

    freight: Decimal
    duty: Decimal
    other: Decimal
    basis: str = ChargeBasis.VALUE


@dataclass(frozen=True, slots=True)
class Landed:
    """What all units of a line cost: parts and total in the order's currency, `own` the total in the shop's."""

    units: int
    goods: Decimal
    freight: Decimal
    duty: Decimal
    other: Decimal
    total: Decimal
    own: Decimal

    def of(self, units: int, currency: str) -> Decimal:
        """What the first `units` of them cost in the shop's currency; all of them exactly `own`."""
        if units >= self.units:
            return self.own
        return quantize(self.own * units / self.units, currency)


NOTHING = Landed(0, *[Decimal(0)] * 6)


def landed_costs(
    lines: Sequence[Units], charges: Charges, *, currency: str, rate: Decimal, own_currency: str
) -> dict[int, Landed]:
    """Line key → Landed. Parts of every charge sum to it exactly, and the own totals to the converted total, to the smallest unit.

    Weights that are all zero (nobody weighed the goods) spread a charge by quantity. Lines without units bear nothing.
    """
    found = [line for line in lines if line.units > 0]
    result = {line.key: NOTHING for line in lines}
    if not found:
        return result
    goods = [quantize(line.unit_cost * line.units, currency) for line in found]
    weights = _weights(found, goods, charges.basis)
    parts = [allocate(charge, weights, currency) for charge in (charges.freight, charges.duty, charges.other)]
    totals = [sum(each, Decimal(0)) for each in zip(goods, *parts, strict=True)]
    own_total = quantize(sum(totals, Decimal(0)) * rate, own_currency)
    own = allocate(own_total, totals, own_currency)
    for n, line in enumerate(found):
        result[line.key] = Landed(line.units, goods[n], parts[0][n], parts[1][n], parts[2][n], totals[n], own[n])
    return result


def _weights(lines: Sequence[Units], goods: Sequence[Decimal], basis: str) -> Sequence[Decimal | int]:
    by_quantity = [line.units for line in lines]
    if basis == ChargeBasis.QUANTITY:
        return by_quantity
    weights: Sequence[Decimal | int] = (
        [line.weight * line.units for line in lines] if basis == ChargeBasis.WEIGHT else goods
    )
    return weights if any(weights) else by_quantity
