"""Suppliers and purchase orders over the API. Amounts are shown only to tokens that may see costs."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from api.idempotency import HEADER, once
from api.purchasing_schemas import (
    ConfirmIn,
    PurchaseIn,
    PurchaseList,
    PurchaseOut,
    ReceiveIn,
    SendIn,
    SupplierFull,
    SupplierIn,
    SupplierList,
    SupplierOut,
)
from api.reading import amount_text
from api.schemas import Problem
from core.actors import Actor
from core.addresses import Address
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from inventory.models import Location, Variant
from purchasing.models import PurchaseOrder, Supplier
from purchasing.operations import (
    Arrived,
    Confirmation,
    NewLine,
    confirm_purchase_order,
    create_purchase_order,
    receive_purchase_order,
    save_supplier,
    send_purchase_order,
)
from purchasing.queries import with_lines
from purchasing.states import PurchaseState

router = Router(tags=["Purchasing"])
NEWEST_FIRST = Keyset(("id",), desc=True)
BY_NAME = Keyset(("name", "id"))
_ANSWERS = {404: Problem, 409: Problem, 422: Problem}


# ---- suppliers -------------------------------------------------------------------------------------------------------


@router.get("/suppliers", response={200: SupplierList, 422: Problem}, summary="Suppliers by name")
def list_suppliers(
    request: HttpRequest, limit: int = Query(100, ge=1, le=1000), cursor: str = Query("", max_length=1000)
) -> dict[str, Any]:
    require_permission(request.api_token, "purchasing.view")  # type: ignore[attr-defined]
    page = BY_NAME.page(Supplier.objects.all(), size=limit, after=cursor or None)
    return {"items": [_supplier(row, request) for row in page.rows], "next": page.next}


@router.get(
    "/suppliers/{supplier_id}", response={200: SupplierFull, 404: Problem}, summary="One supplier with what it sells"
)
def get_supplier(request: HttpRequest, supplier_id: int) -> dict[str, Any]:
    require_permission(request.api_token, "purchasing.view")  # type: ignore[attr-defined]
    found = Supplier.objects.filter(pk=_key(supplier_id)).first()
    if found is None:
        raise NotFound("no_such_supplier", "There is no such supplier.", field="supplier_id")
    sees = _sees_costs(request)
    rows = found.items.select_related("variant").order_by("variant__sku")[:1000]
    items = [
        {
            "sku": row.variant.sku, "supplier_sku": row.sku, "pack_size": row.pack_size, "minimum_quantity": row.minimum_quantity,
            "price": amount_text(row.price, found.currency) if sees else None, "preferred": row.preferred, "lead_time_days": row.lead_time_days,
        }
        for row in rows
    ]  # fmt: skip
    return _supplier(found, request) | {"items": items}


@router.post("/suppliers", response={201: SupplierOut, 409: Problem, 422: Problem}, summary="Add a supplier")
def create_supplier(request: HttpRequest, data: SupplierIn) -> Status:
    actor, now = _actor(request, "purchasing.edit"), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        values = data.dict()
        address = Address(city=values.pop("city"), country=values.pop("country").upper())
        made = save_supplier(supplier_id=None, values=values | {"address": address}, actor=actor, now=now)
        return 201, _supplier(made, request)

    return Status(*once(request, act))


# ---- purchase orders -------------------------------------------------------------------------------------------------


@router.get("/purchase-orders", response={200: PurchaseList, 422: Problem}, summary="Purchase orders, newest first")
def list_purchase_orders(
    request: HttpRequest,
    state: PurchaseState | None = None,
    supplier: str = Query("", max_length=120, description="code or name"),
    location: str = Query("", max_length=120, description="name or code"),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "purchasing.view")  # type: ignore[attr-defined]
    found = PurchaseOrder.objects.select_related("supplier", "location")
    if state:
        found = found.filter(state=state)
    if supplier:
        found = found.filter(supplier_id=_supplier_of(supplier))
    if location:
        found = found.filter(location_id=_location(location))
    page = NEWEST_FIRST.page(found, size=limit, after=cursor or None)
    return {"items": [_summary(order, request) for order in page.rows], "next": page.next}


@router.get(
    "/purchase-orders/{purchase_order_id}",
    response={200: PurchaseOut, 404: Problem},
    summary="One order with its lines",
)
def get_purchase_order(request: HttpRequest, purchase_order_id: int) -> dict[str, Any]:
    require_permission(request.api_token, "purchasing.view")  # type: ignore[attr-defined]
    return _full(purchase_order_id, request)


@router.post("/purchase-orders", response={201: PurchaseOut, 409: Problem, 422: Problem}, summary="Create a draft")
def create(request: HttpRequest, data: PurchaseIn) -> Status:
    """A draft: nothing is incoming yet. Send an `Idempotency-Key`, so that a repeat is the same order."""
    actor, now = _actor(request, "purchasing.edit"), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        variants = _variants([line.sku for line in data.lines])
        lines = [NewLine(pk, line.quantity, line.unit_cost) for pk, line in zip(variants, data.lines, strict=True)]
        made = create_purchase_order(
            supplier_id=_supplier_of(data.supplier), location_id=_location(data.location), lines=lines, expected_on=data.expected_on,
            note=data.note, actor=actor, now=now,
        )  # fmt: skip
        return 201, _full(made.pk, request)

    return Status(*once(request, act))


@router.post(
    "/purchase-orders/{purchase_order_id}/send",
    response={200: PurchaseOut, 503: Problem, **_ANSWERS},
    summary="Make it firm",
)
def send(request: HttpRequest, purchase_order_id: int, data: SendIn) -> Status:
    """It is incoming at its destination from now on; with `mail` the supplier gets it as PDF."""
    actor, now = _actor(request, "purchasing.send"), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        send_purchase_order(
            order_id=_key(purchase_order_id), mail=data.mail, version=data.version, actor=actor, now=now
        )
        return 200, _full(purchase_order_id, request)

    return Status(*once(request, act))


@router.post(
    "/purchase-orders/{purchase_order_id}/confirm",
    response={200: PurchaseOut, **_ANSWERS},
    summary="The supplier's answer",
)
def confirm(request: HttpRequest, purchase_order_id: int, data: ConfirmIn) -> Status:
    """Other quantities and dates correct what is incoming."""
    actor, now = _actor(request, "purchasing.edit"), timezone.now()

    def act() -> tuple[int, dict[str, Any]]:
        ids = _lines_of(purchase_order_id, [line.sku for line in data.lines])
        said = [Confirmation(pk, line.quantity, line.expected_on) for pk, line in zip(ids, data.lines, strict=True)]
        confirm_purchase_order(
            order_id=_key(purchase_order_id),
            lines=said,
            reference=data.reference,
            version=data.version,
            actor=actor,
            now=now,
        )
        return 200, _full(purchase_order_id, request)

    return Status(*once(request, act))


@router.post(
    "/purchase-orders/{purchase_order_id}/receive",
    response={200: PurchaseOut, **_ANSWERS},
    summary="Put what came into stock",
)
def receive(request: HttpRequest, purchase_order_id: int, data: ReceiveIn) -> Status:
    """Goods come in parts, so an `Idempotency-Key` is demanded: the same key arrives once. A SKU may stand there once for each lot."""
    actor, now = _actor(request, "purchasing.receive"), timezone.now()
    if not request.headers.get(HEADER, ""):
        raise Invalid("idempotency_key_missing", "Send an Idempotency-Key with a receipt.", field=HEADER)

    def act() -> tuple[int, dict[str, Any]]:
        ids = _lines_of(purchase_order_id, [line.sku for line in data.lines])
        arrived = [
            Arrived(pk, line.quantity, line.damaged, line.lot, line.expires_on, tuple(line.serials))
            for pk, line in zip(ids, data.lines, strict=True)
        ]
        digest = hashlib.sha256(request.headers[HEADER].encode()).hexdigest()[:32]
        receive_purchase_order(
            order_id=_key(purchase_order_id), arrived=arrived, key=f"api:{request.api_token.pk}:{digest}",  # type: ignore[attr-defined]
            reference=data.reference, reason=data.reason, version=data.version, actor=actor, now=now,
        )  # fmt: skip
        return 200, _full(purchase_order_id, request)

    return Status(*once(request, act))


# ---- reading ---------------------------------------------------------------------------------------------------------


def _actor(request: HttpRequest, permission: str) -> Actor:
    require_permission(request.api_token, permission)  # type: ignore[attr-defined]
    return Actor.token(request.api_token)  # type: ignore[attr-defined]


def _sees_costs(request: HttpRequest) -> bool:
    return request.api_token.can("costs.view")  # type: ignore[attr-defined]


def _key(pk: int) -> int:
    if not 0 < pk < 2**63:
        raise NotFound("no_such_thing", "There is no such thing.")
    return pk


def _supplier_of(name: str) -> int:
    known = (
        Supplier.objects.filter(Q(code=name.upper()) | Q(name=name)) if "\x00" not in name else Supplier.objects.none()
    )
    found = known.values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_supplier", f"There is no supplier “{name}”.", field="supplier")
    return found


def _location(name: str) -> int:
    known = Location.objects.filter(Q(name=name) | Q(code=name)) if "\x00" not in name else Location.objects.none()
    found = known.values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field="location")
    return found


def _variants(skus: list[str]) -> list[int]:
    """The variants of the SKUs, in their order. Raises Invalid at the line at fault."""
    known = dict(Variant.objects.filter(sku__in=skus).values_list("sku", "pk"))
    for n, sku in enumerate(skus):
        if sku not in known:
            raise Invalid("unknown_sku", f"There is no SKU “{sku}”.", field=f"lines[{n}].sku")
    return [known[sku] for sku in skus]


def _lines_of(order_id: int, skus: list[str]) -> list[int]:
    """The lines of an order that hold these SKUs, in their order. Raises Invalid at the one at fault, NotFound."""
    if not PurchaseOrder.objects.filter(pk=_key(order_id)).exists():
        raise NotFound("no_such_purchase_order", "There is no such purchase order.", field="purchase_order_id")
    rows = dict(PurchaseOrder.objects.filter(pk=order_id).values_list("lines__variant__sku", "lines__pk"))
    for n, sku in enumerate(skus):
        if sku not in rows:
            raise Invalid("not_on_order", f"“{sku}” is not on this order.", field=f"lines[{n}].sku")
    return [rows[sku] for sku in skus]


def _supplier(supplier: Supplier, request: HttpRequest) -> dict[str, Any]:
    names = (
        "name",
        "code",
        "email",
        "currency",
        "language",
        "lead_time_days",
        "lead_time_spread",
        "payment_terms",
        "active",
    )
    amount = amount_text(supplier.minimum_order, supplier.currency) if _sees_costs(request) else None
    return {name: getattr(supplier, name) for name in names} | {"id": supplier.pk, "minimum_order": amount}


_PLAIN = (
    "number", "state", "awaits_approval", "expected_on", "supplier_reference", "currency", "units", "received", "outstanding", "created_at",
    "sent_at", "closed_at",
)  # fmt: skip


def _summary(order: PurchaseOrder, request: HttpRequest) -> dict[str, Any]:
    return {name: getattr(order, name) for name in _PLAIN} | {
        "id": order.pk,
        "supplier": order.supplier.name,
        "supplier_code": order.supplier.code,
        "location": order.location.name,
        "total": amount_text(order.total, order.currency) if _sees_costs(request) else None,
    }


def _full(order_id: int, request: HttpRequest) -> dict[str, Any]:
    found = with_lines(PurchaseOrder.objects.filter(pk=_key(order_id))).first()
    if found is None:
        raise NotFound("no_such_purchase_order", "There is no such purchase order.", field="purchase_order_id")
    sees, plain = (
        _sees_costs(request),
        ("supplier_sku", "ordered", "confirmed", "confirmed_on", "received", "damaged", "cancelled", "outstanding"),
    )
    lines = [
        {name: getattr(line, name) for name in plain}
        | {
            "sku": line.variant.sku,
            "title": line.variant.title,
            "unit_cost": amount_text(line.unit_cost, found.currency) if sees else None,
        }
        for line in found.lines.all()
    ]
    return _summary(found, request) | {"version": found.version, "lines": lines}
