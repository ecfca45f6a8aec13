"""Locations: Shopify has no export of its own; these are the column names of its address fields, one location per row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, as_error, known_keys, rows_of
from channels.formats.errors import FieldError
from channels.formats.records import LocationRecord, Parsed, ReadSettings, RowError
from channels.formats.tabular import Table
from core.addresses import Address

ALIASES = {
    "name": ("Name", "Location", "Location name"),
    "code": ("Code",),
    "kind": ("Kind", "Type"),
    "company": ("Company",),
    "line1": ("Address1", "Address", "Street"),
    "line2": ("Address2", "Apartment, suite, etc."),
    "city": ("City",),
    "province": ("Province", "Province code", "State"),
    "zip": ("Zip", "Postal code", "ZIP/Postal code"),
    "country": ("Country", "Country code", "Country/Region"),
    "phone": ("Phone",),
    "latitude": ("Latitude",),
    "longitude": ("Longitude",),
    "time_zone": ("Time zone", "Timezone"),
    "ships_online": ("Fulfills online orders", "Ships online"),
    "offers_pickup": ("Local pickup", "Offers pickup"),
    "accepts_returns": ("Accepts returns",),
    "daily_capacity": ("Daily capacity", "Orders a day"),
    "cutoff": ("Cut-off", "Cutoff"),
    "rank": ("Rank", "Priority"),
    "active": ("Active", "Status"),
}
_KINDS = {
    "warehouse": "warehouse",
    "store": "store",
    "retail": "store",
    "3pl": "3pl",
    "third-party": "3pl",
    "supplier": "supplier",
    "dropship": "supplier",
}


class LocationReader:
    kind = "locations"
    format = "shopify"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("name")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[LocationRecord] | RowError]:
        columns = self.columns(table)
        seen: dict[str, int] = {}
        for row in rows_of(table):
            if isinstance(row, RowError):
                yield row
                continue
            cells = Cells(columns, row)
            try:
                record = _location(cells)
                if record.name in seen:
                    raise FieldError(
                        cells.label("name"),
                        _("“%(key)s” stands on line %(line)d already.")
                        % {"key": record.name, "line": seen[record.name]},
                    )
            except FieldError as error:
                yield as_error(error, row, cells["name"])
                continue
            seen[record.name] = row.line
            yield Parsed(record, row.line, row.line_to, (row.cells,))


def _location(cells: Cells) -> LocationRecord:
    country = values.country(cells["country"], cells.label("country"))
    latitude, longitude = _degrees(cells, "latitude", 90), _degrees(cells, "longitude", 180)
    if (latitude is None) != (longitude is None):
        raise FieldError(cells.label("latitude"), _("and the longitude must be given together."))
    address = Address(
        name=values.one_line(cells["name"], cells.label("name"), max_length=120, required=True),
        company=values.one_line(cells["company"], cells.label("company")),
        line1=values.one_line(cells["line1"], cells.label("line1")),
        line2=values.one_line(cells["line2"], cells.label("line2")),
        city=values.one_line(cells["city"], cells.label("city"), max_length=120),
        province=values.one_line(cells["province"], cells.label("province"), max_length=120),
        postal_code=values.postal_code(cells["zip"], cells.label("zip"), country=country),
        country=country,
        phone=values.one_line(cells["phone"], cells.label("phone"), max_length=40),
    )
    capacity, rank = _whole(cells, "daily_capacity", 10**6), _whole(cells, "rank", 32767)
    return LocationRecord(
        name=address.name,
        code=values.text(cells["code"], cells.label("code"), max_length=12) or None,
        kind=_kind(cells) if cells["kind"] else None,
        address=address,
        latitude=latitude,
        longitude=longitude,
        time_zone=_zone(cells) if cells["time_zone"] else None,
        ships_online=_flag(cells, "ships_online"),
        offers_pickup=_flag(cells, "offers_pickup"),
        accepts_returns=_flag(cells, "accepts_returns"),
        daily_capacity=capacity,
        cutoff=_cutoff(cells) if cells["cutoff"] else None,
        rank=rank,
        active=_active(cells) if cells["active"] else None,
    )


def _whole(cells: Cells, meaning: str, maximum: int) -> int | None:
    return values.integer(cells[meaning], cells.label(meaning), maximum=maximum) if cells[meaning] else None


def _flag(cells: Cells, meaning: str) -> bool | None:
    return values.boolean(cells[meaning], cells.label(meaning)) if cells[meaning] else None


def _active(cells: Cells) -> bool:
    value = cells["active"].casefold()
    return value == "active" if value in {"active", "inactive"} else values.boolean(value, cells.label("active"))


def _kind(cells: Cells) -> str:
    kind = _KINDS.get(cells["kind"].casefold())
    if kind is None:
        message = _("“%(cell)s” is no kind of location; known are: %(known)s.")
        raise FieldError(cells.label("kind"), message % {"cell": cells["kind"][:40], "known": ", ".join(_KINDS)})
    return kind


def _zone(cells: Cells) -> str:
    try:
        return ZoneInfo(cells["time_zone"]).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = _("“%(cell)s” is no time zone; write it as Europe/Warsaw.")
        raise FieldError(cells.label("time_zone"), message % {"cell": cells["time_zone"][:40]}) from None


def _cutoff(cells: Cells) -> dt.time:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?", values.ascii_digits(cells["cutoff"]))
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise FieldError(
            cells.label("cutoff"),
            _("“%(cell)s” is no time of day.") % {"cell": cells["cutoff"][:20]},
        )
    return dt.time(int(match[1]), int(match[2]))


def _degrees(cells: Cells, meaning: str, limit: int) -> Decimal | None:
    """Degrees with a decimal point or comma; a coordinate has no thousands."""
    written = values.ascii_digits(values.unguard(cells[meaning])).replace(",", ".").replace("٫", ".")
    if not written:
        return None
    if not re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,17})?", written) or abs(Decimal(written)) > limit:
        raise FieldError(
            cells.label(meaning),
            _("“%(cell)s” is not between −%(limit)d and %(limit)d degrees.") % {"cell": written[:40], "limit": limit},
        )
    return Decimal(written)
