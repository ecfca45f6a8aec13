"""GS1 element strings: examples of the GS1 General Specifications and of its guidelines, and what must not be believed."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.gs1 import _CHARACTERS, NotGS1, parse, read_date
from inventory.gtin import check_digit

TODAY = date(2026, 11, 20)
GS = "\x1d"


@pytest.mark.parametrize(
    ("text", "gtin", "lot", "serial", "expires"),
    [
        # GS1 DataMatrix Guideline, figure on element strings: GTIN, expiry, batch; the printed text and the transmitted one.
        ("(01)09506000134352(17)201225(10)ABC123", "09506000134352", "ABC123", "", date(2020, 12, 25)),
        ("]d2010950600013435217201225" + "10ABC123", "09506000134352", "ABC123", "", date(2020, 12, 25)),
        # A lot of variable length before others is ended by FNC1.
        (f"]C1010950600013435210ABC123{GS}17271225", "09506000134352", "ABC123", "", date(2027, 12, 25)),
        (f"0109506000134352{GS}21XYZ-9{GS}10L/7{GS}", "09506000134352", "L/7", "XYZ-9", None),
        # GS1 healthcare example: GTIN, serial number, expiry without a day, batch.
        ("]d20103453120000011" + "17280500" + "10A1B2C3D4E5F6G7H8" + f"{GS}21987654321GFEDCBA", "03453120000011", "A1B2C3D4E5F6G7H8", "987654321GFEDCBA", date(2028, 5, 31)),
        ("(01)03453120000011(17)191125(10)ABCD1234(21)10", "03453120000011", "ABCD1234", "10", date(2019, 11, 25)),
        # Keyboards that cannot send FNC1.
        ("010950600013435210ABC<GS>17271225", "09506000134352", "ABC", "", date(2027, 12, 25)),
        # Content and count of a logistic unit.
        ("(02)09506000134352(37)24(10)ABC", "09506000134352", "ABC", "", None),
        # A batch that has brackets itself is printed with them.
        ("(01)09506000134352(10)A(B)C", "09506000134352", "A(B)C", "", None),
        # Net weight (3103) and best before stand in between.
        ("01095060001343523103001750" + "15271231" + "10X", "09506000134352", "X", "", None),
        # Date and time of expiry (7003).
        ("01095060001343527003271231" + "1530" + f"{GS}10X", "09506000134352", "X", "", date(2027, 12, 31)),
    ],
)  # fmt: skip
def test_published_examples(text, gtin, lot, serial, expires):
    found = parse(text, today=TODAY)
    assert (found.gtin, found.lot, found.serial, found.expires_on) == (gtin, lot, serial, expires)


def test_count_and_best_before_are_read():
    found = parse("(02)09506000134352(37)24(15)271231(17)280101", today=TODAY)
    assert (found.count, found.best_before, found.last_day) == (24, date(2027, 12, 31), date(2027, 12, 31))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "]E09506000134352",  # EAN-13 by its symbology identifier
        "0109506000134353" + "10A",  # wrong check digit
        "01095060001343",  # cut off
        "(01)09506000134352(17)271301",  # month 13
        "(01)09506000134352(17)270230",  # 30 February
        "(01)9506000134352",  # 13 digits
        "(01)09506000134352 x",
        "5901234123457",
        "TEE-RED-M",
        "10" + "A" * 21,  # a batch has 20 characters at most
        "10ABC\u00e9",
        "(10)A(10)B",
        "88123",  # no such AI
        "0109506000134352" + "17",
        "(30)12A",
    ],
)
def test_what_is_no_element_string_is_refused(text):
    with pytest.raises(NotGS1):
        parse(text, today=TODAY)


@pytest.mark.parametrize(
    ("value", "today", "expected"),
    [
        # General Specifications, section 7.12: the difference of the years decides.
        ("760101", date(2026, 1, 1), date(2076, 1, 1)),  # 50 ahead: this century
        ("770101", date(2026, 1, 1), date(1977, 1, 1)),  # 51 ahead: the one before
        ("000101", date(1999, 1, 1), date(2000, 1, 1)),
        ("490101", date(2099, 1, 1), date(2149, 1, 1)),  # 50 behind: the next one
        ("500101", date(2099, 1, 1), date(2050, 1, 1)),
        ("280200", date(2026, 1, 1), date(2028, 2, 29)),  # no day: the last one, in a leap year too
    ],
)
def test_centuries_and_months_without_a_day(value, today, expected):
    assert read_date(value, today=today) == expected


#: Characters of a batch; brackets would be read as an AI only where they hold digits.
TEXT = st.text(sorted(_CHARACTERS - set("()<>{}")), min_size=1, max_size=20)


@given(
    st.integers(0, 10**13 - 1), TEXT, TEXT, st.dates(date(2000, 1, 1), date(2075, 12, 31)), st.permutations(range(4))
)
def test_what_is_written_is_read_in_any_order(number, lot, serial, day, order):
    gtin = f"{number:013d}"
    gtin += check_digit(gtin)
    elements = [("01", gtin), ("10", lot), ("21", serial), ("17", f"{day:%y%m%d}")]
    chosen = [elements[n] for n in order]
    printed = "".join(f"({ai}){value}" for ai, value in chosen)
    transmitted = "]d2" + "".join(ai + value + (GS if ai in ("10", "21") else "") for ai, value in chosen)
    for text in (printed, transmitted, transmitted.rstrip(GS)):
        found = parse(text, today=TODAY)
        assert (found.gtin, found.lot, found.serial, found.expires_on) == (gtin, lot, serial, day)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(NotGS1):
        parse(text, today=TODAY)
