"""Purchase orders: one row per line, the rows of an order together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from channels.formats import values
from channels.formats.columns import Cells, Columns, Group, known_keys
from channels.formats.errors import FieldError
from channels.formats.moments import day
from channels.formats.plain.rows import BadLine, one_a_group, parts_of, same_in_all
from channels.formats.records import Parsed, PurchaseLineRecord, PurchaseRecord, ReadSettings, RowError
from channels.formats.tabular import Table

ALIASES = {
    "number": ("number", "Order number", "Purchase order"),
    "supplier": ("supplier", "Supplier code"),
    "location": ("location", "Destination", "Deliver to"),
    "expected_on": ("expected_on", "Expected on"),
    "note": ("note", "Note"),
    "state": ("state", "State"),
    "sku": ("sku", "Variant SKU"),
    "quantity": ("quantity", "Ordered", "Units"),
    "unit_cost": ("unit_cost", "Unit cost", "Price"),
    "currency": ("currency", "Currency"),
    "received": ("received", "Received"),
}
COLUMNS = tuple(names[0] for names in ALIASES.values())


class PurchaseReader:
    kind = "purchases"
    format = "plain"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("number", "supplier", "location", "sku", "quantity")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[PurchaseRecord] | RowError]:
        columns = self.columns(table)
        mark = settings.decimal_mark or ("." if table.dialect.delimiter == "," else None)
        yield from one_a_group(table, columns, "number", lambda group: _record(group, columns, settings.currency, mark))


def _record(group: Group, columns: Columns, currency: str, mark: str | None) -> PurchaseRecord:
    def part(cells: Cells, line: int) -> tuple[Hashable, PurchaseLineRecord]:
        sku = values.sku(cells["sku"], cells.label("sku"))
        quantity = values.integer(cells["quantity"], cells.label("quantity"), minimum=1, maximum=1_000_000)
        code = values.currency(cells["currency"], cells.label("currency")) if cells["currency"] else currency
        cost = (
            values.unit_price(cells["unit_cost"], cells.label("unit_cost"), code, decimal_mark=mark)
            if cells["unit_cost"]
            else None
        )
        return sku, PurchaseLineRecord(line, sku, quantity, cost)

    told = {
        meaning: same_in_all(group, columns, meaning) for meaning in ("supplier", "location", "expected_on", "note")
    }
    first = Cells(columns, group.rows[0])
    try:
        return PurchaseRecord(
            number=values.identifier(group.key, first.label("number"), max_length=20),
            supplier=values.one_line(told["supplier"], first.label("supplier"), max_length=120, required=True),
            location=values.one_line(told["location"], first.label("location"), max_length=120, required=True),
            expected_on=day(told["expected_on"], first.label("expected_on")) if told["expected_on"] else None,
            note=values.text(told["note"], first.label("note"), max_length=4000, lines=True)
            if first.has("note")
            else None,
            parts=parts_of(group, columns, part, at="sku"),
        )
    except FieldError as error:
        raise BadLine(group.line_from, error) from None
