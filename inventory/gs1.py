"""GS1 element strings as scanners send them: GS1-128, GS1 DataMatrix, GS1 QR Code, and the text printed below the bars.

After the GS1 General Specifications: application identifiers (AI) in section 3, their predefined lengths in figure 7.8.5-2, the FNC1
that ends the others in 7.8.6, dates in 3.4 with the century of 7.12, check digits in 7.9. What travels in AIs that nobody here needs
is read over and kept by its number.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from inventory.gtin import check_digit

#: FNC1 as scanners transmit it (GS, ASCII 29), and how keyboards that cannot send it are usually set to write it.
SEPARATORS = ("\x1d", "\u241d", "<GS>", "{GS}")
#: Symbology identifiers (ISO/IEC 15424) that say "GS1 data follows": GS1-128, GS1 DataBar, GS1 DataMatrix, GS1 QR Code, GS1 DotCode.
_CARRIERS = ("]C1", "]e0", "]d2", "]Q3", "]J1")
#: First two digits of an AI → length of the element string with the AI (figure 7.8.5-2). All others end with FNC1 or the end.
_PREDEFINED = {
    "00": 20, "01": 16, "02": 16, "03": 16, "04": 18, "11": 8, "12": 8, "13": 8, "14": 8, "15": 8, "16": 8, "17": 8, "18": 8, "19": 8,
    "20": 4, "31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
}  # fmt: skip
#: AI → longest value, of those with variable length that stand on goods. "n" values are digits only.
_VARIABLE = {
    "10": 20, "21": 20, "22": 20, "235": 28, "240": 30, "241": 30, "242": 6, "243": 20, "250": 30, "251": 30, "253": 30, "254": 20,
    "30": 8, "37": 8, "400": 30, "401": 30, "403": 30, "420": 20, "421": 12, "422": 3, "423": 15, "424": 3, "425": 15, "426": 3,
    "7001": 13, "7002": 30, "7003": 10, "7004": 4, "710": 20, "711": 20, "712": 20, "713": 20, "714": 20, "715": 20,
    "8005": 6, "8008": 12, "8020": 25, "90": 30, **{str(n): 90 for n in range(91, 100)},
}  # fmt: skip
_DIGITS_ONLY = frozenset({"30", "37", "422", "424", "426", "7001", "7003", "7004", "242", "8005"})
_DATES = frozenset({"11", "12", "13", "15", "16", "17"})
_PRINTED = re.compile(r"\((\d{2,4})\)([^()]*(?:\([^()\d][^()]*\)[^()]*)*)")
#: The 82 characters of GS1 (figure 7.11-1).
_CHARACTERS = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")


class NotGS1(ValueError):
    """The text is no GS1 element string."""


@dataclass(frozen=True, slots=True)
class ElementString:
    """What a code says. gtin: 14 digits. expires_on: the last day of use; count: units inside. elements: AI → value as it stands."""

    gtin: str = ""
    lot: str = ""
    serial: str = ""
    expires_on: date | None = None
    best_before: date | None = None
    count: int | None = None
    elements: Mapping[str, str] = field(default_factory=dict)

    @property
    def last_day(self) -> date | None:
        """The day after which it is not to be sold: of use by and best before the earlier one."""
        days = [day for day in (self.expires_on, self.best_before) if day]
        return min(days, default=None)


def parse(text: str, *, today: date) -> ElementString:
    """Read an element string: as transmitted (with or without symbology identifier), or printed with AIs in brackets.

    today decides the century of dates. Raises NotGS1, also for a wrong check digit or date: what is misread must not be believed.
    """
    text = text.strip(" \r\n\t")
    carrier = next((prefix for prefix in _CARRIERS if text.startswith(prefix)), "")
    body = text[len(carrier) :]
    for separator in SEPARATORS[1:]:
        body = body.replace(separator, SEPARATORS[0])
    if not body or (text.startswith("]") and not carrier):
        raise NotGS1("nothing of GS1")
    pairs = _printed(body) if body.startswith("(") else _transmitted(body.lstrip("\x1d"))
    elements: dict[str, str] = {}
    for ai, value in pairs:
        if elements.setdefault(ai, value) != value:
            raise NotGS1(f"({ai}) stands there twice with different values")
        if not value or not _CHARACTERS.issuperset(value):
            raise NotGS1(f"({ai}) has characters that no GS1 code has")
        if ai in _DIGITS_ONLY and not value.isdigit():
            raise NotGS1(f"({ai}) must be digits")
    return _meaning(elements, today)


def _printed(body: str) -> list[tuple[str, str]]:
    pairs, end = [], 0
    for match in _PRINTED.finditer(body):
        if match.start() != end:
            break
        pairs.append((match[1], match[2].strip()))
        end = match.end()
    if end != len(body):
        raise NotGS1("text outside the brackets")
    for ai, value in pairs:
        _check_length(ai, value)
    return pairs


def _transmitted(body: str) -> list[tuple[str, str]]:
    pairs = []
    while body:
        ai = _identifier(body)
        fixed = _PREDEFINED.get(body[:2])
        if fixed:
            if len(body) < fixed:
                raise NotGS1(f"({ai}) is cut off")
            value, body = body[len(ai) : fixed], body[fixed:].removeprefix("\x1d")
        else:
            value, _end, body = body[len(ai) :].partition("\x1d")
        _check_length(ai, value)
        pairs.append((ai, value))
    return pairs


def _identifier(body: str) -> str:
    """The AI at the beginning: its first two digits say how long it is."""
    start = body[:2]
    if len(start) < 2 or not (start.isascii() and start.isdigit()):
        raise NotGS1("no application identifier")
    if start in _PREDEFINED:
        length = {"31": 4, "32": 4, "33": 4, "34": 4, "35": 4, "36": 4, "41": 3}.get(start, 2)
    else:
        length = next((n for n in (2, 3, 4) if body[:n] in _VARIABLE), 0)
    if not length or not body[:length].isdigit():
        raise NotGS1(f"unknown application identifier {start}…")
    return body[:length]


def _check_length(ai: str, value: str) -> None:
    fixed = _PREDEFINED.get(ai[:2])
    most = _VARIABLE.get(ai)
    if fixed is not None:
        if len(ai) + len(value) != fixed or not value.isdigit() or _identifier(ai + value) != ai:
            raise NotGS1(f"({ai}) must have {fixed - len(ai)} digits")
    elif most is None or not 1 <= len(value) <= most:
        raise NotGS1(f"({ai}) is unknown or too long")


def _meaning(elements: Mapping[str, str], today: date) -> ElementString:
    for ai in ("00", "01", "02"):
        if (number := elements.get(ai)) and check_digit(number[:-1]) != number[-1]:
            raise NotGS1(f"({ai}) has a wrong check digit")
    days = {ai: read_date(value, today=today) for ai, value in elements.items() if ai in _DATES}
    if "7003" in elements:
        days.setdefault("17", read_date(elements["7003"][:6], today=today))
    count = elements.get("37") or elements.get("30")
    return ElementString(
        gtin=elements.get("01") or elements.get("02", ""),
        lot=elements.get("10", ""),
        serial=elements.get("21", ""),
        expires_on=days.get("17"),
        best_before=days.get("15"),
        count=int(count) if count else None,
        elements=dict(elements),
    )


def read_date(value: str, *, today: date) -> date:
    """YYMMDD; day 00 is the month's last. The century is the one that brings the year nearest to now (section 7.12). Raises NotGS1."""
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:6])
    gap = year - today.year % 100
    century = today.year // 100 + (-1 if gap >= 51 else 1 if gap <= -50 else 0)
    full = century * 100 + year
    try:
        return date(full, month, day or monthrange(full, month)[1])
    except (ValueError, IndexError):  # calendar.IllegalMonthError is a ValueError, and an IndexError from 3.13 on
        raise NotGS1(f"{value} is no date") from None
