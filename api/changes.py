"""Change orders over the API: see what a change does, submit it, read what was changed."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import AwareDatetime, Field

from api.idempotency import HEADER, once
from api.problems import problem
from api.schemas import Amount, Input, Problem, text
from core.actors import Actor
from core.permissions import require_permission
from core.refusals import NotFound
from oms.orchestration.changing import EffectMoved, parse_changes, preview_change, submit_change
from oms.orchestration.changing.changes import KINDS
from oms.orchestration.changing.effect import Effect
from orders.models import ChangeOrder, Order

router = Router(tags=["Orders"])

_CHANGES = Field(
    min_length=1,
    max_length=200,
    description="made in this order; each has a `kind` ("
    + ", ".join(KINDS)
    + ") and its fields. `line` names a line by its id, a whole bundle as `bundle-<id>`, or as `new-<n>` the n-th line that an earlier "
    "change of the same request added, swapped in or split off",
)


class PreviewIn(Input):
    """What is to be changed."""

    changes: list[dict[str, Any]] = _CHANGES
    version: int | None = Field(None, description="refuse when the order was changed since this version")


class ChangeIn(Input):
    """What is to be changed, as it was previewed."""

    changes: list[dict[str, Any]] = _CHANGES
    version: int = Field(description="of the order as the preview showed it; a later one is refused")
    digest: text(32) = Field("", description="of the effect that the preview showed; another effect is refused")
    reason: text(200) = ""


class RefusedOut(Schema):
    index: int = Field(description="of the change, from 0")
    code: str
    message: str
    field: str


class PreviewOut(Schema):
    """What the changes would do now. Nothing was changed."""

    version: int
    digest: str
    refused: list[RefusedOut] = Field(description="changes that cannot be made; the effect is that of the others")
    effect: dict[str, Any] = Field(
        description="money, lines, stock by SKU and location, work orders, dates: before and after"
    )


class ChangeOut(Schema):
    """A change as it was submitted."""

    id: int
    number: int = Field(description="the order's first change is 1")
    reason: str
    actor: str
    at: AwareDatetime
    total_before: Amount
    total_after: Amount
    changes: list[dict[str, Any]]
    effect: dict[str, Any]


class ChangeList(Schema):
    items: list[ChangeOut]


@router.get(
    "/orders/{order_id}/changes", response={200: ChangeList, 404: Problem}, summary="What was changed of an order"
)
def list_changes(request: HttpRequest, order_id: int, limit: int = Query(50, ge=1, le=250)) -> dict[str, Any]:
    require_permission(request.api_token, "orders.view")  # type: ignore[attr-defined]
    _exists(order_id)
    return {"items": [_out(one) for one in ChangeOrder.objects.filter(order_id=order_id).order_by("-position")[:limit]]}


@router.post(
    "/orders/{order_id}/changes/preview",
    response={200: PreviewOut, 404: Problem, 409: Problem, 422: Problem},
    summary="See what a change would do, without doing it",
)
def preview(request: HttpRequest, order_id: int, data: PreviewIn) -> dict[str, Any]:
    require_permission(request.api_token, "orders.change")  # type: ignore[attr-defined]
    _exists(order_id)
    actor = Actor.token(request.api_token)  # type: ignore[attr-defined]
    found = preview_change(
        order_id=order_id, changes=parse_changes(data.changes), version=data.version, actor=actor, now=timezone.now()
    )
    return _shown(found.version, found.effect) | {
        "refused": [
            {"index": one.index, "code": one.code, "message": one.message, "field": one.field} for one in found.refused
        ]
    }


@router.post(
    "/orders/{order_id}/changes",
    response={201: ChangeOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Change an order",
)
def change(request: HttpRequest, order_id: int, data: ChangeIn) -> JsonResponse:
    """All of it or nothing, in one step. Send an `Idempotency-Key`: the same key again answers the change that it made.

    409 `order_changed`: somebody changed the order since that version. 409 `effect_moved`: stock or work moved since the preview;
    the problem has the effect and the digest as they would be now.
    """
    require_permission(request.api_token, "orders.change")  # type: ignore[attr-defined]
    _exists(order_id)
    token, now = request.api_token, timezone.now()  # type: ignore[attr-defined]
    key = (
        f"api:{token.pk}:{uuid.uuid5(uuid.NAMESPACE_OID, request.headers[HEADER])}"
        if request.headers.get(HEADER)
        else f"api:{uuid.uuid4()}"
    )

    def act() -> tuple[int, dict[str, Any]]:
        made = submit_change(
            order_id=order_id, changes=parse_changes(data.changes), version=data.version, digest=data.digest, key=key,
            reason=data.reason, actor=Actor.token(token), now=now,
        )  # fmt: skip
        return 201, _out(made)

    try:
        status, body = once(request, act)
    except EffectMoved as moved:
        return problem(409, moved.code, moved.message, digest=moved.effect.digest(), effect=moved.effect.to_json())
    return JsonResponse(body, status=status)


def _exists(order_id: int) -> None:
    if not 0 < order_id < 2**63 or not Order.objects.filter(pk=order_id).exists():
        raise NotFound("no_such_order", "There is no such order.", field="order_id")


def _shown(version: int, effect: Effect) -> dict[str, Any]:
    return {"version": version, "digest": effect.digest(), "effect": effect.to_json()}


def _out(change: ChangeOrder) -> dict[str, Any]:
    return {
        "id": change.pk, "number": change.position, "reason": change.reason, "actor": change.actor_label, "at": change.at,
        "total_before": change.total_before, "total_after": change.total_after, "changes": change.changes, "effect": change.effect,
    }  # fmt: skip
