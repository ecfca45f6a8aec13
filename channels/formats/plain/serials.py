"""Serial numbers: one row per unit, with the location at which it lies."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, known_keys
from channels.formats.errors import FieldError
from channels.formats.plain.rows import one_a_row
from channels.formats.records import Parsed, ReadSettings, RowError, SerialRecord
from channels.formats.tabular import Table

ALIASES = {
    "sku": ("sku", "Variant SKU"),
    "serial": ("serial", "Serial number"),
    "location": ("location", "Location name"),
    "lot": ("lot", "Lot number", "Batch"),
}
COLUMNS = tuple(names[0] for names in ALIASES.values())


class SerialReader:
    kind = "serials"
    format = "plain"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("sku", "serial", "location")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[SerialRecord] | RowError]:
        yield from one_a_row(table, self.columns(table), _record, at="serial", name="serial")


def _record(cells: Cells) -> tuple[Hashable, SerialRecord]:
    sku = values.sku(cells["sku"], cells.label("sku"))
    serial = values.code(cells["serial"], cells.label("serial"), max_length=60)
    location = values.one_line(cells["location"], cells.label("location"), max_length=120, required=True)
    if cells["lot"]:
        message = _("Units with a serial number are of no lot: a SKU is followed by one or the other.")
        raise FieldError(cells.label("lot"), message)
    return (sku, serial), SerialRecord(sku, serial, location)
