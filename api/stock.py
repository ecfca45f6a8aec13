"""Stock over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from api.idempotency import once
from api.schemas import AdjustmentIn, Problem, StockChanges, StockList, StockOut
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid
from inventory.models import Bucket, Location, StockLevel, Variant
from inventory.operations import adjust_stock
from inventory.time_travel import changes_of_period, counts_at, difference

router = Router(tags=["Stock"])
LONGEST_PERIOD = timedelta(days=366)
IN_ORDER = Keyset(("variant_id", "location_id"))


@router.get("/stock", response={200: StockList, 422: Problem}, summary="Stock by SKU and location")
def list_stock(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description="name or code"),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
    at: datetime | None = Query(None, description="counts as they were at this moment (UTC where it names no offset)"),
) -> dict[str, Any]:
    require_permission(request.api_token, "inventory.view")  # type: ignore[attr-defined]
    levels = StockLevel.objects.select_related("variant", "location")
    if sku:
        levels = levels.filter(variant_id=find_sku(sku))
    if location:
        levels = levels.filter(location_id=find_location(location))
    page = IN_ORDER.page(levels, size=limit, after=cursor or None)
    if at is not None:
        _turn_back(page.rows, _moment(at))
    return {"items": [_row(level) for level in page.rows], "next": page.next}


@router.get("/stock/changes", response={200: StockChanges, 422: Problem}, summary="What a period did to stock")
def list_changes(
    request: HttpRequest,
    since: datetime = Query(..., description="after this moment"),
    at: datetime | None = Query(None, description="up to and at this moment; now where it is absent"),
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description="name or code"),
) -> dict[str, Any]:
    """Counts at two moments and the movements between them by reason and bucket, for a SKU, a location, a SKU at a location, or all.

    `before` and `after` are told where a SKU is named.
    """
    require_permission(request.api_token, "inventory.view")  # type: ignore[attr-defined]
    start, end = _moment(since), _moment(at) if at else timezone.now()
    if not timedelta(0) < end - start <= LONGEST_PERIOD:
        raise Invalid(
            "bad_period", f"A period ends after it begins and has {LONGEST_PERIOD.days} days at most.", field="since"
        )
    place = find_location(location) if location else None
    if not sku:
        return {"changes": changes_of_period(start, end, location_id=place)}
    levels = StockLevel.objects.filter(variant_id=find_sku(sku), **({"location_id": place} if place else {}))
    found = difference(list(levels.order_by().values_list("variant_id", "location_id")), start, end)
    return {"before": found.before, "after": found.after, "changes": found.changes}


@router.post("/stock/adjustments", response={200: StockOut, 409: Problem, 422: Problem}, summary="Adjust stock")
def create_adjustment(request: HttpRequest, data: AdjustmentIn) -> Status:
    """Change a count or set it, through the ledger and with a reason. Send an `Idempotency-Key` with a change, so that a repeat is harmless."""
    require_permission(request.api_token, "inventory.adjust")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        level = adjust_stock(
            variant_id=find_sku(data.sku), location_id=find_location(data.location), bucket=data.bucket, quantity=data.quantity,
            set_to=data.set_to, reason=data.reason, note=data.note, actor=actor, now=now,
        )  # fmt: skip
        return 200, _row(level)

    return Status(*once(request, act))


def _turn_back(levels: list[StockLevel], at: datetime) -> None:
    then = counts_at([(level.variant_id, level.location_id) for level in levels], at)
    for level in levels:
        counts = then[level.variant_id, level.location_id]
        for name in (*Bucket.values, "available"):
            setattr(level, name, getattr(counts, name))


def _moment(at: datetime) -> datetime:
    """In UTC. Raises Invalid for a moment that only its offset pushes out of the calendar."""
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise Invalid("bad_moment", "This moment is out of range.", field="at") from None


def find_sku(sku: str) -> int:
    """The variant of a SKU. Raises Invalid at `sku`."""
    found = None if "\x00" in sku else Variant.objects.filter(sku=sku).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_sku", f"There is no SKU “{sku}”.", field="sku")
    return found


def find_location(name: str) -> int:
    """The location of a name or code. Raises Invalid at `location`."""
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
