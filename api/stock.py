"""Stock over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from api.idempotency import once
from api.schemas import AdjustmentIn, Problem, StockList, StockOut
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid
from inventory.models import Location, StockLevel, Variant
from inventory.operations import adjust_stock

router = Router(tags=["Stock"])
IN_ORDER = Keyset(("variant_id", "location_id"))


@router.get("/stock", response={200: StockList, 422: Problem}, summary="Stock by SKU and location")
def list_stock(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description="name or code"),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "inventory.view")  # type: ignore[attr-defined]
    levels = StockLevel.objects.select_related("variant", "location")
    if sku:
        levels = levels.filter(variant_id=_variant(sku))
    if location:
        levels = levels.filter(location_id=_location(location))
    page = IN_ORDER.page(levels, size=limit, after=cursor or None)
    return {"items": [_row(level) for level in page.rows], "next": page.next}


@router.post("/stock/adjustments", response={200: StockOut, 409: Problem, 422: Problem}, summary="Adjust stock")
def create_adjustment(request: HttpRequest, data: AdjustmentIn) -> Status:
    """Change a count or set it, through the ledger and with a reason. Send an `Idempotency-Key` with a change, so that a repeat is harmless."""
    require_permission(request.api_token, "inventory.adjust")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        level = adjust_stock(
            variant_id=_variant(data.sku), location_id=_location(data.location), bucket=data.bucket, quantity=data.quantity,
            set_to=data.set_to, reason=data.reason, note=data.note, actor=actor, now=now,
        )  # fmt: skip
        return 200, _row(level)

    return Status(*once(request, act))


def _variant(sku: str) -> int:
    found = None if "\x00" in sku else Variant.objects.filter(sku=sku).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_sku", f"There is no SKU “{sku}”.", field="sku")
    return found


def _location(name: str) -> int:
    found = (
        None
        if "\x00" in name
        else Location.objects.filter(Q(name=name) | Q(code=name)).values_list("pk", flat=True).first()
    )
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field="location")
    return found


def _row(level: StockLevel) -> dict[str, Any]:
    counts = ("on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming", "available", "bin")
    return {name: getattr(level, name) for name in counts} | {
        "sku": level.variant.sku,
        "location": level.location.name,
        "location_code": level.location.code,
    }
