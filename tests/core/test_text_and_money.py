"""Words are found however they are written; money adds up to the smallest unit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import Address, known_country, postal_key
from core.money import allocate, exponent, quantize, smallest_unit
from core.text import fold, search_query, search_words

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "TRY", "PLN", "IRR"])


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("İstanbul", "istanbul"), ("ISPARTA ılıca", "isparta ilica"), ("Łódź", "lodz"), ("Zażółć Gęślą", "zazolc gesla"), ("Straße", "strasse"),
        ("كتاب يك", "کتاب یک"), ("۱۲۳٤٥", "12345"), ("می‌خواهم", "میخواهم"), ("Ångström", "angstrom"),
    ],
)  # fmt: skip
def test_letters_fold_to_one_form(written, searched):
    assert fold(written) == fold(searched)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_and_queries_hold_no_operators(text):
    assert fold(fold(text)) == fold(text)
    query = search_query(text)
    assert query == "" or set(query.replace("'", "").replace(":*", "")) - set("&|() ") <= set(
        "".join(c for c in query if c.isalnum())
    )


def test_a_sku_is_found_in_parts_and_whole():
    words = search_words("AB-12/c", "jan.kowalski@example.com").split()
    assert {"ab", "12", "c", "ab12c", "jan", "kowalski", "example"} <= set(words)


@given(st.decimals(-(10**6), 10**6, places=3), st.lists(st.integers(0, 1000), min_size=1, max_size=12), CURRENCIES)
def test_shares_sum_to_the_whole_and_are_fair(total, weights, currency):
    shares = allocate(total, weights, currency)
    assert sum(shares) == quantize(total, currency)
    whole = sum(weights)
    if whole:
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share - quantize(total, currency) * weight / whole) < smallest_unit(currency)


def test_currencies_have_their_own_decimals():
    assert [exponent(c) for c in ("JPY", "EUR", "KWD")] == [0, 2, 3]
    assert quantize(Decimal("1.005"), "EUR") == Decimal("1.01") and quantize(Decimal("1.5"), "JPY") == 2


def test_addresses_are_written_as_their_country_does_and_survive_bad_ones():
    assert "00-050 WARSZAWA" in Address("Jan", "", "ul. X 1", "", "Warszawa", "", "00-050", "PL").lines()
    assert Address("Jan", country="XX", city="?").lines()
    assert not any(
        line.endswith("/") for line in Address("Işıl", "", "Sokak 7", "", "İzmir", "", "35220", "TR").lines()
    )
    assert (
        postal_key("00-050") == "00050" and known_country("TR") and not known_country("ZZ") and not known_country("tr")
    )
