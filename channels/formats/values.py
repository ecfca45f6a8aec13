"""Values out of cells: each function returns the value or raises FieldError(field, message); none of them guesses.

Persian and Arabic digits and separators are understood everywhere. What a spreadsheet has damaged (1E+05 as a SKU, 8.2E+17 as an id,
1-Mar as a SKU, a postal code without its leading zero) is refused with the reason, as the original cannot be known again.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale
from django.utils.translation import gettext as _

from channels.formats.errors import FieldError
from core.addresses import known_country
from core.formulas import plain_text
from core.money import exponent
from core.text import fold

_DIGITS = {ord(zero) + n: str(n) for zero in "٠۰" for n in range(10)} | {ord("０") + n: str(n) for n in range(10)}
_DIGITS |= {ord("−"): "-", ord("＋"): "+"}
_DIGITS |= dict.fromkeys(map(ord, "\u200c\u200d\u200e\u200f\u061c\u2066\u2067\u2068\u2069\ufeff"))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE_LIKE = re.compile(rf"(?:\d{{1,2}}-(?:{_MONTHS})|(?:{_MONTHS})-\d{{2}}|\d{{1,2}}-(?:{_MONTHS})-\d{{2,4}})")
_MAX_AMOUNT = Decimal(10) ** 12
_MAX_INTEGER = 2**31 - 1


def unguard(cell: str) -> str:
    """Take back the apostrophe that our own exports put before text a spreadsheet would run: “'=1+1” → “=1+1”."""
    return plain_text(cell)


def ascii_digits(text: str) -> str:
    """The text with ASCII digits and signs, and without invisible direction marks."""
    return text if text.isascii() else text.translate(_DIGITS)


def text(cell: str, field: str, *, max_length: int = 255, required: bool = False, lines: bool = False) -> str:
    """Trimmed text in Unicode NFC. Control characters (except line breaks where `lines`) and over-long text are refused."""
    return _kept(unguard(cell), field, max_length=max_length, required=required, lines=lines)


def _kept(plain: str, field: str, *, max_length: int, required: bool, lines: bool) -> str:
    value = unicodedata.normalize("NFC", plain).strip()
    if not value and required:
        raise FieldError(field, _("is empty."))
    if _CONTROL.search(value) or (not lines and ("\n" in value or "\r" in value)):
        raise FieldError(field, _("holds a control character or a line break."))
    if len(value) > max_length:
        raise FieldError(
            field,
            _("has %(length)d characters; at most %(max)d are kept.") % {"length": len(value), "max": max_length},
        )
    return value


def one_line(cell: str, field: str, *, max_length: int = 255, required: bool = False) -> str:
    """Text with every run of blanks, tabs and line breaks as one blank: names and titles as people paste them."""
    return _kept(" ".join(unguard(cell).split()), field, max_length=max_length, required=required, lines=False)


# Numbers ------------------------------------------------------------------------------------------------------------------

_SIMPLE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
_AFFIX = r"(?:[A-Za-z]{1,3}\.?|zł|Zł|Kč|лв\.?|kr\.?|ریال|﷼)?\s*"
_AMOUNT = re.compile(
    rf"(?P<before>{_AFFIX}[^\w\s.,'’٫٬،()+-]?)\s*(?P<number>\d[\d.,'’٫٬،\s]*|[.,٫]\d+)\s*(?P<after>[^\w\s.,'’٫٬،()+-]?\s*{_AFFIX})"
)


