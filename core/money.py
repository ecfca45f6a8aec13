"""Money: Decimal amounts with an ISO 4217 currency; 0, 2 or 3 decimals by the currency's minor unit. Never floats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision
from django.utils.translation import get_language, to_locale

ZERO = Decimal(0)
#: Widest minor unit stored (KWD, BHD have 3 decimals); columns keep 4 so that unit prices of bulk goods fit.
MAX_DECIMALS = 4


@lru_cache(maxsize=256)
def exponent(currency: str) -> int:
    """Number of decimals of the currency's smallest unit (ISO 4217 as in CLDR): JPY 0, EUR 2, KWD 3.

    CLDR lists cash habits too for a few currencies (e.g. 0 for IRR); amounts follow ISO 4217 where the two differ.
    """
    iso = {"IRR": 2, "IQD": 3, "LYD": 3, "HUF": 2, "TWD": 2, "COP": 2, "IDR": 2, "LBP": 2, "PKR": 2, "RSD": 2, "ALL": 2}
    if currency in iso:
        return iso[currency]
    fractions = get_global("currency_fractions")
    return int(fractions.get(currency, fractions["DEFAULT"])[0])


@lru_cache(maxsize=256)
def smallest_unit(currency: str) -> Decimal:
    """The smallest unit as a Decimal: 0.01 for EUR, 1 for JPY."""
    return Decimal(1).scaleb(-exponent(currency))


def quantize(amount: Decimal, currency: str) -> Decimal:
    """The amount rounded half up to the currency's smallest unit."""
    return amount.quantize(smallest_unit(currency), rounding=ROUND_HALF_UP)


def is_exact(amount: Decimal, currency: str) -> bool:
    """True when the amount has no more decimals than its currency."""
    return amount == quantize(amount, currency)


def allocate(total: Decimal, weights: Sequence[Decimal | int], currency: str) -> list[Decimal]:
    """Split `total` in proportion to `weights` so that the parts sum to it exactly (largest remainder method).

    With weights that are all zero the parts are equal. Raises ValueError for no weights or a negative one.
    """
    unit = smallest_unit(currency)
    units = int((quantize(total, currency) / unit).to_integral_value(rounding=ROUND_HALF_EVEN))
    return [part * unit for part in allocate_units(units, weights)]


def allocate_units(units: int, weights: Sequence[Decimal | int]) -> list[int]:
    """Split whole units in proportion to `weights`, as `allocate` does; the parts sum to them exactly."""
    if not weights or any(weight < 0 for weight in weights):
        raise ValueError("allocate needs weights that are not negative")
    shares = [Decimal(weight) for weight in weights]
    if not any(shares):
        shares = [Decimal(1)] * len(shares)
    sign, units = (-1, -units) if units < 0 else (1, units)
    whole = sum(shares)
    exact = [units * share / whole for share in shares]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: units - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def format_money(amount: Decimal, currency: str, locale: str | None = None) -> str:
    """The amount as people of the locale write it, e.g. “€184.00” or “184,00 €”; finer amounts show all their decimals."""
    language = locale or get_language() or "en"
    decimals = _usual_decimals(currency)
    if amount != round(amount, decimals):
        return format_currency(amount, currency, locale=to_locale(language), decimal_quantization=False)
    layout = _layout(currency, language, amount < 0)
    if layout is None:
        return format_currency(amount, currency, locale=to_locale(language))
    before, group, point, after = layout
    whole, _dot, part = f"{abs(amount):,.{decimals}f}".partition(".")
    return f"{before}{whole.replace(',', group)}{point}{part}{after}"


@lru_cache(maxsize=256)
def _usual_decimals(currency: str) -> int:
    """Decimals that people write (CLDR): 2 for EUR, none for JPY and IRR."""
    return get_currency_precision(currency)


@lru_cache(maxsize=512)
def _layout(currency: str, language: str, negative: bool) -> tuple[str, str, str, str] | None:
    """What stands before, between the thousands, at the decimal point and after: read off one formatted sample.

    A list formats an amount in every row, and CLDR's way there costs 50 times as much. None where the sample shows
    other digits or grouping than three-and-three: then each amount goes CLDR's way.
    """
    digits = "123456789"[: _usual_decimals(currency)]
    sample = Decimal(f"{'-' if negative else ''}1234567.{digits}")
    text = format_currency(sample, currency, locale=to_locale(language))
    found = re.fullmatch(rf"(\D*)1(\D*)234(\D*)567(\D*){digits}(\D*)", text)
    if found is None or found[2] != found[3]:
        return None
    before, group, _again, point, after = found.groups()
    return (before, group, point, after) if digits else (before, group, "", point + after)
