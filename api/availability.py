"""What channels are shown, over the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from api.schemas import Problem
from availability.explain import rule_name, sentence
from availability.models import ChannelAvailability
from availability.queries import counted_variants, listed, names_of_locations, receipt_of
from availability.shown import Receipt
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid
from inventory.models import Variant
from orders.models import Channel

router = Router(tags=["Availability"])
IN_ORDER = Keyset(("variant_id", "channel_id"))


class AvailabilityOut(Schema):
    channel: str
    sku: str
    shown: int
    version: int = Field(description="rises with every change; keep the number of the highest")
    published_at: str | None
    available: int
    kept_back: int
    on_budget: int
    reason: str = Field(description="stock, buffer, budget, maximum, never, inactive or sold_out")
    rule: int | None


class AvailabilityList(Schema):
    items: list[AvailabilityOut]
    next: str | None = Field(description="give it as `cursor` to get the next page; null on the last")


class AvailabilityReceipt(Schema):
    channel: str
    sku: str
    shown: int
    oversold: int
    reason: str
    sentence: str
    rule: dict[str, Any] | None
    steps: list[dict[str, Any]]
    published: AvailabilityOut | None = Field(description="what the channel was told last")


@router.get("/availability", response={200: AvailabilityList, 422: Problem}, summary="What channels are shown")
def list_availability(
    request: HttpRequest,
    channel: str = Query("", max_length=80, description="name of the channel"),
    sku: str = Query("", max_length=64),
    limit: int = Query(100, ge=1, le=1000),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "availability.view")  # type: ignore[attr-defined]
    rows = listed()
    if channel:
        rows = rows.filter(channel_id=_channel(channel))
    if sku:
        rows = rows.filter(variant_id=_variant(sku))
    page = IN_ORDER.page(rows, size=limit, after=cursor or None)
    return {"items": [_row(row) for row in page.rows], "next": page.next}


@router.get(
    "/availability/receipt",
    response={200: AvailabilityReceipt, 422: Problem},
    summary="Why a channel is shown a number",
)
def read_receipt(
    request: HttpRequest,
    channel: str = Query(..., max_length=80, description="name of the channel"),
    sku: str = Query(..., max_length=64),
) -> dict[str, Any]:
    """The number as of now, worked out step by step; `published` is what the channel was told last."""
    require_permission(request.api_token, "availability.view")  # type: ignore[attr-defined]
    channel_id, variant_id = _channel(channel), _variant(sku)
    if not counted_variants().filter(pk=variant_id).exists():
        raise Invalid("not_counted", "This SKU needs no shipping: it has no stock and is never sold out.", field="sku")
    receipt, rule, _inputs = receipt_of(channel_id, variant_id, now=timezone.now())
    skus = dict(Variant.objects.filter(pk__in=_variants_in(receipt)).values_list("pk", "sku"))
    told = listed().filter(channel_id=channel_id, variant_id=variant_id).first()
    return {
        "channel": channel,
        "sku": sku,
        **{name: receipt[name] for name in ("shown", "oversold", "reason")},
        "sentence": sentence(receipt, skus),
        "rule": {"id": rule.pk, "scope": rule.scope, "name": rule_name(rule)} if rule else None,
        "steps": _steps(receipt, skus),
        "published": _row(told) if told else None,
    }


def _channel(name: str) -> int:
    found = None if "\x00" in name else Channel.objects.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_channel", f"There is no channel “{name}”.", field="channel")
    return found


def _variant(sku: str) -> int:
    found = None if "\x00" in sku else Variant.objects.filter(sku=sku).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_sku", f"There is no SKU “{sku}”.", field="sku")
    return found


def _row(row: ChannelAvailability) -> dict[str, Any]:
    return {
        "channel": row.channel.name, "sku": row.variant.sku, "shown": row.shown, "version": row.version,
        "published_at": row.published_at.isoformat() if row.published_at else None, "available": row.available, "kept_back": row.withheld,
        "on_budget": row.extra, "reason": row.reason, "rule": row.rule_id,
    }  # fmt: skip


def _variants_in(receipt: Receipt) -> list[int]:
    return [step["variant"] for step in receipt["steps"] if step["step"] == "pool"]


def _steps(receipt: Receipt, skus: dict[int, str]) -> list[dict[str, Any]]:
    """The steps with names instead of keys."""
    places = names_of_locations(place[0] for step in receipt["steps"] for place in step.get("locations", ()))
    named = []
    for step in receipt["steps"]:
        one = {name: value for name, value in step.items() if name not in ("variant", "locations", "limited_by")}
        if "variant" in step:
            one["sku"] = skus.get(step["variant"], "")
            one["locations"] = [{"location": places.get(pk, ""), "available": units} for pk, units in step["locations"]]
        if "limited_by" in step:
            one["limited_by"] = skus.get(step["limited_by"])
        named.append(one)
    return named
