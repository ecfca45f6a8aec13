"""What a reader gives: frozen records in the system's own words, each with the lines of the file it came from.

None in a field means that the file has no such column; an import then leaves what is stored. Empty means that the cell is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from core.addresses import Address

R = TypeVar("R", covariant=True)
#: Columns that a file of refused rows has besides its own; they mean nothing when it is read again.
REASON_COLUMNS = ("Refused on line", "Refused column", "Refused because")
RawRows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """What the file itself does not say: the currency of amounts without one, the zone of times without offset, the decimal mark."""

    currency: str
    zone: ZoneInfo | None = None
    decimal_mark: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed(Generic[R]):
    """A record that could be read, with its lines in the file and their cells as they were."""

    record: R
    line_from: int
    line_to: int
    raw: RawRows


@dataclass(frozen=True, slots=True)
class RowError:
    """Rows that cannot be taken: where, which column, why, and the cells as they were. `reference` names the record, if known."""

    line: int
    line_to: int
    field: str
    message: str
    raw: RawRows
    reference: str = ""


@dataclass(frozen=True, slots=True)
class VariantRecord:
    line: int
    sku: str
    title: str
    options: tuple[tuple[str, str], ...]
    price: Decimal | None
    cost: Decimal | None
    barcode: str | None
    weight_grams: int | None
    hs_code: str | None
    origin_country: str | None
    requires_shipping: bool | None
    tracking: str | None = None  # "none", "lot" or "serial"


@dataclass(frozen=True, slots=True)
class ProductRecord:
    handle: str
    title: str
    vendor: str | None
    product_type: str | None
    tags: tuple[str, ...] | None
    active: bool | None
    variants: tuple[VariantRecord, ...]


@dataclass(frozen=True, slots=True)
class LocationRecord:
    name: str
    code: str | None
    kind: str | None
    address: Address
    latitude: Decimal | None
    longitude: Decimal | None
    time_zone: str | None
    ships_online: bool | None
    offers_pickup: bool | None
    accepts_returns: bool | None
    daily_capacity: int | None
    cutoff: time | None
    rank: int | None
    active: bool | None


@dataclass(frozen=True, slots=True)
class InventoryRecord:
    """What one location holds of one SKU. `on_hand` None: not stocked there. `unavailable`: on hand, but not for sale."""

    sku: str
    location: str
    on_hand: int | None
    unavailable: int | None
    bin: str | None
    hs_code: str | None
    origin_country: str | None


@dataclass(frozen=True, slots=True)
class BundlePart:
    """A component of a bundle and its units in one."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class BundleRecord:
    """A bundle with all that it is made of."""

    sku: str
    parts: tuple[BundlePart, ...]


@dataclass(frozen=True, slots=True)
class StockRecord:
    """The counts of one SKU at one location as a plain file tells them; None leaves what is stored, an empty bin takes it away."""

    sku: str
    location: str
    on_hand: int | None = None
    safety_stock: int | None = None
    damaged: int | None = None
    quality_control: int | None = None
    incoming: int | None = None
    bin: str | None = None


@dataclass(frozen=True, slots=True)
class LotPart:
    """Units of one lot at one location; lot "" are units that came without one. expires_on None: not told."""

    line: int
    lot: str
    expires_on: date | None
    location: str
    quantity: int


@dataclass(frozen=True, slots=True)
class LotRecord:
    """The lots of one SKU."""

    sku: str
    parts: tuple[LotPart, ...]


@dataclass(frozen=True, slots=True)
class SerialRecord:
    """One unit and where it lies."""

    sku: str
    serial: str
    location: str


@dataclass(frozen=True, slots=True)
class PurchaseLineRecord:
    """Units of a SKU to be bought. unit_cost None: the supplier's price."""

    line: int
    sku: str
    quantity: int
    unit_cost: Decimal | None


@dataclass(frozen=True, slots=True)
class PurchaseRecord:
    """One purchase order with all its lines. None in expected_on or note: not told."""

    number: str
    supplier: str
    location: str
    expected_on: date | None
    note: str | None
    parts: tuple[PurchaseLineRecord, ...]


@dataclass(frozen=True, slots=True)
class CountedRecord:
    """A number that somebody has counted in a bin of a stock count; counted None: nobody has yet. lot None: no such column."""

    count: str
    bin: str
    sku: str
    lot: str | None
    counted: int | None


@dataclass(frozen=True, slots=True)
class OrderLineRecord:
    """One line; `shipped` and `cancelled` are units that the file says have left or will never leave."""

    line: int
    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    requires_shipping: bool
    shipped: int
    cancelled: int

    @property
    def open(self) -> int:
        """Units still to be sent."""
        return self.quantity - self.shipped - self.cancelled


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order as its export tells it. total = subtotal − discount + shipping (+ tax unless included) + adjustment."""

    external_id: str
    number: str
    email: str
    phone: str
    customer_name: str
    shipping_address: Address
    billing_address: Address
    shipping_method: str
    currency: str
    placed_at: datetime
    subtotal: Decimal
    discount_total: Decimal
    shipping_total: Decimal
    tax_total: Decimal
    tax_included: bool
    adjustment_total: Decimal
    total: Decimal
    authorized: Decimal
    captured: Decimal
    refunded: Decimal
    voided: bool
    payment_method: str
    payment_reference: str
    paid_at: datetime | None
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    note: str
    tags: tuple[str, ...]
    lines: tuple[OrderLineRecord, ...]

    @property
    def finished(self) -> bool:
        """True when no unit is left to send: it arrives as history and touches no stock."""
        return all(line.open == 0 for line in self.lines)

    @property
    def started(self) -> bool:
        """True when units have left or were cancelled already."""
        return any(line.open < line.quantity for line in self.lines)
