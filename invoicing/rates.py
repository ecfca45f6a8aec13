"""The rate behind a tax amount, where nobody told it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import quantize, smallest_unit

#: Rates are written in percent with at most this many decimals where they are derived.
_STEPS = (Decimal(1), Decimal("0.5"), Decimal("0.1"), Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount after tax, the tax in it, and its rate (a fraction) where it is known."""

    gross: Decimal
    tax: Decimal
    rate: Decimal | None = None


def rates_of(amounts: Sequence[Taxed], currency: str) -> list[Decimal]:
    """A rate for each amount: the known one, else one that explains the tax to the smallest unit, else the plain quotient.

    The largest amounts are looked at first and their rates tried on the smaller ones, because 0.02 of 0.10 fits any rate from 18 to 33 %.
    """
    known = list(dict.fromkeys(one.rate for one in amounts if one.rate is not None))
    found: dict[int, Decimal] = {}
    for place in sorted(range(len(amounts)), key=lambda n: (-abs(amounts[n].gross), n)):
        one = amounts[place]
        if one.rate is None:
            rate = _derived(one, known, currency)
            if rate not in known:
                known.append(rate)
        else:
            rate = one.rate
        found[place] = rate
    return [found[place] for place in range(len(amounts))]


def _derived(one: Taxed, known: Sequence[Decimal], currency: str) -> Decimal:
    net = one.gross - one.tax
    if one.tax == 0 or net <= 0:
        return Decimal(0)
    for rate in known:
        if rate and abs(quantize(net * rate, currency) - one.tax) <= smallest_unit(currency):
            return rate
    exact = one.tax / net
    for step in _STEPS:
        percent = (exact * 100 / step).to_integral_value() * step
        if percent and quantize(net * percent / 100, currency) == one.tax:
            return _fraction(percent)
    return _fraction((exact * 100).quantize(Decimal("0.01")))


def _fraction(percent: Decimal) -> Decimal:
    return min((percent / 100).quantize(Decimal("0.00001")), Decimal("99.99999"))
