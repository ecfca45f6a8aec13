"""Amounts are written as CLDR writes them, although most go a shorter way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_currency, get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from core.money import format_money

CURRENCIES = ["EUR", "PLN", "TRY", "USD", "JPY", "KWD", "IRR", "CHF", "INR"]


@given(
    units=st.integers(-(10**13), 10**13),
    currency=st.sampled_from(CURRENCIES),
    locale=st.sampled_from(["en", "tr", "pl", "fa", "de", "hi", "ar"]),
)
def test_an_amount_reads_as_in_cldr(units: int, currency: str, locale: str) -> None:
    amount = Decimal(units).scaleb(-get_currency_precision(currency))
    assert format_money(amount, currency, locale) == format_currency(amount, currency, locale=locale)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        ("184", "EUR", "en", "€184.00"),
        ("-1240.5", "EUR", "en", "-€1,240.50"),
        ("1240.5", "EUR", "pl", "1\xa0240,50\xa0€"),
        ("1240", "JPY", "en", "¥1,240"),
        ("1240.125", "KWD", "en", "KWD1,240.125"),
        ("18400000.0000", "IRR", "fa", "\u200eریال\xa018,400,000"),
        ("12.50", "IRR", "en", "IRR12.5"),
        ("0.0125", "EUR", "en", "€0.0125"),
    ],
)
def test_amounts_as_people_write_them(amount: str, currency: str, locale: str, text: str) -> None:
    assert format_money(Decimal(amount), currency, locale) == text