def money(
    cell: str,
    field: str,
    currency: str,
    *,
    decimal_mark: str | None = None,
    minimum: Decimal | None = Decimal(0),
) -> Decimal:
    """An amount in `currency`: “1.234,56”, “AU $3,000.00”, “۱۰٫۵۰”, “(5.00)”. Empty cells are the caller's business.

    `decimal_mark` says which mark the file uses; without it “1.234” is refused as it may be one or one thousand. More decimals than the
    currency has are refused unless they are zeros, never rounded away.
    """
    places = exponent(currency)
    if places == 2 and decimal_mark != "," and _SIMPLE.fullmatch(cell):
        number = Decimal(cell)  # what nearly every cell holds: 12 or 12.34
    else:
        number = _decimal(cell, field, currency, decimal_mark)
    if number != number.quantize(Decimal(1).scaleb(-places)):
        message = _("“%(cell)s” has more decimals than %(currency)s, which has %(places)d.")
        raise FieldError(field, message % {"cell": cell[:40], "currency": currency, "places": places})
    if minimum is not None and number < minimum:
        raise FieldError(
            field,
            _("“%(cell)s” is less than %(minimum)s.") % {"cell": cell[:40], "minimum": minimum},
        )
    return number.quantize(Decimal(1).scaleb(-places))


def unit_price(cell: str, field: str, currency: str, *, decimal_mark: str | None = None) -> Decimal:
    """A price of one unit, which may have up to four decimals in any currency; otherwise as `money`."""
    number = _decimal(cell, field, currency, decimal_mark)
    if number < 0 or number != number.quantize(Decimal("0.0001")):
        raise FieldError(field, _("“%(cell)s” is no price with at most 4 decimals.") % {"cell": cell[:40]})
    return number


def _decimal(cell: str, field: str, currency: str, decimal_mark: str | None) -> Decimal:
    value = ascii_digits(unguard(cell)).replace("\u00a0", " ").replace("\u202f", " ").strip()
    if _SCIENTIFIC.fullmatch(value):
        raise FieldError(field, _scientific(value))
    negative = False
    if value.startswith("(") and value.endswith(")"):
        negative, value = True, value[1:-1].strip()
    for sign in ("-", "+"):
        if value.count(sign) == 1 and (value.startswith(sign) or value.endswith(sign)):
            negative, value = sign == "-", value.replace(sign, "").strip()
    match = _AMOUNT.fullmatch(value)
    if not match:
        raise FieldError(field, _("“%(cell)s” is no amount.") % {"cell": cell[:40]})
    for affix in (match["before"], match["after"]):
        code = affix.strip().upper()
        if len(code) == 3 and code.isalpha() and code.isascii() and code != currency:
            raise FieldError(
                field,
                _("“%(cell)s” is in %(code)s, but the order is in %(currency)s.")
                % {"cell": cell[:40], "code": code, "currency": currency},
            )
    number = _plain(match["number"].strip(), field, exponent(currency), decimal_mark)
    if abs(number) >= _MAX_AMOUNT:
        raise FieldError(field, _("“%(cell)s” is too large.") % {"cell": cell[:40]})
    return -number if negative else number


def _plain(number: str, field: str, places: int, decimal_mark: str | None) -> Decimal:
    """The digits as a Decimal; the decimal mark is the one told, or the one that grouping leaves no doubt about."""
    number = number.replace("٬", "'").replace("’", "'").replace("،", ",").replace(" ", "'")
    marks = [char for char in ".,٫" if char in number]
    if "٫" in marks:
        mark = "٫"
    elif decimal_mark:
        mark = decimal_mark
    elif len(marks) == 2:
        mark = max(marks, key=number.rfind)
    elif len(marks) == 1:
        mark = _lone_mark(number, marks[0], field, places)
    else:
        mark = "."
    whole, _mark, fraction = number.partition(mark)
    groups = re.split(r"[.,']", whole)
    grouped = len(groups) > 1
    if (fraction and not fraction.isdigit()) or (
        grouped and (not 1 <= len(groups[0]) <= 3 or any(len(g) != 3 for g in groups[1:]))
    ):
        raise FieldError(
            field,
            _("“%(cell)s” is no amount: its digits are not grouped by three.") % {"cell": number[:40]},
        )
    return Decimal(f"{''.join(groups) or '0'}.{fraction or '0'}")


