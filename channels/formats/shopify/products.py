"""Shopify's product export: one row per variant, further rows of a product (and rows of images alone) leave the product's columns empty.

Columns: help.shopify.com, "Using CSV files to import and export products"; both the names up to 2024 (“Variant SKU”, “Body (HTML)”) and
the newer ones (“SKU”, “Description”, “URL handle”) are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from channels.formats import values
from channels.formats.columns import Cells, Columns, Group, as_error, groups, known_keys
from channels.formats.errors import FieldError
from channels.formats.records import Parsed, ProductRecord, ReadSettings, RowError, VariantRecord
from channels.formats.shopify.common import amount, decimal_mark
from channels.formats.tabular import Table

ALIASES = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "vendor": ("Vendor",),
    "type": ("Type", "Custom product type", "Product type"),
    "tags": ("Tags",),
    "status": ("Status",),
    "option1_name": ("Option1 Name",), "option1": ("Option1 Value",),
    "option2_name": ("Option2 Name",), "option2": ("Option2 Value",),
    "option3_name": ("Option3 Name",), "option3": ("Option3 Value",),
    "sku": ("Variant SKU", "SKU"),
    "price": ("Variant Price", "Price"),
    "cost": ("Cost per item", "Variant Cost"),
    "barcode": ("Variant Barcode", "Barcode"),
    "grams": ("Variant Grams", "Weight value (grams)"),
    "hs_code": ("Variant HS Code", "HS Code"),
    "origin": ("Variant Country of Origin", "Country of origin", "COO"),
    "requires_shipping": ("Variant Requires Shipping", "Requires shipping"),
    "tracking": ("Followed by", "Tracking", "Variant Tracking"),
    "variant_title": ("Variant Title",),  # ours: what papers call it, where that is not the product with its options
    "image": ("Image Src", "Product image URL", "Image source"),
}  # fmt: skip
_STATUSES = {"active": True, "draft": False, "archived": False, "unlisted": True}
#: How units are told apart, as a file may say it. Shops' own columns say nothing of it.
_TRACKING = {
    "none": "none", "no": "none", "quantity": "none", "lot": "lot", "batch": "lot", "lots": "lot", "serial": "serial",
    "serial number": "serial", "serials": "serial",
}  # fmt: skip
_OPTIONS = ("option1", "option2", "option3")


class ProductReader:
    kind = "products"
    format = "shopify"
    known = known_keys(ALIASES)

    def columns(self, table: Table) -> Columns:
        columns = Columns(table.header, ALIASES)
        columns.require("handle", "title", "sku")
        return columns

    def mapping(self, table: Table) -> list[tuple[str, str]]:
        return Columns(table.header, ALIASES).mapping()

    def read(self, table: Table, settings: ReadSettings) -> Iterator[Parsed[ProductRecord] | RowError]:
        columns = self.columns(table)
        mark = decimal_mark(table, settings)
        seen: dict[str, int] = {}
        for group in groups(table, columns, "handle"):
            if isinstance(group, RowError):
                yield group
            else:
                yield from _product(group, columns, settings.currency, mark, seen)


def _product(
    group: Group, columns: Columns, currency: str, mark: str | None, seen: dict[str, int]
) -> Iterator[Parsed[ProductRecord] | RowError]:
    """The product with those of its variants that can be read, and an error for each other."""
    rows = [Cells(columns, row) for row in group.rows]
    first = rows[0]
    try:
        title = values.one_line(first["title"], first.label("title"), required=True)
        names = [
            values.one_line(first[f"{option}_name"], first.label(f"{option}_name"), max_length=100)
            for option in _OPTIONS
        ]
        head = _Head(
            handle=values.text(group.key, first.label("handle"), required=True),
            vendor=values.one_line(first["vendor"], first.label("vendor"), max_length=120)
            if first.has("vendor")
            else None,
            product_type=values.one_line(first["type"], first.label("type"), max_length=120)
            if first.has("type")
            else None,
            tags=_tags(first),
            active=_active(first),
        )
    except FieldError as error:
        yield group.error(first.row.line, error.field or "", error.message)
        return
    variants: list[VariantRecord] = []
    kept = []
    for cells in rows:
        if cells is not first and not any(cells[meaning] for meaning in ("sku", "price", *_OPTIONS)):
            continue  # a row that only adds an image
        try:
            variant = _variant(cells, title, names, currency, mark)
            if variant.sku in seen:
                raise FieldError(
                    cells.label("sku"),
                    _("“%(key)s” stands on line %(line)d already.") % {"key": variant.sku, "line": seen[variant.sku]},
                )
        except FieldError as error:
            yield as_error(error, cells.row, group.key)
            continue
        seen[variant.sku] = cells.row.line
        variants.append(variant)
        kept.append(cells.row.cells)
    if variants:
        record = ProductRecord(
            head.handle,
            title,
            head.vendor,
            head.product_type,
            head.tags,
            head.active,
            tuple(variants),
        )
        yield Parsed(record, group.line_from, group.line_to, tuple(kept))


class _Head:
    """The columns that only the first row of a product fills."""

    def __init__(
        self,
        *,
        handle: str,
        vendor: str | None,
        product_type: str | None,
        tags: tuple[str, ...] | None,
        active: bool | None,
    ) -> None:
        self.handle, self.vendor, self.product_type, self.tags, self.active = (
            handle,
            vendor,
            product_type,
            tags,
            active,
        )


def _tags(cells: Cells) -> tuple[str, ...] | None:
    return values.tags(cells["tags"], cells.label("tags"), max_length=60) if cells.has("tags") else None


def _active(cells: Cells) -> bool | None:
    written = cells["status"].casefold()
    if not written:
        return None
    if written not in _STATUSES:
        raise FieldError(
            cells.label("status"),
            _("“%(cell)s” is no status of a product (active, draft, archived).") % {"cell": cells["status"][:40]},
        )
    return _STATUSES[written]


def _variant(cells: Cells, title: str, names: list[str], currency: str, mark: str | None) -> VariantRecord:
    options = _options(cells, names)
    return VariantRecord(
        line=cells.row.line,
        sku=values.sku(cells["sku"], cells.label("sku")),
        title=values.one_line(cells["variant_title"], cells.label("variant_title"), max_length=255)
        or _variant_title(title, [value for _name, value in options]),
        options=options,
        price=amount(cells, "price", currency, mark, empty=Decimal(0)) if cells.has("price") else None,
        cost=amount(cells, "cost", currency, mark, empty=None) if cells.has("cost") else None,
        barcode=values.identifier(cells["barcode"], cells.label("barcode"), required=False, max_length=64)
        if cells.has("barcode")
        else None,
        weight_grams=(values.weight_grams(cells["grams"], cells.label("grams")) if cells["grams"] else 0)
        if cells.has("grams")
        else None,
        hs_code=values.identifier(cells["hs_code"], cells.label("hs_code"), required=False, max_length=14)
        if cells.has("hs_code")
        else None,
        origin_country=values.country(cells["origin"], cells.label("origin")) if cells.has("origin") else None,
        requires_shipping=values.boolean(cells["requires_shipping"], cells.label("requires_shipping"), default=True)
        if cells.has("requires_shipping")
        else None,
        tracking=_tracking(cells),
    )


def _tracking(cells: Cells) -> str | None:
    written = cells["tracking"].strip().casefold()
    if not written:
        return None
    if written not in _TRACKING:
        raise FieldError(
            cells.label("tracking"),
            _("“%(cell)s” is no way to follow units (none, lot, serial).") % {"cell": cells["tracking"][:40]},
        )
    return _TRACKING[written]


def _options(cells: Cells, names: list[str]) -> tuple[tuple[str, str], ...]:
    """The options that are real ones; a product without any is exported as Title = Default Title."""
    found = []
    for option, name in zip(_OPTIONS, names, strict=True):
        value = values.one_line(cells[option], cells.label(option))
        if value and (name, value) != ("Title", "Default Title"):
            found.append((name or option.capitalize(), value))
    return tuple(found)


def _variant_title(title: str, options: list[str]) -> str:
    return f"{title} – {' / '.join(options)}"[:255] if options else title
