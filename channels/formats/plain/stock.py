"""Stock: one row per SKU and location. A column that is left out changes nothing, and neither does an empty count."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from channels.formats import values
from channels.formats.columns import Cells, Columns, known_keys
from channels.formats.plain.rows import one_a_row
from channels.formats.records import Parsed, ReadSettings, RowError, StockRecord
from channels.formats.tabular import Table

ALIASES = {
    "sku": ("sku", "Variant SKU"),
    "location": ("location", "Location name"),
    "on_hand": ("on_hand", "On hand"),
    "safety_stock": ("safety_stock", "Safety stock"),
    "damaged": ("damaged", "Damaged"),
    "quality_control": ("quality_control", "Quality control"),
    "bin": ("bin", "Bin name"),
    "incoming": ("incoming", "Incoming"),
}
COLUMNS = tuple(names[0] for names in ALIASES.values())
COUNTS = ("on_hand", "safety_stock", "damaged", "quality_control", "incoming")


class StockReader:
    kind = "inventory"
    format = "plain"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("sku", "location")
        if not any(meaning in columns for meaning in (*COUNTS, "bin")):
            columns.require("on_hand")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[StockRecord] | RowError]:
        yield from one_a_row(table, self.columns(table), _record, at="sku", name="sku")


def _record(cells: Cells) -> tuple[Hashable, StockRecord]:
    sku = values.sku(cells["sku"], cells.label("sku"))
    location = values.one_line(cells["location"], cells.label("location"), max_length=120, required=True)
    counts = {
        meaning: values.integer(cells[meaning], cells.label(meaning), maximum=100_000_000)
        for meaning in COUNTS
        if cells[meaning]
    }
    bin_name = values.one_line(cells["bin"], cells.label("bin"), max_length=40) if cells.has("bin") else None
    return (sku, location), StockRecord(sku, location, bin=bin_name, **counts)
