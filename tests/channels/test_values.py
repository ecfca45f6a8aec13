"""Values out of cells: what they are, or why not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.formats import jalali, values
from channels.formats.errors import FieldError
from channels.formats.moments import moment
from core.formulas import safe_text


def refused(parse, *args, **options) -> str:
    """The message of the refusal, which names the field."""
    with pytest.raises(FieldError) as error:
        parse(*args, **options)
    assert error.value.field == "Column"
    return error.value.message


@pytest.mark.parametrize(
    ("cell", "currency", "amount"),
    [
        ("164.0", "BRL", "164.00"), ("54.94", "BRL", "54.94"), ("0", "EUR", "0.00"), (".5", "EUR", "0.50"), ("5.", "EUR", "5.00"),
        ("1.234,56", "EUR", "1234.56"), ("1,234.56", "EUR", "1234.56"), ("1234,5", "EUR", "1234.50"), ("1'234.50", "CHF", "1234.50"),
        ("12.345.678", "EUR", "12345678.00"), ("1 234,50", "PLN", "1234.50"), ("1\u202f234,50", "EUR", "1234.50"),
        ("AU $3,000.00", "AUD", "3000.00"), ("$5.00", "USD", "5.00"), ("R$ 12,50", "BRL", "12.50"), ("5,00 zł", "PLN", "5.00"),
        ("€ 5", "EUR", "5.00"), ("5,00 €", "EUR", "5.00"), ("EUR 5.10", "EUR", "5.10"), ("₺19,90", "TRY", "19.90"), ("5.00 TL", "TRY", "5.00"),
        ("۱۰٫۵۰", "EUR", "10.50"), ("۱٬۲۳۴٫۵", "EUR", "1234.50"), ("١٠٫٥", "EUR", "10.50"), ("۱۲۰٬۰۰۰", "IRR", "120000.00"),
        ("177.2000", "BRL", "177.20"), ("0.500", "EUR", "0.50"), ("1500", "JPY", "1500"), ("2.5750", "KWD", "2.575"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_they_are_written(cell, currency, amount):
    found = values.money(cell, "Column", currency)
    assert found == Decimal(amount)
    assert str(found) == amount


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.234", "not clear whether"), ("1,234", "not clear whether"), ("1E+05", "shortened"), ("abc", "no amount"), ("", "no amount"),
        ("1.005", "not clear whether"), ("12.3456", "more decimals"), ("1.23.456", "grouped by three"), ("1,23,456.00", "grouped by three"),
        ("NaN", "no amount"), ("Infinity", "no amount"), ("1_000", "no amount"), ("--5", "no amount"), ("-5.00", "less than 0"),
        ("(5.00)", "less than 0"), ("5.00-", "less than 0"), ("USD 5.00", "is in USD"), ("9" * 13, "too large"), ("=1+1", "no amount"),
    ],
)  # fmt: skip
def test_amounts_that_are_none_or_could_be_two_are_refused(cell, reason):
    assert reason in refused(values.money, cell, "Column", "EUR")


def test_a_decimal_mark_that_is_told_settles_it_and_decimals_are_never_rounded_away():
    assert values.money("1.234", "Column", "KWD", decimal_mark=".") == Decimal("1.234")
    assert values.money("1.234", "Column", "EUR", decimal_mark=",") == Decimal(1234)
    assert "more decimals than EUR" in refused(values.money, "1.234", "Column", "EUR", decimal_mark=".")
    assert values.money("(5,00)", "Column", "EUR", minimum=None) == Decimal(-5)


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from([",.", ".,", "'.", " ,"]))
def test_grouped_amounts_come_back_whatever_the_marks(amount, marks):
    group, point = marks
    written = f"{amount:,.2f}".replace(",", "\0").replace(".", point).replace("\0", group)
    assert values.money(written, "Column", "EUR") == amount


def test_whole_numbers():
    for cell, number in (("3", 3), ("3.0", 3), ("۲", 2), (" 12 ", 12), ("-1", -1)):
        assert values.integer(cell, "Column", minimum=-5) == number
    for cell in ("1,234", "1.5", "1.000", "x", "", "1E+05", "٣٫٥"):
        refused(values.integer, cell, "Column")
    assert "between 1 and" in refused(values.integer, "0", "Column", minimum=1)


def test_true_and_false_as_spreadsheets_write_them():
    for cell in ("true", "TRUE", "yes", "1", "WAHR", "VRAI", "DOĞRU", "PRAWDA"):
        assert values.boolean(cell, "Column") is True
    for cell in ("false", "No", "0", "FALSCH", "YANLIŞ", "FAŁSZ"):
        assert values.boolean(cell, "Column") is False
    assert values.boolean("", "Column", default=True) is True
    for cell in ("", "perhaps"):
        refused(values.boolean, cell, "Column")


def test_postal_codes_are_text():
    assert values.postal_code("'01026", "Column", country="BR") == "01026"
    assert values.postal_code("SW1A 1AA", "Column", country="GB") == "SW1A 1AA"
    assert values.postal_code("۱۱۱۱۱", "Column", country="IR") == "11111"
    assert values.postal_code("", "Column", country="DE") == ""
    assert "leading zero" in refused(values.postal_code, "1067", "Column", country="DE")


def test_skus_that_a_spreadsheet_has_damaged_are_refused():
    for cell in ("1E+05", "8.2E+17", "1-Mar", "Mar-01", "12-Dec-24"):
        assert "spreadsheet" in refused(values.sku, cell, "Column")
    for cell in ("00123", "MAR1", "1E5", "E+05", "1-MARGE", "ÇAY-1", "AB 12/c"):
        assert values.sku(cell, "Column") == cell
    assert "is empty" in refused(values.sku, " ", "Column")
    refused(values.sku, "A" * 65, "Column")
    refused(values.sku, "A\x01", "Column")


def test_ids_are_text_and_shortened_ones_are_refused():
    assert values.identifier("820983712345678912", "Column") == "820983712345678912"
    assert values.identifier("#1001", "Column") == "#1001"
    assert "digits are lost" in refused(values.identifier, "8.20983E+17", "Column")


def test_countries_by_code_or_name():
    for cell, code in (
        ("de", "DE"),
        ("Germany", "DE"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("", ""),
        ("United States", "US"),
    ):
        assert values.country(cell, "Column") == code
    refused(values.country, "Atlantis", "Column")
    refused(values.country, "ZZ", "Column")


def test_weights_in_whole_grams():
    assert values.weight_grams("1050", "Column") == 1050
    assert values.weight_grams("1.5", "Column", unit="kg") == 1500
    assert values.weight_grams("2", "Column", unit="lb") == 907
    assert values.weight_grams("0,5", "Column", unit="kg") == 500
    for cell, unit in (
        ("1,234", "g"),
        ("-1", "g"),
        ("x", "g"),
        ("1", "stone"),
        ("999999999", "kg"),
    ):
        refused(values.weight_grams, cell, "Column", unit=unit)


def test_emails_are_checked_loosely():
    assert values.email("Ana@Example.ORG", "Column") == "Ana@example.org"
    assert values.email("", "Column") == ""
    for cell in ("nobody", "a b@example.org", "a@", "<a@b.c>"):
        refused(values.email, cell, "Column")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30))
def test_text_from_our_own_exports_comes_back_the_same(written):
    assert values.unguard(safe_text(written)) == written


# Times --------------------------------------------------------------------------------------------------------------------

UTC = dt.UTC
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2016-10-04 13:02:10 -0300", dt.datetime(2016, 10, 4, 16, 2, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00+03:00", dt.datetime(2026, 11, 22, 7, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123Z", dt.datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22 10:00:00 UTC", dt.datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22", dt.datetime(2026, 11, 21, 23, tzinfo=UTC)),
        ("22.11.2026 10:00", dt.datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("11/22/2026 1:05 PM", dt.datetime(2026, 11, 22, 12, 5, tzinfo=UTC)),
        ("22/11/2026 12:05 am", dt.datetime(2026, 11, 21, 23, 5, tzinfo=UTC)),
        ("2026-07-01 10:00", dt.datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("۱۴۰۵/۰۹/۰۱ ۱۰:۳۰", dt.datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
        ("1403/12/30", dt.datetime(2025, 3, 19, 23, tzinfo=UTC)),
    ],
)
def test_moments_are_instants(cell, instant):
    assert moment(cell, "Column", zone=BERLIN) == instant


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("11/2/2026", "may be"), ("11/2/2026 0:00", "may be"), ("26-May-26", "no date and time"), ("05/26/26", "year of four digits"),
        ("2026-02-30", "no day"), ("2026-11-22 25:00", "no time of day"), ("2026-11-22 13:00 PM", "no time of day"),
        ("2026-10-25 02:30:00", "comes twice in Europe/Berlin"), ("2026-03-29 02:30:00", "does not exist in Europe/Berlin"),
        ("2026-11-22 10:00 +9900", "no offset"), ("1448/01/01", "Gregorian"), ("1404/12/30", "no day"), ("0001-01-01", "no day"), ("", "no date"),
    ],
)  # fmt: skip
def test_moments_that_are_none_or_could_be_two_are_refused(cell, reason):
    assert reason in refused(moment, cell, "Column", zone=BERLIN)


def test_a_time_without_offset_needs_a_named_zone():
    assert "time zone" in refused(moment, "2026-11-22 10:00", "Column")
    assert moment("2026-11-22 10:00 +0100", "Column") == dt.datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "twice"),
    [
        ("Europe/Warsaw", "2026-10-25 02:30"),
        ("America/Sao_Paulo", "2018-02-17 23:30"),
        ("Asia/Tehran", "2021-09-21 23:30"),
    ],
)
def test_the_hour_that_comes_twice_is_told_in_each_zone(zone, twice):
    assert "twice" in refused(moment, twice, "Column", zone=ZoneInfo(zone))
    assert moment(f"{twice} +0000", "Column", zone=ZoneInfo(zone)).utcoffset() == dt.timedelta()


@pytest.mark.parametrize(
    ("solar", "gregorian"),
    [
        ((1380, 1, 1), (2001, 3, 21)), ((1399, 1, 1), (2020, 3, 20)), ((1399, 12, 30), (2021, 3, 20)), ((1400, 1, 1), (2021, 3, 21)),
        ((1403, 12, 30), (2025, 3, 20)), ((1405, 9, 1), (2026, 11, 22)), ((1408, 12, 30), (2030, 3, 20)), ((1357, 11, 22), (1979, 2, 11)),
    ],
)  # fmt: skip
def test_solar_hijri_dates(solar, gregorian):
    assert jalali.to_gregorian(*solar) == dt.date(*gregorian)


def test_the_solar_hijri_calendar_has_no_gap():
    day = jalali.to_gregorian(1380, 1, 1)
    for year in jalali.YEARS:
        for month in range(1, 13):
            for number in range(1, 32):
                try:
                    found = jalali.to_gregorian(year, month, number)
                except ValueError:
                    continue
                assert found == day
                day += dt.timedelta(days=1)