def _lone_mark(number: str, mark: str, field: str, places: int) -> str:
    other = "," if mark == "." else "."
    if number.count(mark) > 1:
        return other
    whole, _mark, fraction = number.partition(mark)
    if len(fraction) == 3 and 1 <= len(whole) <= 3 and whole.isdigit() and not whole.startswith("0"):
        message = _("“%(cell)s” may be %(small)s or %(large)s: it is not clear whether “%(mark)s” is the decimal mark.")
        raise FieldError(
            field,
            message
            % {
                "cell": number,
                "small": f"{whole}.{fraction}",
                "large": whole + fraction,
                "mark": mark,
            },
        )
    return mark


def _scientific(value: str) -> str:
    return _("“%(cell)s” is a number that a spreadsheet has shortened; its digits are lost.") % {"cell": value[:40]}


def integer(cell: str, field: str, *, minimum: int = 0, maximum: int = _MAX_INTEGER) -> int:
    """A whole number: “3”, “3.0”, “۳”. Grouped or broken numbers are refused."""
    value = ascii_digits(unguard(cell)).strip()
    if _SCIENTIFIC.fullmatch(value):
        raise FieldError(field, _scientific(value))
    match = re.fullmatch(r"([+-]?\d{1,18})(?:[.,٫]0+)?", value)
    if not match or re.fullmatch(r"[+-]?\d{1,3}[.,]000", value):
        raise FieldError(field, _("“%(cell)s” is no whole number.") % {"cell": cell[:40]})
    number = int(match[1])
    if not minimum <= number <= maximum:
        message = _("%(number)d is not between %(minimum)d and %(maximum)d.")
        raise FieldError(field, message % {"number": number, "minimum": minimum, "maximum": maximum})
    return number


_TRUE = frozenset(
    {
        "true",
        "yes",
        "y",
        "1",
        "wahr",
        "vrai",
        "verdadero",
        "verdadeiro",
        "vero",
        "dogru",
        "prawda",
        "waar",
        "sant",
    }
)
_FALSE = frozenset({"false", "no", "n", "0", "falsch", "faux", "falso", "yanlis", "falsz", "onwaar", "falskt"})


def boolean(cell: str, field: str, *, default: bool | None = None) -> bool:
    """true/false, yes/no, 1/0, also as spreadsheets in other languages write them; an empty cell is `default`."""
    value = fold(unguard(cell).strip())
    if not value and default is not None:
        return default
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise FieldError(field, _("“%(cell)s” is neither true nor false.") % {"cell": cell[:40]})


_GRAMS = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}


def weight_grams(cell: str, field: str, *, unit: str = "g") -> int:
    """A weight in whole grams, rounded half up; `unit` is g, kg, lb or oz (avoirdupois, exact by definition)."""
    value = ascii_digits(unguard(cell)).strip()
    factor = _GRAMS.get(unit.strip().lower())
    if factor is None:
        raise FieldError(
            field,
            _("“%(unit)s” is no unit of weight known here (g, kg, lb, oz).") % {"unit": unit[:20]},
        )
    if not re.fullmatch(r"\d{1,9}(?:[.,٫]\d{1,9})?", value) or re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", value):
        raise FieldError(field, _("“%(cell)s” is no weight.") % {"cell": cell[:40]})
    grams = Decimal(re.sub(r"[,٫]", ".", value)) * factor
    if grams > _MAX_INTEGER:
        raise FieldError(field, _("“%(cell)s” is too heavy.") % {"cell": cell[:40]})
    return int(grams.quantize(Decimal(1), rounding=ROUND_HALF_UP))


# Names and codes ----------------------------------------------------------------------------------------------------------


def sku(cell: str, field: str, *, required: bool = True) -> str:
    """A SKU as it is written; what a spreadsheet has turned into a number or a date is refused."""
    value = text(cell, field, max_length=64)
    if not value and required:
        raise FieldError(field, _("is empty; goods are known by their SKU."))
    if re.fullmatch(r"\d(?:[.,]\d+)?E\+\d+", value):
        raise FieldError(
            field,
            _("“%(cell)s” is a number that a spreadsheet has shortened; the SKU cannot be known.") % {"cell": value},
        )
    if _DATE_LIKE.fullmatch(value):
        raise FieldError(
            field,
            _("“%(cell)s” is a date that a spreadsheet has made of it; the SKU cannot be known.") % {"cell": value},
        )
    return value


