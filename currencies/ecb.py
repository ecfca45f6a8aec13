"""The euro foreign exchange reference rates of the European Central Bank, as it publishes them.

Read are eurofxref-daily.xml, eurofxref-hist-90d.xml and eurofxref-hist.xml: nested <Cube> elements, a day's with `time`, and in it
one for each currency with `currency` and `rate`, the units of that currency for one euro. The bank publishes on working days at
about 16:00 Central European Time. It calls the rates information, not an offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

from django.utils.translation import gettext as _

from core.refusals import Invalid

#: The whole history since 1999 is about 300,000 rates and 8 MB.
MOST_BYTES = 32 << 20
MOST_RATES = 1_000_000
_ELEMENT = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube"


@dataclass(frozen=True, slots=True)
class Quoted:
    """One rate: units of `currency` for one euro on a day."""

    day: date
    currency: str
    rate: Decimal


class _NotRates(Exception):
    """What was read is not what the bank publishes; the text says why."""


def read_ecb(data: bytes) -> list[Quoted]:
    """The rates of a file. Raises Invalid (field ``file``) for anything else; entities and document types are never followed."""
    if len(data) > MOST_BYTES:
        raise Invalid("file_too_large", _("The file is too large."), field="file")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        message = _("This is no XML: line {line}.").format(line=error.lineno)
        raise Invalid("bad_file", message, field="file") from None
    except _NotRates as error:
        raise Invalid("bad_file", str(error), field="file") from None
    if not reader.found:
        raise Invalid("bad_file", _("There are no reference rates in this file."), field="file")
    return reader.found


def _refuse_doctype(*_parts: object) -> None:
    raise _NotRates(_("A file of rates has no document type."))


class _Reader:
    """Gathers rates from the parser's events. depth counts open elements, so that a day ends with its own."""

    def __init__(self) -> None:
        self.found: list[Quoted] = []
        self._depth = 0
        self._day: tuple[int, date] | None = None

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if name != _ELEMENT:
            return
        if "time" in attributes:
            self._day = (self._depth, _day(attributes["time"]))
        elif "currency" in attributes:
            if self._day is None:
                raise _NotRates(_("A rate stands outside any day."))
            self._take(self._day[1], attributes)

    def end(self, _name: str) -> None:
        if self._day is not None and self._day[0] == self._depth:
            self._day = None
        self._depth -= 1

    def _take(self, day: date, attributes: dict[str, str]) -> None:
        currency, text = attributes["currency"], attributes.get("rate", "")
        if text in ("", "N/A"):
            return  # a day on which the bank did not quote it
        if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
            raise _NotRates(_("“{currency}” is no currency.").format(currency=currency[:20]))
        if len(self.found) >= MOST_RATES:
            raise _NotRates(_("There are too many rates in this file."))
        self.found.append(Quoted(day, currency, check_rate(text)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _NotRates(_("“{text}” is no day.").format(text=text[:20])) from None


def check_rate(text: str) -> Decimal:
    """A rate as it is written. Raises for one that is not above zero or cannot be kept whole."""
    try:
        rate = Decimal(text) if len(text) <= 24 else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or not Decimal("0.0000000001") <= rate < Decimal(10) ** 10 or rate != round(rate, 10):
        raise _NotRates(_("“{text}” is no rate.").format(text=text[:30]))
    return rate


def newest_day(rates: Sequence[Quoted]) -> date:
    """The last day of a file."""
    return max(quoted.day for quoted in rates)
