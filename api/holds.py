"""Holds of orders over the API, and what speaks against an order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from api.idempotency import once
from api.schemas import Input, Moment, Problem, text
from core.actors import Actor
from core.models import User
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from oms.orchestration.hold_order import hold_order, release_hold
from orders.models import Hold, Order
from orders.states import HoldKind
from risk.models import AddressCheck, RiskAssessment
from risk.telling import tell_findings, tell_problems

router = Router(tags=["Holds and risk"])


class HoldIn(Input):
    kind: HoldKind
    reason: text(200) = ""  # type: ignore[valid-type]
    until: Moment | None = Field(None, description="it is released by itself then")
    line_ids: list[int] = Field(
        default_factory=list, max_length=500, description="only these lines wait; empty: the whole order"
    )
    owner: text(150) = Field("", description="user name of the person who sees to it")  # type: ignore[valid-type]


class HoldOut(Schema):
    id: int
    kind: str
    reason: str
    whole: bool = Field(description="false: only `line_ids` wait")
    line_ids: list[int]
    owner: str
    cause: str = Field(description="what placed it, where that was no person: “risk:9”, “address:9”")
    placed_at: datetime
    until: datetime | None
    released_at: datetime | None


class HoldList(Schema):
    items: list[HoldOut]


class FindingOut(Schema):
    kind: str
    score: int
    sentence: str
    values: dict[str, Any]


class AddressProblemOut(Schema):
    field: str
    code: str
    sentence: str


class AddressOut(Schema):
    state: str = Field(description="ok, suggestion or problem")
    undeliverable: bool
    problems: list[AddressProblemOut]
    suggestion: dict[str, str] = Field(description="the address in its right form; empty where it has that")
    settled: str = Field(description="corrected or as_is, once a person has decided")


class RiskOut(Schema):
    order_id: int
    assessed_at: datetime | None = Field(description="null while it was not assessed")
    score: int
    level: str = Field(description="low, review or hold")
    rules_version: int | None
    findings: list[FindingOut]
    decision: str = Field(description="accepted or rejected, once a person has decided")
    decided_at: datetime | None
    address: AddressOut | None


@router.get(
    "/orders/{order_id}/holds", response={200: HoldList, 404: Problem}, summary="Holds of an order, oldest first"
)
def list_holds(request: HttpRequest, order_id: int) -> dict[str, Any]:
    require_permission(request.api_token, "orders.view")  # type: ignore[attr-defined]
    _order(order_id)
    holds = Hold.objects.filter(order_id=order_id).select_related("owner").prefetch_related("lines")
    return {"items": [_told(hold) for hold in holds.order_by("at", "pk")]}


@router.post(
    "/orders/{order_id}/holds",
    response={201: HoldOut, 404: Problem, 409: Problem, 422: Problem},
    summary="Hold an order or some of its lines",
)
def place_hold(request: HttpRequest, order_id: int, data: HoldIn) -> HttpResponse:
    """Send an `Idempotency-Key` to get the very same answer for a request that is repeated."""
    require_permission(request.api_token, "orders.hold")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        _order(order_id)
        owner = User.objects.filter(username=data.owner, is_active=True).first() if data.owner else None
        if data.owner and owner is None:
            raise Invalid("no_such_person", "There is no such person.", field="owner")
        made = hold_order(
            order_id=order_id, kind=data.kind, reason=data.reason, until=data.until, lines=data.line_ids or None, owner=owner, actor=actor,
            now=now,
        )  # fmt: skip
        return 201, _told(made)

    status, body = once(request, act)
    return JsonResponse(body, status=status)


@router.post(
    "/orders/{order_id}/holds/{hold_id}/release",
    response={200: HoldOut, 404: Problem, 409: Problem},
    summary="Release a hold",
)
def release(request: HttpRequest, order_id: int, hold_id: int) -> HttpResponse:
    """What no other hold stops moves on. A hold that was released already is refused with 409."""
    require_permission(request.api_token, "orders.hold")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        if (
            not (0 < hold_id < 2**63 and 0 < order_id < 2**63)
            or not Hold.objects.filter(pk=hold_id, order_id=order_id).exists()
        ):
            raise NotFound("no_such_hold", "There is no such hold.", field="hold_id")
        return 200, _told(release_hold(hold_id=hold_id, actor=actor, now=now))

    status, body = once(request, act)
    return JsonResponse(body, status=status)


@router.get("/orders/{order_id}/risk", response={200: RiskOut, 404: Problem}, summary="What speaks against an order")
def get_risk(request: HttpRequest, order_id: int) -> dict[str, Any]:
    """The score with each finding in a sentence, a person's decision, and what is wrong with the shipping address."""
    require_permission(request.api_token, "risk.view")  # type: ignore[attr-defined]
    _order(order_id)
    found = RiskAssessment.objects.filter(order_id=order_id).first()
    check = AddressCheck.objects.filter(order_id=order_id).first()
    findings = found.findings if found else []
    return {
        "order_id": order_id,
        "assessed_at": found.at if found else None,
        "score": found.score if found else 0,
        "level": found.level if found else "low",
        "rules_version": found.rules_version if found else None,
        "findings": [
            {"kind": one["kind"], "score": one["score"], "values": one["values"], "sentence": told.sentence}
            for one, told in zip(findings, tell_findings(findings), strict=True)
        ],
        "decision": found.decision if found else "",
        "decided_at": found.decided_at if found else None,
        "address": _address(check) if check else None,
    }


def _address(check: AddressCheck) -> dict[str, Any]:
    return {
        "state": check.state,
        "undeliverable": check.undeliverable,
        "problems": [
            {"field": one["field"], "code": one["code"], "sentence": told.sentence}
            for one, told in zip(check.problems, tell_problems(check.problems), strict=True)
        ],
        "suggestion": check.suggestion,
        "settled": check.settled,
    }


def _told(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.pk,
        "kind": str(hold.kind),
        "reason": hold.reason,
        "whole": hold.whole,
        "line_ids": sorted(one.line_id for one in hold.lines.all()),
        "owner": hold.owner.username if hold.owner else "",
        "cause": hold.cause,
        "placed_at": hold.at,
        "until": hold.until,
        "released_at": hold.released_at,
    }


def _order(order_id: int) -> None:
    if not 0 < order_id < 2**63 or not Order.objects.filter(pk=order_id).exists():
        raise NotFound("no_such_order", "There is no such order.", field="order_id")
