"""Bundles: one row per component (bundle_sku, component_sku, quantity), the rows of a bundle together."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, Group, groups, known_keys
from channels.formats.errors import FieldError
from channels.formats.records import BundlePart, BundleRecord, Parsed, ReadSettings, RowError
from channels.formats.tabular import Table

ALIASES = {
    "bundle": ("bundle_sku", "Bundle SKU", "Bundle"),
    "component": ("component_sku", "Component SKU", "Component"),
    "quantity": ("quantity", "Quantity", "Units"),
}
COLUMNS = tuple(names[0] for names in ALIASES.values())


class BundleReader:
    kind = "bundles"
    format = "plain"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("bundle", "component", "quantity")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[BundleRecord] | RowError]:
        columns = self.columns(table)
        for group in groups(table, columns, "bundle"):
            if isinstance(group, RowError):
                yield group
                continue
            try:
                record = _record(group, columns)
            except _BadLine as bad:
                yield group.error(bad.line, bad.error.field or "", bad.error.message)
                continue
            yield Parsed(record, group.line_from, group.line_to, group.raw())


class _BadLine(Exception):
    def __init__(self, line: int, error: FieldError) -> None:
        super().__init__(error.message)
        self.line, self.error = line, error


def _record(group: Group, columns: Columns) -> BundleRecord:
    parts: dict[str, BundlePart] = {}
    sku = ""
    for row in group.rows:
        cells = Cells(columns, row)
        try:
            sku = values.sku(cells["bundle"], cells.label("bundle"))
            component = values.sku(cells["component"], cells.label("component"))
            if component in parts:
                message = _("“%(sku)s” stands on line %(line)d already.")
                raise FieldError(cells.label("component"), message % {"sku": component, "line": parts[component].line})
            quantity = values.integer(cells["quantity"], cells.label("quantity"))
        except FieldError as error:
            raise _BadLine(row.line, error) from None
        parts[component] = BundlePart(row.line, component, quantity)
    return BundleRecord(sku, tuple(parts.values()))
