"""Lots: one row per lot and location, the rows of a SKU together. An empty lot stands for units that came without one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, Group, known_keys
from channels.formats.errors import FieldError
from channels.formats.moments import day
from channels.formats.plain.rows import one_a_group, parts_of
from channels.formats.records import LotPart, LotRecord, Parsed, ReadSettings, RowError
from channels.formats.tabular import Table

ALIASES = {
    "sku": ("sku", "Variant SKU"),
    "lot": ("lot", "Lot number", "Batch"),
    "expires_on": ("expires_on", "Expires on", "Expiry date"),
    "location": ("location", "Location name"),
    "quantity": ("quantity", "On hand", "Units"),
}
COLUMNS = tuple(names[0] for names in ALIASES.values())


class LotReader:
    kind = "lots"
    format = "plain"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("sku", "lot", "location", "quantity")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[LotRecord] | RowError]:
        columns = self.columns(table)

        def record(group: Group) -> LotRecord:
            parts = parts_of(group, columns, _part, at="lot")
            return LotRecord(values.sku(group.key, columns.label("sku")), parts)

        yield from one_a_group(table, columns, "sku", record)


def _part(cells: Cells, line: int) -> tuple[Hashable, LotPart]:
    values.sku(cells["sku"], cells.label("sku"))
    lot = values.code(cells["lot"], cells.label("lot"), required=False, max_length=40)
    expires_on = day(cells["expires_on"], cells.label("expires_on")) if cells["expires_on"] else None
    if expires_on and not lot:
        raise FieldError(cells.label("expires_on"), _("Units without a lot have no common date."))
    location = values.one_line(cells["location"], cells.label("location"), max_length=120, required=True)
    quantity = values.integer(cells["quantity"], cells.label("quantity"), maximum=100_000_000)
    return (lot, location), LotPart(line, lot, expires_on, location, quantity)
