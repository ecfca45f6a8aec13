"""Addresses against their country's post: written right, or what is wrong and where."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import Address, known_country
from risk.addresses import check_address, digest_of, only_form_changed, postal_form, province_code
from risk.telling import tell_problems

GOOD = Address(name="Zofia Kowalska", line1="ul. Długa 5", city="Kraków", postal_code="30-001", country="PL")


@pytest.mark.parametrize(
    ("country", "given_", "right"),
    [
        ("PL", "30001", "30-001"),
        ("PL", "30 001", "30-001"),
        ("PL", "PL-30-001", "30-001"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "m25bq", "M2 5BQ"),
        ("NL", "1012ab", "1012 AB"),
        ("CA", "m5v2t6", "M5V 2T6"),
        ("DE", "D-10115", "10115"),
        ("US", "10001-1234", "10001-1234"),
        ("TR", "34710", "34710"),
        ("IR", "۱۹۸۷۶۵۴۳۲۱", "1987654321"),
        ("IR", "19876-54321", "19876-54321"),
        ("SE", "111 22", "111 22"),
        ("SE", "11122", "11122"),
        ("SA", "١١٥٦٤", "11564"),
        ("PL", "3000", ""),
        ("GB", "12345", ""),
        ("DE", "1011", ""),
    ],
)
def test_a_postal_code_gets_the_form_of_its_country(country: str, given_: str, right: str) -> None:
    assert postal_form(country, given_) == right


@pytest.mark.parametrize(
    ("address", "changed"),
    [
        (replace(GOOD, postal_code="30001"), {"postal_code": "30-001"}),
        (replace(GOOD, city="kraków"), {"city": "Kraków"}),
        (replace(GOOD, line1="  ul.  Długa\t5 "), {"line1": "ul. Długa 5"}),
        (replace(GOOD, line1="", line2="ul. Długa 5"), {"line1": "ul. Długa 5", "line2": ""}),
        (replace(GOOD, country="pl"), {"country": "PL"}),
        (
            Address(name="A", line1="x 1", city="istanbul", province="Istanbul", postal_code="34710", country="TR"),
            {"city": "İstanbul", "province": "İstanbul"},
        ),
        (
            Address(name="A", line1="1 Main St", city="Springfield", province="illinois", postal_code="62701", country="US"),
            {"province": "IL"},
        ),
        (Address(name="A", line1="Via Roma 1", city="Roma", postal_code="00184", country="IT"), {"province": "RM"}),
        (
            Address(name="رضا", line1="خیابان ولیعصر ۱۲", city="تهران", postal_code="۱۹۸۷۶۵۴۳۲۱", phone="۰۹۱۲", country="IR"),
            {"postal_code": "1987654321", "phone": "0912"},
        ),
    ],
)  # fmt: skip
def test_what_can_be_written_better_is_suggested_and_nothing_else(address: Address, changed: dict[str, str]) -> None:
    checked = check_address(address)
    assert (checked.state, checked.undeliverable) == ("suggestion", False)
    assert checked.suggestion == replace(address, **changed)
    assert only_form_changed(address, checked.suggestion)
    assert check_address(checked.suggestion).state == "ok"


def test_an_address_in_order_is_left_alone() -> None:
    for address in (
        GOOD,
        Address(name="A", line1="1 Main St", city="NEW YORK", province="NY", postal_code="10001", country="US"),
        Address(company="Ltd", line1="1 Main St", city="Dublin", country="IE"),
        Address(name="A", line1="Hessa St", city="Dubai", province="دبي", country="AE"),
    ):
        assert check_address(address).state in ("ok", "suggestion"), address
    assert check_address(GOOD).state == "ok"


@pytest.mark.parametrize(
    ("address", "field", "code", "fatal"),
    [
        (replace(GOOD, line1=""), "line1", "required", True),
        (replace(GOOD, city=""), "city", "required", True),
        (replace(GOOD, postal_code=""), "postal_code", "required", True),
        (replace(GOOD, postal_code="3000"), "postal_code", "no_form", True),
        (replace(GOOD, country=""), "country", "no_country", True),
        (replace(GOOD, country="XX"), "country", "unknown_country", True),
        (replace(GOOD, name=""), "name", "no_name", False),
        (
            Address(name="A", line1="x", city="İzmir", province="İzmir", postal_code="34710", country="TR"),
            "postal_code",
            "elsewhere",
            False,
        ),
        (
            Address(name="A", line1="x", city="Springfield", province="Narnia", postal_code="62701", country="US"),
            "province",
            "unknown_province",
            False,
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_field(address: Address, field: str, code: str, fatal: bool) -> None:
    checked = check_address(address)
    assert [(p.field, p.code, p.fatal) for p in checked.problems] == [(field, code, fatal)]
    assert (checked.state, checked.undeliverable) == ("problem", fatal)
    [told] = tell_problems([problem.as_json() for problem in checked.problems])
    assert told.title and told.sentence and "{" not in told.sentence


def test_a_province_by_its_name_its_code_or_the_end_of_its_name() -> None:
    assert province_code("US", "Illinois") == province_code("US", "il") == "IL"
    assert province_code("IR", "تهران") == "استان تهران"
    assert province_code("US", "Narnia") == province_code("PL", "Mazowieckie") == ""


def test_another_postal_code_or_country_is_no_matter_of_form() -> None:
    assert not only_form_changed(GOOD, replace(GOOD, postal_code="00-050"))
    assert not only_form_changed(GOOD, replace(GOOD, country="DE"))


_TEXT = st.text(max_size=12)
_COUNTRIES = st.sampled_from(
    ["PL", "TR", "IR", "US", "GB", "IT", "ES", "JP", "BR", "IN", "CN", "AE", "HK", "KR", "XK", "AQ", "DE"]
)


@given(
    st.builds(Address, **{f.name: _TEXT for f in fields(Address) if f.name != "country"}, country=_COUNTRIES | _TEXT)
)
def test_any_address_is_answered_and_a_suggestion_is_final(address: Address) -> None:
    checked = check_address(address)
    tell_problems([problem.as_json() for problem in checked.problems])
    assert len(digest_of(address)) == 32
    if checked.suggestion:
        again = check_address(checked.suggestion)
        assert again.suggestion is None
        assert again.problems == checked.problems
        assert only_form_changed(address, checked.suggestion)
        assert known_country(checked.suggestion.country)
