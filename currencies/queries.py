"""What a currency was worth: the rate of a day, and amounts in another currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from core.money import quantize

#: A rate holds for a day and for so many days after it, over week-ends and holidays; older ones say nothing.
DAYS_GOOD = 7

_RATE = "SELECT rate, source, quoted_on FROM oms_exchange_rate(%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Quote:
    """rate: units of the wanted currency for one unit of the other. quoted_on: the day whose rate it is."""

    rate: Decimal
    source: str
    quoted_on: date


def rate_on(base: str, quote: str, day: date) -> Quote | None:
    """What one `base` was worth in `quote` on a day: the newest rate that is at most DAYS_GOOD days old, else None.

    Asked in this order for the same day: the rate itself, its inverse, the cross rate through the euro. What is worked out is rounded half up to
    ten decimals. (The SQL function oms_exchange_rate, so that batches of orders ask the same question.)
    """
    if base == quote:
        return Quote(Decimal(1), "", day)
    with connection.cursor() as cursor:
        cursor.execute(_RATE, [base, quote, day])
        found = cursor.fetchone()
    return Quote(*found) if found else None


def convert(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """An amount at a rate, rounded half up to the smallest unit of `currency`. Sums are sums of such amounts."""
    return quantize(amount * rate, currency)


def rate_text(rate: Decimal) -> str:
    """A rate as it is written: all its digits, without the zeros behind them."""
    return f"{rate.normalize():f}"