def code(cell: str, field: str, *, max_length: int, required: bool = True) -> str:
    """A lot's code or a serial number: text, never a number; one that a spreadsheet has shortened is refused."""
    value = text(cell, field, max_length=max_length, required=required)
    if re.fullmatch(r"\d(?:[.,]\d+)?E\+\d+", value):
        raise FieldError(field, _scientific(value))
    return value


def identifier(cell: str, field: str, *, required: bool = True, max_length: int = 100) -> str:
    """An order's name or an id: text, never a number, since ids exceed what a spreadsheet can hold."""
    value = text(ascii_digits(cell), field, max_length=max_length, required=required)
    if _SCIENTIFIC.fullmatch(value):
        raise FieldError(field, _scientific(value))
    return value


def currency(cell: str, field: str) -> str:
    """An ISO 4217 code, upper case."""
    value = unguard(cell).strip().upper()
    if value not in _currencies():
        raise FieldError(field, _("“%(cell)s” is no currency code.") % {"cell": cell[:40]})
    return value


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)


def country(cell: str, field: str) -> str:
    """ISO 3166-1 alpha-2, from the code or the English name; empty stays empty."""
    value = " ".join(unguard(cell).split())
    if not value or known_country(value.upper()):
        return value.upper()
    code = _country_names().get(value.casefold(), "")
    if not code:
        raise FieldError(
            field,
            _("“%(cell)s” is no country known here; use its two-letter code.") % {"cell": cell[:40]},
        )
    return code


@lru_cache(maxsize=1)
def _country_names() -> dict[str, str]:
    names = {name.casefold(): code for code, name in Locale("en").territories.items() if known_country(code)}
    return names | {
        "turkey": "TR",
        "czech republic": "CZ",
        "united states of america": "US",
        "great britain": "GB",
        "russian federation": "RU",
    }


#: Countries whose postal codes have this many digits and may begin with 0, which spreadsheets drop.
_ZERO_LED = {
    "DE": 5,
    "US": 5,
    "FR": 5,
    "IT": 5,
    "ES": 5,
    "MX": 5,
    "TR": 5,
    "EE": 5,
    "FI": 5,
    "HR": 5,
    "LT": 5,
    "MY": 5,
    "NO": 4,
    "RO": 6,
    "SG": 6,
}


def postal_code(cell: str, field: str, *, country: str = "") -> str:
    """A postal code as text: “'01026” → “01026”, Persian digits as ASCII. One that lost its leading zero is refused."""
    value = text(ascii_digits(cell.strip().removeprefix("'")), field, max_length=20)
    length = _ZERO_LED.get(country)
    if length and value.isdigit() and len(value) == length - 1:
        message = _(
            "“%(cell)s” has %(have)d digits, %(country)s has %(want)d: a spreadsheet has dropped the leading zero."
        )
        raise FieldError(field, message % {"cell": value, "have": len(value), "country": country, "want": length})
    return value


def email(cell: str, field: str) -> str:
    """An e-mail address, loosely checked (one @, no blanks), lower-cased domain; empty stays empty."""
    value = text(cell, field, max_length=254)
    if not value:
        return ""
    local, at, domain = value.rpartition("@")
    if not (at and local and domain) or re.search(r"\s|[<>,;]", value):
        raise FieldError(field, _("“%(cell)s” is no e-mail address.") % {"cell": value[:80]})
    return f"{local}@{domain.lower()}"


def tags(cell: str, field: str, *, max_length: int = 40) -> tuple[str, ...]:
    """Comma-separated tags, trimmed, each once, in their order."""
    parts = (" ".join(part.split()) for part in re.split(r"[,،]", text(cell, field, max_length=5000, lines=True)))
    found = dict.fromkeys(part for part in parts if part)
    long = next((tag for tag in found if len(tag) > max_length), None)
    if long:
        raise FieldError(
            field,
            _("The tag “%(tag)s…” is longer than %(max)d characters.") % {"tag": long[:40], "max": max_length},
        )
    return tuple(found)
