"""The pick list: what to fetch, in the order of the walk, and into which tote it goes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.template.loader import render_to_string
from django.utils import translation

from core.paper.codes import code128_png
from core.paper.language import known_language
from core.paper.text import Direction, direction, printable

_DIGITS = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class PickLine:
    """Units of one SKU to be taken from one bin for one fulfillment order."""

    sku: str
    title: str
    bin: str
    quantity: int
    fulfillment_order: str
    tote: str = ""
    lots: tuple[tuple[str, date | None, int], ...] = ()  # (code, expiry, units), where the goods are told apart by lot


@dataclass(frozen=True, slots=True)
class PickList:
    """One walk: `number` is printed as Code 128, `printed_at` is in the location's own time zone."""

    number: str
    location: str
    printed_at: datetime
    lines: tuple[PickLine, ...]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PickStop:
    """One SKU at one bin, with how many go where: the picker stands still while working through it."""

    bin: str
    sku: str
    title: str
    dir: Direction
    quantity: int
    shares: tuple[tuple[str, int], ...]
    lots: tuple[tuple[str, date | None, int], ...] = ()


def bin_key(bin_name: str) -> tuple[bool, tuple[tuple[int, int, str], ...]]:
    """Sort key of the walk: numbers in a bin's name count as numbers (A-2 before A-10); goods without a bin come last."""
    parts = (part for part in _DIGITS.split(bin_name.casefold()) if part)
    key = tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts)
    return (not bin_name.strip(), key)


def pick_stops(lines: Iterable[PickLine]) -> list[PickStop]:
    """The stops in walking order, the same SKU at the same bin summed, shares in the order of their lines."""

    def place(line: PickLine) -> tuple[object, ...]:
        return (bin_key(line.bin), line.bin, line.sku)

    stops = []
    for _place, group in groupby(sorted(lines, key=place), key=place):
        at_stop = list(group)
        shares: dict[str, int] = {}
        for line in at_stop:
            target = f"{line.tote} ({line.fulfillment_order})" if line.tote else line.fulfillment_order
            shares[target] = shares.get(target, 0) + line.quantity
        first, title = at_stop[0], printable(at_stop[0].title, 120)
        stops.append(
            PickStop(
                first.bin,
                first.sku,
                title,
                direction(title),
                sum(shares.values()),
                tuple(shares.items()),
                _lots(at_stop),
            )
        )
    return stops


def _lots(lines: Iterable[PickLine]) -> tuple[tuple[str, date | None, int], ...]:
    """The lots of a stop, each once, in the order in which they are to be taken."""
    units: dict[tuple[str, date | None], int] = {}
    for line in lines:
        for code, expires_on, count in line.lots:
            units[(code, expires_on)] = units.get((code, expires_on), 0) + count
    return tuple((printable(code, 40), expires_on, count) for (code, expires_on), count in units.items())


def sku_totals(lines: Iterable[PickLine]) -> dict[str, int]:
    """Units of each SKU over the whole walk, by SKU."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.sku] = totals.get(line.sku, 0) + line.quantity
    return dict(sorted(totals.items()))


def pick_list_html(pick_list: PickList) -> str:
    """The HTML of a pick list; the PDF is made from it. Raises NotEncodable for a number that no Code 128 holds."""
    language = known_language(pick_list.language)
    totals = sku_totals(pick_list.lines)
    with translation.override(language):
        return render_to_string(
            "documents/pick_list.html",
            {
                "language": language,
                "dir": "rtl" if translation.get_language_bidi() else "ltr",
                "number": printable(pick_list.number),
                "number_code": code128_png(pick_list.number),
                "location": printable(pick_list.location),
                "printed_at": pick_list.printed_at,
                "stops": pick_stops(pick_list.lines),
                "totals": [(printable(sku, 64), quantity) for sku, quantity in totals.items()],
                "units": sum(totals.values()),
                "orders": len({line.fulfillment_order for line in pick_list.lines}),
            },
        )
