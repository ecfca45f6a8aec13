"""Nonconformances over the API: goods that are set aside, and what becomes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from api.idempotency import once
from api.schemas import Input, Problem, text
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from inventory.codes import variant_of_code
from inventory.models import Location
from quality.models import NonConformance
from quality.operations import open_nonconformance, resolve_nonconformance
from quality.queries import listed_cases
from quality.states import CaseKind, CaseSource, CaseState, Resolution

router = Router(tags=["Nonconformances"])
NEWEST_FIRST = Keyset(("id",), desc=True)


class CaseIn(Input):
    sku: text(64, 1) = Field(description="SKU or barcode")
    location: text(120, 1) = Field(description="name or code of the location")
    kind: CaseKind
    quantity: int = Field(ge=1, le=10_000_000)
    reason: text(80, 1) = Field(
        description="code (or name) of a reason: transit, handling, packaging, defect, expired, inspection, recall, other, or one of your own"
    )
    source: CaseSource = CaseSource.STOCK
    note: text(2000) = ""


class ResolveIn(Input):
    resolution: Resolution
    quantity: int = Field(ge=1, le=10_000_000)
    kind: CaseKind | None = Field(None, description="how the units are set aside then, for `move`")
    note: text(200) = ""


class DecisionOut(Schema):
    resolution: str
    quantity: int
    kind: str
    note: str
    at: datetime


class CaseSummary(Schema):
    id: int
    number: str
    sku: str
    location: str
    state: str
    kind: str
    bucket: str
    quantity: int
    open_quantity: int
    reason: str
    source: str
    created_at: datetime
    resolved_at: datetime | None


class CaseOut(CaseSummary):
    note: str
    photos: int
    decisions: list[DecisionOut]
    parts: list[str] = Field(description="numbers of cases that some of its units were moved to")


class CaseList(Schema):
    items: list[CaseSummary]
    next: str | None


def _allow(request: HttpRequest, permission: str) -> tuple[Actor, datetime]:
    require_permission(request.api_token, permission)  # type: ignore[attr-defined]
    return Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]


def _summary(case: NonConformance) -> dict[str, Any]:
    names = (
        "id",
        "number",
        "state",
        "kind",
        "bucket",
        "quantity",
        "open_quantity",
        "source",
        "created_at",
        "resolved_at",
    )
    return {name: getattr(case, name) for name in names} | {
        "sku": case.variant.sku,
        "location": case.location.name,
        "reason": case.reason.name,
    }


def _detail(case_id: int) -> dict[str, Any]:
    case = listed_cases().filter(pk=case_id).first() if 0 < case_id < 2**63 else None
    if case is None:
        raise NotFound("no_such_case", "There is no such case.", field="case_id")
    decisions = case.decisions.order_by("pk")
    return _summary(case) | {
        "note": case.note,
        "photos": case.photos.count(),
        "decisions": [
            {name: getattr(one, name) for name in ("resolution", "quantity", "kind", "note", "at")} for one in decisions
        ],
        "parts": list(case.parts.order_by("pk").values_list("number", flat=True)),
    }


@router.get(
    "/nonconformances", response={200: CaseList, 422: Problem}, summary="Goods that are set aside, newest first"
)
def list_cases(
    request: HttpRequest,
    state: CaseState | None = None,
    kind: CaseKind | None = None,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description="name or code"),
    limit: int = Query(100, ge=1, le=500),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    _allow(request, "quality.view")
    cases = listed_cases()
    if state:
        cases = cases.filter(state=state)
    if kind:
        cases = cases.filter(kind=kind)
    if sku:
        cases = cases.filter(variant_id=_variant(sku))
    if location:
        cases = cases.filter(location_id=_location(location))
    page = NEWEST_FIRST.page(cases, size=limit, after=cursor or None)
    return {"items": [_summary(case) for case in page.rows], "next": page.next}


@router.post(
    "/nonconformances", response={201: CaseOut, 404: Problem, 409: Problem, 422: Problem}, summary="Set units aside"
)
def open_case(request: HttpRequest, data: CaseIn) -> Status:
    """Set units that are on hand aside. Send an `Idempotency-Key`, so that a repeat is harmless. 409 `stock_is_reserved` when fewer are
    neither promised nor set aside."""
    actor, now = _allow(request, "quality.edit")

    def act() -> tuple[int, dict[str, Any]]:
        case = open_nonconformance(
            variant_id=_variant(data.sku), location_id=_location(data.location), kind=data.kind, quantity=data.quantity,
            reason=data.reason, note=data.note, source=data.source, actor=actor, now=now,
        )  # fmt: skip
        return 201, _detail(case.pk)

    return Status(*once(request, act))


@router.get("/nonconformances/{case_id}", response={200: CaseOut, 404: Problem}, summary="One case")
def get_case(request: HttpRequest, case_id: int) -> dict[str, Any]:
    _allow(request, "quality.view")
    return _detail(case_id)


@router.post(
    "/nonconformances/{case_id}/resolve", response={200: CaseOut, 404: Problem, 409: Problem, 422: Problem}, summary="Decide about units",
)  # fmt: skip
def resolve(request: HttpRequest, case_id: int, data: ResolveIn) -> Status:
    """Back to stock, scrapped, returned to the supplier, or set aside otherwise: some open units or all."""
    actor, now = _allow(request, "quality.edit")

    def act() -> tuple[int, dict[str, Any]]:
        _detail(case_id)
        resolve_nonconformance(
            case_id=case_id, resolution=data.resolution, quantity=data.quantity, kind=data.kind or "", note=data.note, actor=actor, now=now
        )  # fmt: skip
        return 200, _detail(case_id)

    return Status(*once(request, act))


def _variant(code: str) -> int:
    found = variant_of_code(code)
    if found is None:
        raise Invalid("unknown_sku", f"There is no SKU “{code}”.", field="sku")
    return found.pk


def _location(name: str) -> int:
    found = (
        None
        if "\x00" in name
        else Location.objects.filter(Q(name=name) | Q(code=name)).values_list("pk", flat=True).first()
    )
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field="location")
    return found
