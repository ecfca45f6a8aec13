"""Reading what channels send as files: pure functions from bytes to records, without the database.

    table = open_table(stream, known=reader("orders", "shopify").known)
    for item in reader("orders", "shopify").read(table, ReadSettings("EUR", ZoneInfo("Europe/Warsaw"))): …

Each item is a Parsed record with its lines in the file, or a RowError that says which line and field, and why.
"""

from __future__ import annotations

from typing import cast

from channels.formats.errors import FieldError, FileRefused
from channels.formats.plain.bundles import BundleReader
from channels.formats.plain.counts import CountedReader
from channels.formats.plain.lots import LotReader
from channels.formats.plain.purchases import PurchaseReader
from channels.formats.plain.serials import SerialReader
from channels.formats.plain.stock import StockReader
from channels.formats.readers import Reader
from channels.formats.records import Parsed, ReadSettings, RowError
from channels.formats.shopify.inventory import InventoryReader
from channels.formats.shopify.locations import LocationReader
from channels.formats.shopify.orders import OrderReader
from channels.formats.shopify.products import ProductReader
from channels.formats.tabular import Table, open_table

__all__ = [
    "FORMATS", "KINDS", "FieldError", "FileRefused", "Parsed", "ReadSettings", "Reader", "RowError", "Table", "open_table", "reader",
]  # fmt: skip

_READERS: dict[tuple[str, str], Reader] = {
    (each.kind, each.format): cast(Reader, each)
    for each in (
        ProductReader(), LocationReader(), InventoryReader(), OrderReader(), StockReader(), BundleReader(), LotReader(), SerialReader(),
        PurchaseReader(), CountedReader(),
    )
}  # fmt: skip
KINDS = tuple(dict.fromkeys(kind for kind, _format in _READERS))
FORMATS = tuple(dict.fromkeys(format_ for _kind, format_ in _READERS))


def reader(kind: str, format_: str) -> Reader:
    """The reader of one kind of record in one format; a kind that no shop software exports is read from plain files, whatever the
    format. LookupError when there is none."""
    found = _READERS.get((kind, format_)) or _READERS.get((kind, "plain"))
    if found is None:
        raise LookupError(f"no reader for {kind} in {format_}")
    return found
