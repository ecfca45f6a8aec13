"""What purchasing takes and answers over the API."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from ninja import Schema
from pydantic import Field

from api.schemas import Amount, Input, PositiveAmount, text


class SupplierIn(Input):
    name: text(120, 1)
    code: text(20, 1)
    currency: text(3, 3) = Field(description="ISO 4217, of its prices")
    email: text(254) = ""
    language: text(8) = "en"
    lead_time_days: int = Field(7, ge=0, le=730)
    lead_time_spread: Decimal = Field(
        Decimal(0), ge=0, le=730, decimal_places=1, description="standard deviation in days"
    )
    minimum_order: PositiveAmount = Decimal(0)
    payment_terms: text(200) = ""
    city: text(100) = ""
    country: text(2) = ""


class SupplierOut(Schema):
    id: int
    name: str
    code: str
    email: str
    currency: str
    language: str
    lead_time_days: int
    lead_time_spread: Decimal
    minimum_order: Amount | None = Field(description="null for tokens that may not see costs")
    payment_terms: str
    active: bool


class SupplierItemOut(Schema):
    sku: str
    supplier_sku: str
    pack_size: int
    minimum_quantity: int
    price: Amount | None
    preferred: bool
    lead_time_days: int | None


class SupplierFull(SupplierOut):
    items: list[SupplierItemOut] = Field(description="at most 1,000")


class SupplierList(Schema):
    items: list[SupplierOut]
    next: str | None


class PurchaseLineIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=1, le=1_000_000)
    unit_cost: PositiveAmount | None = Field(None, description="absent: the supplier's price")


class PurchaseIn(Input):
    supplier: text(120, 1) = Field(description="code or name")
    location: text(120, 1) = Field(description="where it is delivered: name or code")
    lines: list[PurchaseLineIn] = Field(min_length=1, max_length=1000)
    expected_on: date | None = None
    note: text(4000) = ""


class SendIn(Input):
    mail: bool = Field(True, description="false: only mark it as sent")
    version: int | None = Field(None, description="refuse when it was changed since this version")


class ConfirmLineIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=0, le=1_000_000, description="units that will have come in all")
    expected_on: date | None = None


class ConfirmIn(Input):
    lines: list[ConfirmLineIn] = Field(
        default_factory=list, max_length=1000, description="lines left out are confirmed as ordered"
    )
    reference: text(80) | None = None
    version: int | None = None


class ArrivedIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=1, le=1_000_000, description="all that came, damaged units among them")
    damaged: int = Field(0, ge=0, le=1_000_000)
    lot: text(40) = ""
    expires_on: date | None = None
    serials: list[text(60, 1)] = Field(default_factory=list, max_length=5000)


class ReceiveIn(Input):
    lines: list[ArrivedIn] = Field(min_length=1, max_length=1000)
    reference: text(80) = Field("", description="the delivery note")
    reason: text(200) = Field("", description="needed where more came than was expected")
    version: int | None = None


class PurchaseSummary(Schema):
    id: int
    number: str
    supplier: str
    supplier_code: str
    location: str
    state: str
    awaits_approval: bool
    expected_on: date | None
    supplier_reference: str
    currency: str
    total: Amount | None = Field(description="null for tokens that may not see costs")
    units: int
    received: int
    outstanding: int
    created_at: datetime
    sent_at: datetime | None
    closed_at: datetime | None


class PurchaseLineOut(Schema):
    sku: str
    title: str
    supplier_sku: str
    ordered: int
    confirmed: int | None
    confirmed_on: date | None
    received: int
    damaged: int
    cancelled: int
    outstanding: int
    unit_cost: Amount | None


class PurchaseOut(PurchaseSummary):
    version: int
    lines: list[PurchaseLineOut]


class PurchaseList(Schema):
    items: list[PurchaseSummary]
    next: str | None = Field(description="give it as `cursor` to get the next page; null on the last")
