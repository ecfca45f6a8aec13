"""Merging work orders into one parcel, and splitting them, over the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from api.schemas import Input, Moment, Problem, text
from core.actors import Actor
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from fulfillment.members import members_of
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.consolidating import ship_separately, ship_together
from fulfillment.operations.splitting import join_work, split_work
from inventory.models import Location

router = Router(tags=["Fulfillment"])
_PROBLEMS = {404: Problem, 409: Problem, 422: Problem}


class MergeIn(Input):
    with_ids: list[int] = Field(
        min_length=1, max_length=20, description="fulfillment orders that travel in the same parcel"
    )


class MemberOut(Schema):
    id: int
    number: str
    order_number: str
    lead: bool = Field(description="its label is on the parcel")


class ParcelOut(Schema):
    members: list[MemberOut]


class UnmergeIn(Input):
    reason: text(200) = ""
    only: bool = Field(False, description="take this one out and leave the others together")


class SeparateOut(Schema):
    numbers: list[str] = Field(description="fulfillment orders that travel by themselves again")


class SplitLineIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=1, le=1_000_000)


class SplitIn(Input):
    lines: list[SplitLineIn] = Field(
        min_length=1, max_length=1000, description="units that become a fulfillment order of their own"
    )
    location: text(120) = Field("", description="name or code of another location that sends them")
    scheduled_for: Moment | None = Field(None, description="not to be picked before")
    reason: text(200) = ""
    version: int | None = Field(None, description="refuse when it was changed since this version")


class JoinIn(Input):
    into: int = Field(description="the fulfillment order of the same order that takes the units")
    reason: text(200) = ""


class WorkOut(Schema):
    id: int
    number: str
    state: str
    location: str
    units: int
    version: int


@router.post(
    "/fulfillment-orders/{fulfillment_order_id}/merge", response={200: ParcelOut, **_PROBLEMS}, summary="Ship fulfillment orders as one parcel"
)  # fmt: skip
def merge(request: HttpRequest, fulfillment_order_id: int, body: MergeIn) -> dict[str, Any]:
    """Open work of one customer, at one location, to one address travels with one label; orders, invoices and returns stay separate."""
    who = _who(request, "fulfillment.pack")
    ids = [fulfillment_order_id, *body.with_ids]
    for pk in ids:
        _known(pk)
    ship_together(fulfillment_order_ids=ids, **who)
    members = [
        {"id": one.pk, "number": one.number, "order_number": one.order_number, "lead": one.pk == one.lead_id}
        for one in members_of([fulfillment_order_id])
    ]
    return {"members": members}


@router.post(
    "/fulfillment-orders/{fulfillment_order_id}/unmerge", response={200: SeparateOut, **_PROBLEMS}, summary="Ship each by itself again"
)  # fmt: skip
def unmerge(request: HttpRequest, fulfillment_order_id: int, body: UnmergeIn) -> dict[str, Any]:
    """Undo a merge until the parcel is packed (409 afterwards). A label that was bought for all is given back."""
    who = _who(request, "fulfillment.pack")
    _known(fulfillment_order_id)
    return {
        "numbers": ship_separately(fulfillment_order_id=fulfillment_order_id, reason=body.reason, only=body.only, **who)
    }


@router.post(
    "/fulfillment-orders/{fulfillment_order_id}/split",
    response={200: WorkOut, **_PROBLEMS},
    summary="Split a fulfillment order",
)
def split(request: HttpRequest, fulfillment_order_id: int, body: SplitIn) -> dict[str, Any]:
    """Units become a fulfillment order of their own, at the same location or another that has them. Bundles stay whole."""
    who = _who(request, "fulfillment.pack")
    _known(fulfillment_order_id)
    if body.location:
        require_permission(request.api_token, "orders.route")  # type: ignore[attr-defined]
    own = split_work(
        fulfillment_order_id=fulfillment_order_id, units=_units(fulfillment_order_id, body.lines),
        location_id=_location(body.location), scheduled_for=body.scheduled_for, reason=body.reason,
        expected_version=body.version, **who,
    )  # fmt: skip
    return _work(own)


@router.post(
    "/fulfillment-orders/{fulfillment_order_id}/join", response={200: WorkOut, **_PROBLEMS}, summary="Put a fulfillment order back into another"
)  # fmt: skip
def join(request: HttpRequest, fulfillment_order_id: int, body: JoinIn) -> dict[str, Any]:
    """Undo a split while neither is begun; the answer is the one that has the units now."""
    who = _who(request, "fulfillment.pack")
    places = set()
    for pk in (fulfillment_order_id, body.into):
        places.add(_known(pk).location_id)
    if len(places) > 1:
        require_permission(request.api_token, "orders.route")  # type: ignore[attr-defined]
    return _work(join_work(fulfillment_order_id=fulfillment_order_id, into_id=body.into, reason=body.reason, **who))


def _who(request: HttpRequest, permission: str) -> dict[str, Any]:
    require_permission(request.api_token, permission)  # type: ignore[attr-defined]
    return {"actor": Actor.token(request.api_token), "now": timezone.now()}  # type: ignore[attr-defined]


def _known(pk: int) -> FulfillmentOrder:
    found = FulfillmentOrder.objects.filter(pk=pk).first() if 0 < pk < 2**63 else None
    if found is None:
        raise NotFound("no_such_fulfillment_order", "There is no such fulfillment order.", field="fulfillment_order_id")
    return found


def _location(name: str) -> int | None:
    if not name:
        return None
    rows = Location.objects.filter(name=name) | Location.objects.filter(code=name)
    pk = rows.values_list("pk", flat=True).first()
    if pk is None:
        raise Invalid("no_such_location", f"There is no location “{name}”.", field="location")
    return pk


def _units(fulfillment_order_id: int, wanted: list[SplitLineIn]) -> dict[int, int]:
    """Fulfillment line id → units; a SKU that stands on two lines is taken from the first that has units left."""
    rows = FulfillmentLine.objects.filter(fulfillment_order=fulfillment_order_id, quantity__gt=0)
    lines = list(rows.order_by("order_line__position").values_list("pk", "order_line__sku", "quantity"))
    chosen: dict[int, int] = {}
    for one in wanted:
        left = one.quantity
        for pk, sku, quantity in lines:
            units = min(left, quantity - chosen.get(pk, 0)) if sku == one.sku else 0
            if units:
                chosen[pk] = chosen.get(pk, 0) + units
                left -= units
        if left:
            raise Invalid("bad_units", f"{one.sku}: {one.quantity - left} units can be split off.", field="lines")
    return chosen


def _work(found: FulfillmentOrder) -> dict[str, Any]:
    return {
        "id": found.pk, "number": found.number, "state": found.state, "location": found.location.name, "units": found.units,
        "version": found.version,
    }  # fmt: skip
