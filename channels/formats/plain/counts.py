"""The sheet of a stock count: one row per bin and SKU; who counts fills in `counted`. An empty cell is a line that nobody has counted."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from channels.formats import values
from channels.formats.columns import Cells, Columns, known_keys
from channels.formats.plain.rows import one_a_row
from channels.formats.records import CountedRecord, Parsed, ReadSettings, RowError
from channels.formats.tabular import Table

ALIASES = {
    "count": ("count", "Count number"),
    "location": ("location", "Location name"),
    "bin": ("bin", "Bin name"),
    "sku": ("sku", "Variant SKU"),
    "title": ("title", "Title"),
    "barcode": ("barcode", "Barcode"),
    "lot": ("lot", "Lot number", "Batch"),
    "counted": ("counted", "Counted", "Quantity"),
}
COLUMNS = tuple(names[0] for names in ALIASES.values())


class CountedReader:
    kind = "counts"
    format = "plain"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("count", "bin", "sku", "counted")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[CountedRecord] | RowError]:
        yield from one_a_row(table, self.columns(table), _record, at="sku", name="sku")


def _record(cells: Cells) -> tuple[Hashable, CountedRecord]:
    record = CountedRecord(
        count=values.identifier(cells["count"], cells.label("count"), max_length=20),
        bin=values.one_line(cells["bin"], cells.label("bin"), max_length=40),
        sku=values.sku(cells["sku"], cells.label("sku")),
        lot=values.code(cells["lot"], cells.label("lot"), required=False, max_length=40) if cells.has("lot") else None,
        counted=values.integer(cells["counted"], cells.label("counted"), maximum=1_000_000)
        if cells["counted"]
        else None,
    )
    return (record.count, record.bin, record.sku, record.lot), record
