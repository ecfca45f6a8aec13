"""Lots and serial numbers over the API: what lies where, receiving them, and who has them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from api.idempotency import once
from api.schemas import Input, Problem, text
from api.stock import find_location, find_sku
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import NotFound
from fulfillment.tracing import parcels_of_lot, parcels_of_serial
from inventory.models import Lot, LotLevel, SerialNumber
from inventory.operations.lots import receive_lot
from inventory.operations.serials import receive_serials, receive_units

router = Router(tags=["Lots and serial numbers"])
IN_ORDER = Keyset(("id",))
NEWEST_FIRST = Keyset(("line__fulfillment_order_id", "id"), desc=True)


class LotAt(Schema):
    location: str
    on_hand: int
    damaged: int
    quality_control: int
    picked: int


class LotOut(Schema):
    id: int
    sku: str
    lot: str
    expires_on: date | None
    levels: list[LotAt]


class LotList(Schema):
    items: list[LotOut]
    next: str | None


class ReceiptIn(Input):
    sku: text(64, 1)
    location: text(120, 1) = Field(description="name or code")
    lot: text(40, 1)
    expires_on: date | None = None
    quantity: int = Field(ge=1, le=1_000_000)
    note: text(200) = ""


class SerialsIn(Input):
    sku: text(64, 1)
    location: text(120, 1) = Field(description="name or code")
    serials: list[text(60, 1)] = Field(min_length=1, max_length=5000)
    on_hand_already: bool = Field(
        False, description="true: register units that are counted here without a serial number"
    )
    note: text(200) = ""


class Registered(Schema):
    sku: str
    location: str
    registered: int


class ParcelOut(Schema):
    order: str
    customer_name: str
    email: str
    phone: str
    work_order: str
    units: int
    shipped_at: datetime | None


class ParcelList(Schema):
    items: list[ParcelOut]
    next: str | None


class UnitParcel(Schema):
    order: str
    work_order: str
    shipped_at: datetime | None
    came_back: bool


class UnitOut(Schema):
    sku: str
    serial: str
    state: str
    location: str | None
    parcels: list[UnitParcel]


class UnitList(Schema):
    items: list[UnitOut]


@router.get("/lots", response={200: LotList, 422: Problem}, summary="Lots with what is on hand of them")
def list_lots(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    lot: str = Query("", max_length=40, description="its code, exactly"),
    expires_before: date | None = Query(None),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "inventory.view")  # type: ignore[attr-defined]
    levels = LotLevel.objects.filter(on_hand__gt=0).select_related("location").order_by("location__name")
    lots = Lot.objects.select_related("variant").prefetch_related(Prefetch("levels", queryset=levels))
    if sku:
        lots = lots.filter(variant_id=find_sku(sku))
    if lot:
        lots = lots.filter(code=lot.replace("\x00", ""))
    if expires_before:
        lots = lots.filter(expires_on__lt=expires_before)
    page = IN_ORDER.page(lots, size=limit, after=cursor or None)
    return {"items": [_lot(one) for one in page.rows], "next": page.next}


@router.get("/lots/{lot_id}/parcels", response={200: ParcelList, 404: Problem}, summary="Who has units of a lot")
def lot_parcels(
    request: HttpRequest,
    lot_id: int,
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    """Parcels with units of a lot and their customers, the newest first: for a recall."""
    require_permission(request.api_token, "customers.view")  # type: ignore[attr-defined]
    require_permission(request.api_token, "orders.view")  # type: ignore[attr-defined]
    if not Lot.objects.filter(pk=min(lot_id, 2**63 - 1)).exists():
        raise NotFound("no_such_lot", "There is no such lot.")
    page = NEWEST_FIRST.page(parcels_of_lot(lot_id), size=limit, after=cursor or None)
    return {"items": [_parcel(row) for row in page.rows], "next": page.next}


@router.post("/lots/receipts", response={200: LotOut, 409: Problem, 422: Problem}, summary="Receive units of a lot")
def receive(request: HttpRequest, data: ReceiptIn) -> Status:
    """Units of a lot came in. Send an `Idempotency-Key`, so that a repeat is harmless."""
    require_permission(request.api_token, "inventory.adjust")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        lot = receive_lot(
            variant_id=find_sku(data.sku), location_id=find_location(data.location), code=data.lot, expires_on=data.expires_on,
            units=data.quantity, note=data.note, key=uuid.uuid4().hex, actor=actor, now=now,
        )  # fmt: skip
        levels = LotLevel.objects.filter(on_hand__gt=0).select_related("location").order_by("location__name")
        found = Lot.objects.select_related("variant").prefetch_related(Prefetch("levels", queryset=levels))
        return 200, _lot(found.get(pk=lot.pk))

    return Status(*once(request, act))


@router.get(
    "/serials/{path:serial}", response={200: UnitList, 404: Problem}, summary="Where a serial number is and was"
)
def find_serial(request: HttpRequest, serial: str, sku: str = Query("", max_length=64)) -> dict[str, Any]:
    """The units of that serial number, one for each SKU that has it, with the parcels they were in."""
    require_permission(request.api_token, "inventory.view")  # type: ignore[attr-defined]
    require_permission(request.api_token, "orders.view")  # type: ignore[attr-defined]
    units = SerialNumber.objects.filter(serial=serial.replace("\x00", "")).select_related("variant", "location")
    if sku:
        units = units.filter(variant__sku=sku.replace("\x00", ""))
    found = list(units.order_by("id")[:50])
    if not found:
        raise NotFound("no_such_serial", "There is no such serial number.")
    return {"items": [_unit(unit) for unit in found]}


@router.post(
    "/serials", response={200: Registered, 409: Problem, 422: Problem}, summary="Receive or register serial numbers"
)
def add_serials(request: HttpRequest, data: SerialsIn) -> Status:
    """Units with serial numbers came in, or units that are on hand get theirs. A serial number that is known is refused by name."""
    require_permission(request.api_token, "inventory.adjust")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        where: dict[str, Any] = {
            "variant_id": find_sku(data.sku), "location_id": find_location(data.location), "serials": data.serials, "actor": actor,
            "now": now,
        }  # fmt: skip
        if data.on_hand_already:
            receive_serials(**where, cause=actor.ref)
        else:
            receive_units(**where, note=data.note, key=uuid.uuid4().hex)
        return 200, {"sku": data.sku, "location": data.location, "registered": len(data.serials)}

    return Status(*once(request, act))


def _lot(lot: Lot) -> dict[str, Any]:
    levels = [
        {"location": level.location.name}
        | {name: getattr(level, name) for name in ("on_hand", "damaged", "quality_control", "picked")}
        for level in lot.levels.all()
    ]
    return {"id": lot.pk, "sku": lot.variant.sku, "lot": lot.code, "expires_on": lot.expires_on, "levels": levels}


def _parcel(row: Any) -> dict[str, Any]:
    order, work = row.line.order_line.order, row.line.fulfillment_order
    return {
        "order": order.number, "customer_name": order.customer_name, "email": order.email, "phone": order.phone,
        "work_order": work.number, "units": row.quantity, "shipped_at": work.shipped_at,
    }  # fmt: skip


def _unit(unit: SerialNumber) -> dict[str, Any]:
    parcels = [
        {
            "order": row.line.order_line.order.number, "work_order": row.line.fulfillment_order.number,
            "shipped_at": row.line.fulfillment_order.shipped_at, "came_back": bool(row.came_back),
        }
        for row in parcels_of_serial(unit.pk)
    ]  # fmt: skip
    return {
        "sku": unit.variant.sku, "serial": unit.serial, "state": unit.state, "location": unit.location.name if unit.location else None,
        "parcels": parcels,
    }  # fmt: skip
