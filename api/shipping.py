"""Fulfillment orders over the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from api.schemas import Problem, ShippedOut
from core.actors import Actor
from core.permissions import require_permission
from core.refusals import NotFound
from fulfillment.operations.shipping import ship_fulfillment_order

router = Router(tags=["Fulfillment"])


@router.post(
    "/fulfillment-orders/{fulfillment_order_id}/ship",
    response={200: ShippedOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Ship a fulfillment order",
)
def ship(
    request: HttpRequest,
    fulfillment_order_id: int,
    version: int | None = Query(None, description="refuse when it was changed since this version"),
) -> dict[str, Any]:
    """Pick, pack and hand over what is still to do, with a label if it has none. Of two who ship at once, one is told who was faster (409)."""
    require_permission(request.api_token, "fulfillment.ship")  # type: ignore[attr-defined]
    if not 0 < fulfillment_order_id < 2**63:
        raise NotFound("no_such_fulfillment_order", "There is no such fulfillment order.", field="fulfillment_order_id")
    shipped = ship_fulfillment_order(
        fulfillment_order_id=fulfillment_order_id,
        actor=Actor.token(request.api_token),  # type: ignore[attr-defined]
        now=timezone.now(),
        expected_version=version,
        fast_forward=True,
    )
    return {
        "id": shipped.fulfillment_order_id,
        "number": shipped.number,
        "state": "shipped",
        "tracking_numbers": list(shipped.tracking_numbers),
    }
