"""Shapes of the API. Amounts are decimal strings, times are ISO 8601 with an offset."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return text


def text(most: int, least: int = 0) -> Any:
    """A string of a length, without NUL characters (PostgreSQL stores none)."""
    return Annotated[
        str, StringConstraints(min_length=least, max_length=most, strip_whitespace=True), AfterValidator(_printable)
    ]


Amount = Annotated[
    Decimal, Field(max_digits=16, decimal_places=4, allow_inf_nan=False, json_schema_extra={"format": "decimal"})
]
PositiveAmount = Annotated[Amount, Field(ge=0)]


class Input(Schema):
    """A request body: a field that is not known is refused, so that a typing error is not silently dropped."""

    model_config = ConfigDict(extra="forbid")


class AddressIn(Input):
    name: text(200) = ""
    company: text(200) = ""
    line1: text(200) = ""
    line2: text(200) = ""
    city: text(120) = ""
    province: text(120) = ""
    postal_code: text(20) = ""
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = Field("", description="ISO 3166-1 alpha-2")
    phone: text(40) = ""


class CustomerIn(Input):
    email: text(254) = ""
    name: text(200) = ""
    phone: text(40) = ""
    language: text(8) = ""


def _in_utc(moment: datetime) -> datetime:
    """PostgreSQL knows no offsets beyond 15:59, and Python no years beyond 1 and 9999."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


#: A time with an offset, taken to UTC.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class LineIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=1, le=1_000_000)
    unit_price: PositiveAmount
    title: text(255) = ""
    discount: PositiveAmount = Decimal(0)
    tax: PositiveAmount = Decimal(0)


class OrderIn(Input):
    channel: text(80, 1) = Field(description="name of the channel")
    external_id: text(120, 1) = Field(
        description="the channel's own id: with the channel it makes the order arrive once"
    )
    number: text(60) = Field("", description="what people call the order; made up when absent")
    placed_at: Moment
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    customer: CustomerIn = Field(default_factory=CustomerIn)
    shipping_address: AddressIn = Field(default_factory=AddressIn)
    billing_address: AddressIn = Field(default_factory=AddressIn)
    shipping_method: text(80) = ""
    lines: list[LineIn] = Field(min_length=1, max_length=500)
    discount_total: PositiveAmount = Decimal(0)
    shipping_total: PositiveAmount = Decimal(0)
    tax_total: PositiveAmount = Decimal(0)
    tax_included: bool = False
    paid: bool = Field(False, description="the whole total was captured by the channel")
    tags: list[text(40, 1)] = Field(default_factory=list, max_length=20)
    note: text(4000) = ""
    on_shortage: Literal["backorder", "refuse"] = Field(
        "backorder",
        description="what cannot be promised now waits, or the whole order is refused (409 `not_enough_stock`, line by line)",
    )


class LineOut(Schema):
    id: int
    bundle_id: int | None = Field(description="the bundle whose component this is; null for a line sold by itself")
    per_bundle: int | None = Field(description="units in one bundle")
    sku: str
    title: str
    unit_price: Amount
    discount: Amount
    tax: Amount
    ordered: int
    cancelled: int
    backordered: int
    allocated: int
    picked: int
    packed: int
    shipped: int
    delivered: int
    return_requested: int
    returned: int
    refunded: int


class BundleOut(Schema):
    id: int
    sku: str
    title: str
    quantity: int
    unit_price: Amount
    discount: Amount
    tax: Amount
    line_ids: list[int] = Field(description="the lines of its components, which carry its money and its stock")


class OrderSummary(Schema):
    id: int
    number: str
    channel: str
    external_id: str
    placed_at: datetime
    currency: str
    total: Amount
    lifecycle: str
    payment: str
    fulfillment: str
    delivery: str
    returning: str
    on_hold: bool
    backordered: bool
    needs_routing: bool
    customer_name: str
    email: str
    ship_country: str
    tags: list[str]
    ship_by: datetime | None
    expected_from: date | None = Field(
        description="with expected_on the days between which the last parcel should arrive"
    )
    expected_on: date | None
    at_risk: bool = Field(description="may miss the promised day")


class OrderList(Schema):
    items: list[OrderSummary]
    next: str | None = Field(description="give it as `cursor` to get the next page; null on the last")


class FulfillmentLineOut(Schema):
    sku: str
    quantity: int
    picked: int
    packed: int
    shipped: int


class ParcelOut(Schema):
    tracking_number: str
    carrier: str
    service: str
    state: str
    handed_over_at: datetime | None
    delivered_at: datetime | None


class FulfillmentOut(Schema):
    id: int
    number: str
    location: str
    state: str
    ship_by: datetime
    expected_from: date | None
    expected_on: date | None
    shipped_at: datetime | None
    version: int
    lines: list[FulfillmentLineOut]
    parcels: list[ParcelOut]


class ReceiptOut(Schema):
    cause: str
    at: datetime
    rules_version: int
    sentence: str
    receipt: dict[str, Any]


class OrderOut(OrderSummary):
    subtotal: Amount
    discount_total: Amount
    shipping_total: Amount
    tax_total: Amount
    tax_included: bool
    adjustment_total: Amount
    cancelled_total: Amount
    captured_total: Amount
    refunded_total: Amount
    version: int
    shipping_address: dict[str, str]
    billing_address: dict[str, str]
    lines: list[LineOut]
    bundles: list[BundleOut]
    fulfillment_orders: list[FulfillmentOut]
    receipts: list[ReceiptOut]


class StockOut(Schema):
    sku: str
    location: str
    location_code: str
    bin: str
    on_hand: int
    reserved: int
    damaged: int
    quality_control: int
    safety_stock: int
    incoming: int
    available: int


class CountsOut(Schema):
    """The counts of one level, or of several together."""

    on_hand: int
    reserved: int
    damaged: int
    quality_control: int
    safety_stock: int
    incoming: int
    available: int


class ChangeOut(Schema):
    """What one reason did to one bucket in a period."""

    reason: str
    bucket: str
    quantity: int
    movements: int


class StockChanges(Schema):
    """What lies between two moments; `before` plus all changes is `after`."""

    before: CountsOut | None = None
    after: CountsOut | None = None
    changes: list[ChangeOut]


class StockList(Schema):
    items: list[StockOut]
    next: str | None


class AdjustmentIn(Input):
    sku: text(64, 1)
    location: text(120, 1) = Field(description="name or code of the location")
    bucket: text(16) = "on_hand"
    quantity: int | None = Field(None, ge=-100_000_000, le=100_000_000, description="signed change")
    set_to: int | None = Field(None, ge=0, le=100_000_000, description="new count, instead of a change")
    reason: text(12, 1) = "correction"
    note: text(200) = ""


class ShippedOut(Schema):
    id: int
    number: str
    state: str
    tracking_numbers: list[str]


class ProblemError(Schema):
    field: str
    message: str


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemError] = []
