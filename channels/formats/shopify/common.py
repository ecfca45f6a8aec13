"""What the readers of Shopify's files share: how they write amounts."""

from __future__ import annotations

from decimal import Decimal

from channels.formats import values
from channels.formats.columns import Cells
from channels.formats.records import ReadSettings
from channels.formats.tabular import Table


def decimal_mark(table: Table, settings: ReadSettings) -> str | None:
    """Shopify writes decimal points. A semicolon or tab tells that a spreadsheet has saved the file anew, with its own mark."""
    if settings.decimal_mark:
        return settings.decimal_mark
    return "." if table.dialect.delimiter in ("", ",") else None


def amount(
    cells: Cells, meaning: str, currency: str, mark: str | None, *, empty: Decimal | None = None
) -> Decimal | None:
    """The amount of a cell, or `empty` for an empty one."""
    return values.money(cells[meaning], cells.label(meaning), currency, decimal_mark=mark) if cells[meaning] else empty
