"""Low stock over the API: alerts, what to restock, reorder points."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from api.schemas import Input, Problem, text
from core.actors import Actor
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid
from inventory.models import Location, ReorderPolicy, Variant
from orders.queries import shop_zone
from replenishment.models import Alert
from replenishment.operations import PolicyWish, set_policies
from replenishment.operations.policies import MAX_POINT
from replenishment.queries import listed_alerts, listed_needs, listed_policies
from replenishment.states import AlertKind, AlertState

router = Router(tags=["Replenishment"])
NEWEST_FIRST = Keyset(("opened_at", "id"), desc=True)
IN_ORDER = Keyset(("id",))
_PLACE = "name or code; “total” for what counts all locations together"


class AlertOut(Schema):
    id: int
    sku: str
    title: str
    location: str | None = Field(description="null: the total over all locations")
    state: str
    kind: str = Field(description="low, or out: nothing is available and somebody wants it")
    reorder_point: int
    available_when_opened: int
    available: int
    incoming: int
    opened_at: datetime
    snoozed_until: datetime | None
    snoozed_below: int | None
    resolved_at: datetime | None


class AlertList(Schema):
    items: list[AlertOut]
    next: str | None


class SuggestionOut(Schema):
    sku: str
    title: str
    location: str | None
    available: int
    incoming: int
    back_ordered: int
    reorder_point: int
    order_up_to: int
    daily_demand: float
    on_drafts: int = Field(description="units on purchase orders that are not sent, for the same place")
    quantity: int = Field(description="suggested, less what is on drafts; before packs and minimums")
    supplier: str | None
    pack_size: int | None
    surplus_elsewhere: int | None = Field(description="the most that another location can spare")
    since: datetime


class SuggestionList(Schema):
    items: list[SuggestionOut]
    next: str | None


class PolicyOut(Schema):
    sku: str
    location: str | None
    reorder_point: int
    order_up_to: int
    alert: bool
    source: str
    available: int
    incoming: int
    forecast_reorder_point: int | None
    forecast_order_up_to: int | None
    updated_at: datetime


class PolicyList(Schema):
    items: list[PolicyOut]
    next: str | None


class PolicyIn(Input):
    sku: text(64, 1)
    location: text(120) = Field("", description="name or code; empty: in total")
    reorder_point: int = Field(ge=0, le=MAX_POINT)
    order_up_to: int = Field(ge=0, le=MAX_POINT)
    alert: bool | None = Field(None, description="absent: as it is")


class PoliciesIn(Input):
    items: list[PolicyIn] = Field(min_length=1, max_length=1000)


class RefusedOut(Schema):
    label: str
    reason: str


class PoliciesSet(Schema):
    set: int
    refused: list[RefusedOut]


@router.get("/alerts", response={200: AlertList, 422: Problem}, summary="Low-stock alerts, newest first")
def list_alerts(
    request: HttpRequest,
    state: AlertState | None = None,
    kind: AlertKind | None = None,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description=_PLACE),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "replenishment.view")  # type: ignore[attr-defined]
    alerts = _narrow(listed_alerts(), sku, location, "")
    if state:
        alerts = alerts.filter(state=state)
    if kind:
        alerts = alerts.filter(kind=kind)
    page = NEWEST_FIRST.page(alerts, size=limit, after=cursor or None)
    return {"items": [_alert(alert) for alert in page.rows], "next": page.next}


@router.get("/reorder-suggestions", response={200: SuggestionList, 422: Problem}, summary="What to restock")
def list_suggestions(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description=_PLACE),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    """Everything whose available and incoming units, without those sold already, have fallen to its reorder point."""
    require_permission(request.api_token, "replenishment.view")  # type: ignore[attr-defined]
    today = timezone.now().astimezone(shop_zone()).date()
    needs = _narrow(listed_needs(today=today), sku, location, "policy__")
    page = IN_ORDER.page(needs, size=limit, after=cursor or None)
    return {"items": [_suggestion(need) for need in page.rows], "next": page.next}


@router.get("/reorder-points", response={200: PolicyList, 422: Problem}, summary="Reorder points")
def list_policies(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description=_PLACE),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "replenishment.view")  # type: ignore[attr-defined]
    page = IN_ORDER.page(_narrow(listed_policies(), sku, location, ""), size=limit, after=cursor or None)
    return {"items": [_policy(policy) for policy in page.rows], "next": page.next}


@router.put("/reorder-points", response={200: PoliciesSet, 422: Problem}, summary="Set reorder points")
def put_policies(request: HttpRequest, data: PoliciesIn) -> dict[str, Any]:
    """Set those that are named; others stay as they are. Sending it again changes nothing. Bundles are refused one by one."""
    require_permission(request.api_token, "replenishment.edit")  # type: ignore[attr-defined]
    variants = dict(Variant.objects.filter(sku__in=[item.sku for item in data.items]).values_list("sku", "pk"))
    places = _places([item.location for item in data.items])
    wishes = []
    for n, item in enumerate(data.items):
        if item.sku not in variants:
            raise Invalid("unknown_sku", f"There is no SKU “{item.sku}”.", field=f"items[{n}].sku")
        if item.location and item.location not in places:
            raise Invalid("unknown_location", f"There is no location “{item.location}”.", field=f"items[{n}].location")
        if item.order_up_to < item.reorder_point:
            raise Invalid("bad_policy", "It is below the reorder point.", field=f"items[{n}].order_up_to")
        place = places[item.location] if item.location else None
        wishes.append(PolicyWish(variants[item.sku], place, item.reorder_point, item.order_up_to, item.alert))
    actor = Actor.token(request.api_token)  # type: ignore[attr-defined]
    outcome = set_policies(wishes=wishes, actor=actor, now=timezone.now())
    refused = [{"label": label, "reason": reason} for label, reason in outcome.refused]
    return {"set": len(outcome.done), "refused": refused}


def _places(names: list[str]) -> dict[str, int]:
    """Name or code as written → location; a code counts more than a name."""
    asked = set(names) - {""}
    if not asked:
        return {}
    rows = list(Location.objects.filter(Q(name__in=asked) | Q(code__in=asked)).values_list("pk", "name", "code"))
    return {name: pk for pk, name, _code in rows} | {code: pk for pk, _name, code in rows if code in asked}


def _narrow(queryset: QuerySet[Any], sku: str, location: str, path: str) -> QuerySet[Any]:
    if "\x00" in sku + location:
        raise Invalid("bad_text", "NUL characters stand for nothing.", field="sku" if "\x00" in sku else "location")
    if sku:
        queryset = queryset.filter(**{f"{path}variant__sku": sku})
    if location == "total":
        return queryset.filter(**{f"{path}location__isnull": True})
    if location:
        place = _places([location]).get(location)
        if place is None:
            raise Invalid("unknown_location", f"There is no location “{location}”.", field="location")
        queryset = queryset.filter(**{f"{path}location_id": place})
    return queryset


def _alert(alert: Alert) -> dict[str, Any]:
    names = ("id", "state", "kind", "opened_at", "snoozed_until", "snoozed_below", "resolved_at")
    return {name: getattr(alert, name) for name in names} | {
        "sku": alert.variant.sku,
        "title": alert.variant.title,
        "location": alert.location.name if alert.location else None,
        "reorder_point": alert.threshold,
        "available_when_opened": alert.available,
        "available": alert.available_now,  # type: ignore[attr-defined]
        "incoming": alert.incoming_now,  # type: ignore[attr-defined]
    }


def _suggestion(need: Any) -> dict[str, Any]:
    policy: ReorderPolicy = need.policy
    return {
        "sku": policy.variant.sku,
        "title": policy.variant.title,
        "location": policy.location.name if policy.location else None,
        "available": need.available,
        "incoming": need.incoming,
        "back_ordered": need.waiting,
        "reorder_point": policy.reorder_point,
        "order_up_to": policy.order_up_to,
        "daily_demand": round(need.daily, 4),
        "on_drafts": need.drafted,
        "quantity": max(0, need.quantity - need.drafted),
        "supplier": need.supplier,
        "pack_size": need.pack_size,
        "surplus_elsewhere": need.surplus,
        "since": need.since,
    }


def _policy(policy: Any) -> dict[str, Any]:
    return {
        name: getattr(policy, name) for name in ("reorder_point", "order_up_to", "alert", "source", "updated_at")
    } | {
        "sku": policy.variant.sku,
        "location": policy.location.name if policy.location else None,
        "available": policy.available_now,
        "incoming": policy.incoming_now,
        "forecast_reorder_point": policy.forecast_point,
        "forecast_order_up_to": policy.forecast_up_to,
    }
