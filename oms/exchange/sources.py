"""What an export writes: rows of each kind in portions, each beginning where the one before ended.

A portion is read by key, never by offset, so the last one costs what the first one does, whatever changes meanwhile. Rows of a portion
are as they were at one moment; those of another portion may be later.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from availability.models import AvailabilityRule
from availability.operations.rule_files import rule_cells
from counts.models import StockCountLine
from counts.states import CountState, LineState
from inventory.models import Location
from purchasing.models import PurchaseLine
from purchasing.states import OPEN_STATES, PurchaseState
from transfers.models import TransferLine
from transfers.states import CLOSED_STATES

#: Text is guarded against formulas when it is written, numbers are not.
Cells = Sequence[str | int | Decimal | None]


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows of the file and the key of the last one; None: nothing follows."""

    rows: list[Cells]
    after: list[int] | None


class Source(ABC):
    """Rows of one kind, read portion by portion."""

    header: tuple[str, ...]

    @abstractmethod
    def count(self) -> int:
        """Rows there are about now: what progress is measured by."""

    @abstractmethod
    def portion(self, after: list[int] | None, size: int) -> Portion:
        """The next rows behind a key; None begins."""


class SqlSource(Source):
    """Rows of one statement. Its first `keys` columns are the key, by which it is ordered and which the file does not show; %s stand for
    the key behind which it begins, and for the number of rows."""

    def __init__(self, header: tuple[str, ...], *, keys: int, counted: str, statement: str) -> None:
        self.header, self._keys, self._counted, self._statement = header, keys, counted, statement

    def count(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(self._counted)
            return int(cursor.fetchone()[0])

    def portion(self, after: list[int] | None, size: int) -> Portion:
        with connection.cursor() as cursor:
            cursor.execute(self._statement, [*(after or [0] * self._keys), size])
            rows = cursor.fetchall()
        last = list(rows[-1][: self._keys]) if len(rows) == size else None
        return Portion([row[self._keys :] for row in rows], last)


class RowSource(Source):
    """Rows of a queryset by its primary key; `cells` makes the file's row of an object."""

    def __init__(self, header: tuple[str, ...], queryset: Any, cells: Any) -> None:
        self.header, self._queryset, self._cells = header, queryset, cells

    def count(self) -> int:
        return int(self._queryset().count())

    def portion(self, after: list[int] | None, size: int) -> Portion:
        found = list(self._queryset().filter(pk__gt=after[0] if after else 0).order_by("pk")[:size])
        return Portion([self._cells(one) for one in found], [found[-1].pk] if len(found) == size else None)


class LineSource(Source):
    """Rows of lines by (document, line): those of a document stand together. `document` is the foreign key's column."""

    def __init__(self, header: tuple[str, ...], lines: Any, document: str, cells: Any) -> None:
        self.header, self._lines, self._document, self._cells = header, lines, document, cells

    def count(self) -> int:
        return int(self._lines().count())

    def portion(self, after: list[int] | None, size: int) -> Portion:
        from django.db.models import Q

        document, line = after or [0, 0]
        behind = Q(**{f"{self._document}__gt": document}) | Q(**{self._document: document, "pk__gt": line})
        found = list(self._lines().filter(behind).order_by(self._document, "pk")[:size])
        rows, before = [], document if line else 0
        for one in found:
            now = getattr(one, self._document)
            rows.append(self._cells(one, now != before))
            before = now
        return Portion(rows, [before, found[-1].pk] if len(found) == size else None)


def plain(number: Decimal | None) -> Decimal | None:
    """A number without zeros behind it; three decimals get a fourth one, for 1.234 might be read as a thousand."""
    if number is None:
        return None
    short = number.normalize()
    places = max(0, -int(short.as_tuple().exponent))
    return short.quantize(Decimal("0.0001")) if places == 3 else short.quantize(Decimal(1).scaleb(-places))


# ---- what is sold, and from where -------------------------------------------------------------------------------------


def _in_decimals(column: str) -> str:
    """SQL for a number as `plain` writes it."""
    return f"CASE WHEN scale(trim_scale({column})) = 3 THEN round({column}, 4) ELSE trim_scale({column}) END"


#: What belongs to the product stands in the first row of its variants, as in Shopify's own file.
PRODUCTS = SqlSource(
    (
        "Handle", "Title", "Vendor", "Type", "Tags", "Status", "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name",
        "Option3 Value", "Variant SKU", "Variant Title", "Variant Price", "Cost per item", "Variant Barcode", "Variant Grams", "Variant HS Code",
        "Variant Country of Origin", "Variant Requires Shipping", "Followed by",
    ),
    keys=2, counted="SELECT count(*) FROM inventory_variant",
    statement=f"""SELECT p.id, v.id, p.handle, CASE WHEN f.first THEN p.title END, CASE WHEN f.first THEN p.vendor END,
                         CASE WHEN f.first THEN p.product_type END, CASE WHEN f.first THEN array_to_string(p.tags, ', ') END,
                         CASE WHEN f.first THEN CASE WHEN p.active THEN 'active' ELSE 'draft' END END,
                         CASE WHEN f.first THEN o.names[1] END, o.words[1], CASE WHEN f.first THEN o.names[2] END, o.words[2],
                         CASE WHEN f.first THEN o.names[3] END, o.words[3], v.sku, v.title, {_in_decimals("v.price")}, {_in_decimals("v.cost")},
                         v.barcode, v.weight_grams, v.hs_code, v.origin_country, v.requires_shipping::text, v.tracking
                    FROM inventory_variant v JOIN inventory_product p ON p.id = v.product_id
                    LEFT JOIN LATERAL (SELECT array_agg(key ORDER BY n) AS names, array_agg(value ORDER BY n) AS words
                                         FROM jsonb_each_text(v.options) WITH ORDINALITY AS t (key, value, n)) o ON true
                    CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM inventory_variant w WHERE w.product_id = p.id AND w.id < v.id) AS first) f
                   WHERE (v.product_id, v.id) > (%s, %s) ORDER BY 1, 2 LIMIT %s""",  # noqa: S608 - our own words
)  # fmt: skip


def _location_cells(place: Location) -> Cells:
    address = place.postal_address
    return (
        place.name, place.code, place.kind, address.company, address.line1, address.line2, address.city, address.province, address.postal_code,
        place.country, address.phone, _degrees(place.latitude), _degrees(place.longitude), place.time_zone, _yes(place.ships_online),
        _yes(place.offers_pickup), _yes(place.accepts_returns), place.daily_capacity,
        place.cutoff.isoformat("minutes") if place.cutoff else "", place.rank, _yes(place.active),
    )  # fmt: skip


def _degrees(value: float | None) -> str:
    return "" if value is None else repr(value)


def _yes(value: bool) -> str:
    return "true" if value else "false"


LOCATIONS = RowSource(
    (
        "Name", "Code", "Kind", "Company", "Address1", "Address2", "City", "Province", "Zip", "Country", "Phone", "Latitude", "Longitude",
        "Time zone", "Fulfills online orders", "Local pickup", "Accepts returns", "Daily capacity", "Cut-off", "Rank", "Active",
    ),
    Location.objects.all, _location_cells,
)  # fmt: skip

# ---- stock -----------------------------------------------------------------------------------------------------------

_LEVELS = """
      FROM (SELECT * FROM inventory_stocklevel WHERE (variant_id, location_id) > (%s, %s)
             ORDER BY variant_id, location_id LIMIT %s) s
      JOIN inventory_variant v ON v.id = s.variant_id JOIN inventory_location l ON l.id = s.location_id
"""
_LEVELS_THERE = "SELECT count(*) FROM inventory_stocklevel"

STOCK = SqlSource(
    ("sku", "location", "on_hand", "safety_stock", "damaged", "quality_control", "bin", "incoming"), keys=2, counted=_LEVELS_THERE,
    statement=f"""SELECT s.variant_id, s.location_id, v.sku, l.name, s.on_hand, s.safety_stock, s.damaged, s.quality_control, s.bin, s.incoming
                  {_LEVELS} ORDER BY 1, 2""",
)  # fmt: skip

#: Units not for sale are never more than there are: safety stock may ask for more, and Shopify knows none.
STOCK_SHOPIFY = SqlSource(
    (
        "Handle", "Title", "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value", "SKU", "HS Code",
        "COO", "Location", "Bin name", "Incoming (not editable)", "Unavailable (not editable)", "Committed (not editable)",
        "Available (not editable)", "On hand (current)", "On hand (new)",
    ),
    keys=2, counted=_LEVELS_THERE,
    statement=f"""SELECT s.variant_id, s.location_id, p.handle, p.title, o.names[1], o.words[1], o.names[2], o.words[2], o.names[3], o.words[3],
                         v.sku, v.hs_code, v.origin_country, l.name, s.bin, s.incoming,
                         least(s.on_hand, s.damaged + s.quality_control + s.safety_stock), s.reserved,
                         s.on_hand - s.reserved - least(s.on_hand, s.damaged + s.quality_control + s.safety_stock), s.on_hand, ''
                  {_LEVELS} JOIN inventory_product p ON p.id = v.product_id
                  LEFT JOIN LATERAL (SELECT array_agg(key ORDER BY n) AS names, array_agg(value ORDER BY n) AS words
                                       FROM jsonb_each_text(v.options) WITH ORDINALITY AS t (key, value, n)) o ON true
                  ORDER BY 1, 2""",  # noqa: S608 - our own words
)  # fmt: skip

_UNITS = "FROM inventory_lotlevel ll JOIN inventory_lot lot ON lot.id = ll.lot_id"

LOTS = SqlSource(
    ("sku", "lot", "expires_on", "location", "quantity"), keys=3,
    counted=f"SELECT count(*) {_UNITS} WHERE ll.on_hand > 0",
    statement=f"""SELECT lot.variant_id, lot.id, ll.location_id, v.sku, lot.code, to_char(lot.expires_on, 'YYYY-MM-DD'), l.name, ll.on_hand
                  {_UNITS} JOIN inventory_variant v ON v.id = lot.variant_id JOIN inventory_location l ON l.id = ll.location_id
                  WHERE (lot.variant_id, lot.id, ll.location_id) > (%s, %s, %s) AND ll.on_hand > 0 ORDER BY 1, 2, 3 LIMIT %s""",
)  # fmt: skip

SERIALS = SqlSource(
    ("sku", "serial", "location", "lot"), keys=2,
    counted="SELECT count(*) FROM inventory_serialnumber WHERE state = 'in_stock'",
    statement="""SELECT u.variant_id, u.id, v.sku, u.serial, l.name, ''
                   FROM inventory_serialnumber u JOIN inventory_variant v ON v.id = u.variant_id JOIN inventory_location l ON l.id = u.location_id
                  WHERE (u.variant_id, u.id) > (%s, %s) AND u.state = 'in_stock' ORDER BY 1, 2 LIMIT %s""",
)  # fmt: skip

BUNDLES = SqlSource(
    ("bundle_sku", "component_sku", "quantity"), keys=2, counted="SELECT count(*) FROM inventory_bundlecomponent",
    statement="""SELECT c.bundle_id, c.id, b.sku, v.sku, c.quantity
                   FROM inventory_bundlecomponent c JOIN inventory_variant b ON b.id = c.bundle_id JOIN inventory_variant v ON v.id = c.component_id
                  WHERE (c.bundle_id, c.id) > (%s, %s) ORDER BY 1, 2 LIMIT %s""",
)  # fmt: skip

POLICIES = SqlSource(
    ("sku", "location", "reorder_point", "order_up_to"), keys=1, counted="SELECT count(*) FROM inventory_reorderpolicy",
    statement="""SELECT r.id, v.sku, coalesce(l.code, ''), r.reorder_point, r.order_up_to
                   FROM inventory_reorderpolicy r JOIN inventory_variant v ON v.id = r.variant_id LEFT JOIN inventory_location l ON l.id = r.location_id
                  WHERE r.id > %s ORDER BY 1 LIMIT %s""",
)  # fmt: skip

RULES = RowSource(
    ("channel", "scope", "target", "buffer", "value", "pool", "maximum", "budget", "budget_until", "never", "active", "note"),
    lambda: AvailabilityRule.objects.select_related("channel", "variant", "pool"), rule_cells,
)  # fmt: skip

# ---- documents -------------------------------------------------------------------------------------------------------


def _purchase_cells(line: PurchaseLine, first: bool) -> Cells:
    order = line.order
    return (
        order.number, order.supplier.code, order.location.name, order.expected_on.isoformat() if order.expected_on else "",
        order.note if first else "", order.state, line.variant.sku, line.ordered, plain(line.unit_cost), order.currency, line.received,
    )  # fmt: skip


PURCHASES = LineSource(
    ("number", "supplier", "location", "expected_on", "note", "state", "sku", "quantity", "unit_cost", "currency", "received"),
    lambda: PurchaseLine.objects.select_related("order__supplier", "order__location", "variant").filter(
        order__state__in=[PurchaseState.DRAFT, *OPEN_STATES]
    ),
    "order_id", _purchase_cells,
)  # fmt: skip


def _transfer_cells(line: TransferLine, _first: bool) -> Cells:
    transfer = line.transfer
    return transfer.origin.name, transfer.destination.name, line.variant.sku, line.quantity, transfer.number


TRANSFERS = LineSource(
    ("origin", "destination", "sku", "quantity", "reference"),
    lambda: TransferLine.objects.select_related("transfer__origin", "transfer__destination", "variant").exclude(
        transfer__state__in=CLOSED_STATES
    ),
    "transfer_id", _transfer_cells,
)  # fmt: skip


def _count_cells(line: StockCountLine, _first: bool) -> Cells:
    asked_again = line.state in (LineState.RECOUNT, LineState.TO_COUNT)
    return (
        line.count.number, line.count.location.name, line.bin, line.variant.sku, line.variant.title, line.variant.barcode,
        line.lot.code if line.lot else "", None if asked_again else line.counted,
    )  # fmt: skip


COUNTS = LineSource(
    ("count", "location", "bin", "sku", "title", "barcode", "lot", "counted"),
    lambda: StockCountLine.objects.select_related("count__location", "variant", "lot").filter(count__state=CountState.OPEN),
    "count_id", _count_cells,
)  # fmt: skip

_SELLS = "FROM purchasing_supplier s LEFT JOIN purchasing_supplieritem i ON i.supplier_id = s.id"

SUPPLIERS = SqlSource(
    (
        "Supplier code", "Supplier", "E-mail", "Currency", "Language", "Supplier's lead time (days)", "Spread (days)", "Minimum order",
        "Payment terms", "SKU", "Supplier SKU", "Pack size", "Minimum quantity", "Price", "Preferred", "Lead time (days)",
    ),
    keys=2,
    counted=f"SELECT count(*) {_SELLS}",
    statement=f"""SELECT s.id, coalesce(i.id, 0), s.code, s.name, s.email, s.currency, s.language, s.lead_time_days, trim_scale(s.lead_time_spread),
                         trim_scale(s.minimum_order), s.payment_terms, v.sku, i.sku, i.pack_size, i.minimum_quantity, trim_scale(i.price),
                         CASE WHEN i.preferred THEN 'Yes' WHEN i.id IS NOT NULL THEN 'No' END, i.lead_time_days
                  {_SELLS} LEFT JOIN inventory_variant v ON v.id = i.variant_id
                  WHERE (s.id, coalesce(i.id, 0)) > (%s, %s) ORDER BY 1, 2 LIMIT %s""",
)  # fmt: skip
