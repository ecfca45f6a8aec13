"""Shopify's inventory export: one row per variant and location, or (before 2021) one column per location.

Columns: help.shopify.com, "Inventory CSV file format". On hand = available + committed + unavailable. “On hand (new)” is what a merchant
has filled in; otherwise “On hand (current)” counts. “not stocked” means that the location does not carry the variant.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, as_error, known_keys, rows_of
from channels.formats.delimiters import header_key
from channels.formats.errors import FieldError, FileRefused
from channels.formats.records import REASON_COLUMNS, InventoryRecord, Parsed, ReadSettings, RowError
from channels.formats.tabular import Row, Table

ALIASES = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "sku": ("SKU", "Variant SKU"),
    "hs_code": ("HS Code",),
    "origin": ("COO", "Country of origin"),
    "location": ("Location",),
    "bin": ("Bin name", "Bin"),
    "on_hand_new": ("On hand (new)",),
    "on_hand": ("On hand (current)", "On hand"),
    "available": ("Available (not editable)", "Available"),
    "committed": ("Committed (not editable)", "Committed"),
    "unavailable": ("Unavailable (not editable)", "Unavailable"),
    "incoming": ("Incoming (not editable)", "Incoming"),
    "option1_name": ("Option1 Name",), "option1": ("Option1 Value",),
    "option2_name": ("Option2 Name",), "option2": ("Option2 Value",),
    "option3_name": ("Option3 Name",), "option3": ("Option3 Value",),
}  # fmt: skip
_NOT_STOCKED = frozenset({"not stocked"})
_COUNTS = ("on_hand_new", "on_hand", "available")


class InventoryReader:
    kind = "inventory"
    format = "shopify"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("sku")
        if not _location_columns(table, columns):
            columns.require("location")
            if not any(count in columns for count in _COUNTS):
                columns.require("on_hand")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        columns = Columns(table.header, ALIASES)
        places = set(_location_columns(table, columns))
        return [
            (name, meaning or ("location" if i in places else ""))
            for i, (name, meaning) in enumerate(columns.mapping())
        ]

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[InventoryRecord] | RowError]:
        columns = self.columns(table)
        places = _location_columns(table, columns)
        seen: dict[tuple[str, str], int] = {}
        for row in rows_of(table):
            if isinstance(row, RowError):
                yield row
                continue
            yield from _records(Cells(columns, row), row, places, table.header, seen)


def _location_columns(table: Table, columns: Columns) -> list[int]:
    """Positions of columns that are locations themselves: those behind the known ones, in a file without a Location column."""
    if "location" in columns or "sku" not in columns or any(count in columns for count in _COUNTS):
        return []
    last = max(position for meaning in ALIASES if (position := columns.position(meaning)) is not None)
    behind = [
        i for i in range(last + 1, len(table.header)) if table.header[i] and table.header[i] not in REASON_COLUMNS
    ]
    if any(header_key(table.header[i]) in InventoryReader.known for i in behind):
        raise FileRefused("columns_unclear", _("It is not clear which columns of this file are locations."))
    return behind


def _records(
    cells: Cells,
    row: Row,
    places: list[int],
    header: tuple[str, ...],
    seen: dict[tuple[str, str], int],
) -> Iterator[Parsed[InventoryRecord] | RowError]:
    entries = [(header[i], row.cells[i]) for i in places] if places else [(cells["location"], None)]
    for place, count in entries:
        try:
            record = _record(cells, place, count)
            key = (record.sku, record.location)
            if key in seen:
                message = _("“%(sku)s” at “%(location)s” stands on line %(line)d already.")
                raise FieldError(
                    cells.label("sku"),
                    message % {"sku": record.sku, "location": record.location, "line": seen[key]},
                )
        except FieldError as error:
            yield as_error(error, row, cells["sku"])
            continue
        seen[key] = row.line
        yield Parsed(record, row.line, row.line_to, (row.cells,))


def _record(cells: Cells, place: str, count: str | None) -> InventoryRecord:
    location = values.one_line(place, cells.label("location"), max_length=120, required=True)
    on_hand = _on_hand(cells) if count is None else _count(count, location)
    unavailable = (
        values.integer(cells["unavailable"], cells.label("unavailable"))
        if cells["unavailable"] and on_hand is not None
        else None
    )
    if unavailable is not None and on_hand is not None and unavailable > on_hand:
        raise FieldError(
            cells.label("unavailable"),
            _("%(count)d are more than are on hand (%(on_hand)d).") % {"count": unavailable, "on_hand": on_hand},
        )
    return InventoryRecord(
        sku=values.sku(cells["sku"], cells.label("sku")),
        location=location,
        on_hand=on_hand,
        unavailable=unavailable,
        bin=values.one_line(cells["bin"], cells.label("bin"), max_length=40) if cells.has("bin") else None,
        hs_code=values.identifier(cells["hs_code"], cells.label("hs_code"), required=False, max_length=14)
        if cells.has("hs_code")
        else None,
        origin_country=values.country(cells["origin"], cells.label("origin")) if cells.has("origin") else None,
    )


def _on_hand(cells: Cells) -> int | None:
    for meaning in ("on_hand_new", "on_hand"):
        if cells[meaning]:
            return _count(cells[meaning], cells.label(meaning))
    if not cells["available"]:
        raise FieldError(cells.label("on_hand" if cells.has("on_hand") else "available"), _("is empty."))
    available = _count(cells["available"], cells.label("available"))
    if available is None:
        return None
    others = (
        values.integer(cells[meaning], cells.label(meaning))
        for meaning in ("committed", "unavailable")
        if cells[meaning]
    )
    return available + sum(others)


def _count(cell: str, label: str) -> int | None:
    if cell.strip().casefold() in _NOT_STOCKED or not cell.strip():
        return None
    return values.integer(cell, label)
