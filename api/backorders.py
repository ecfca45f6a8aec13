"""What waits for goods over the API: promises, who would get what, and giving it as it was shown."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from api.schemas import Input, Problem, text
from backorders.models import LinePromise, Strategy
from backorders.operations.promising import recompute
from backorders.queries import listed_promises
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import NotFound
from inventory.models import Variant
from oms.orchestration.filling import FillPlan, fill_as_shown, plan_filling

router = Router(tags=["Back-orders"])
IN_ORDER = Keyset(("waiting_since", "id"))


class PartOut(Schema):
    source: str = Field(
        description="purchase_line:<id>, transfer_line:<id>, stock, release, or empty: nothing is on its way"
    )
    number: str = Field(description="of the purchase order or transfer")
    units: int


class PromiseOut(Schema):
    order_id: int
    order: str
    line_id: int
    sku: str
    units: int
    waiting_since: datetime
    promised_on: date | None = Field(
        description="the day on which the last of the units should leave; null: nobody knows"
    )
    first_promised_on: date | None
    late: bool
    told_at: datetime | None = Field(description="when the customer was last mailed about it")
    waits_for: list[PartOut]


class PromiseList(Schema):
    items: list[PromiseOut]
    next: str | None


class ShareOut(Schema):
    order_id: int
    order: str
    waiting: int
    gets: int
    complete: bool


class PlanOut(Schema):
    strategy: str
    units: int
    digest: str = Field(description="names exactly this outcome; give it back to have it done")
    shares: list[ShareOut]


class PlanList(Schema):
    sku: str
    plans: list[PlanOut]


class FillIn(Input):
    sku: text(64, 1)
    strategy: Strategy
    digest: text(64, 1)


class FilledOut(Schema):
    orders: int
    units: int
    missed: list[str] = Field(description="numbers of orders that somebody was faster than")


@router.get("/backorders", response={200: PromiseList, 422: Problem}, summary="Lines that wait for goods, oldest first")
def list_promises(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    order_id: int | None = Query(None, ge=1, le=2**63 - 1),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "backorders.view")  # type: ignore[attr-defined]
    rows = listed_promises()
    if sku:
        rows = rows.filter(line__sku=sku.replace("\x00", ""))
    if order_id:
        rows = rows.filter(order=order_id)
    page = IN_ORDER.page(rows, size=limit, after=cursor or None)
    return {"items": [_promise(row) for row in page.rows], "next": page.next}


@router.get(
    "/backorders/plans", response={200: PlanList, 404: Problem, 422: Problem}, summary="Who would get what of a SKU"
)
def list_plans(request: HttpRequest, sku: str = Query(..., min_length=1, max_length=64)) -> dict[str, Any]:
    """By each order of service, what is here shared out by the rules of routing. Nothing is done."""
    require_permission(request.api_token, "backorders.view")  # type: ignore[attr-defined]
    return {"sku": sku, "plans": [_plan(plan) for plan in plan_filling(_variant(sku), now=timezone.now())]}


@router.post(
    "/backorders/fill",
    response={200: FilledOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Give the goods as a plan showed it",
)
def fill(request: HttpRequest, data: FillIn) -> dict[str, Any]:
    """A plan that would be another one by now is refused (409), so sending it twice gives once."""
    token = request.api_token  # type: ignore[attr-defined]
    require_permission(token, "backorders.fill")
    now, variant_id = timezone.now(), _variant(data.sku)
    filled = fill_as_shown(
        variant_id=variant_id, strategy=data.strategy, digest=data.digest, actor=Actor.token(token), now=now
    )
    recompute([variant_id], now=now)
    return {"orders": filled.orders, "units": filled.units, "missed": filled.missed}


def _variant(sku: str) -> int:
    found = Variant.objects.filter(sku=sku.replace("\x00", "")).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("unknown_sku", _("There is no SKU “{sku}”.").format(sku=sku))
    return found


def _promise(row: LinePromise) -> dict[str, Any]:
    names = ("units", "waiting_since", "promised_on", "first_promised_on", "late", "told_at", "order_id", "line_id")
    parts = [{"source": source, "number": number, "units": units} for source, number, units in row.waits_for]  # type: ignore[attr-defined]
    return {name: getattr(row, name) for name in names} | {
        "order": row.order.number,
        "sku": row.line.sku,
        "waits_for": parts,
    }


def _plan(plan: FillPlan) -> dict[str, Any]:
    shares = [
        {"order_id": s.order_id, "order": s.number, "waiting": s.waiting, "gets": s.gets, "complete": s.complete}
        for s in plan.shares
    ]
    return {"strategy": plan.strategy, "units": plan.units, "digest": plan.digest, "shares": shares}
