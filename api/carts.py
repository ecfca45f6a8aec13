"""Carts over the API: what can be promised, before anything is placed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field, StringConstraints

from api.schemas import Input, Problem, text
from core.permissions import require_permission
from core.refusals import Invalid
from oms.orchestration.promising import Wish, check_availability
from orders.models import Channel

router = Router(tags=["Stock"])


class CartLineIn(Input):
    sku: text(64, 1)
    quantity: int = Field(ge=1, le=1_000_000)


class CartIn(Input):
    lines: list[CartLineIn] = Field(min_length=1, max_length=500)
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = Field(
        "", description="where it goes, ISO 3166-1 alpha-2; empty while that is not known"
    )
    channel: text(80) = Field("", description="name of the channel; locations that serve others only are left out")


class PromiseOut(Schema):
    sku: str
    quantity: int
    promised: int = Field(description="of this line, with the lines before it served first")
    alone: int = Field(description="of this line, if it were the only one in the cart")
    is_bundle: bool


class CartOut(Schema):
    complete: bool = Field(description="the cart as a whole can be promised")
    together: bool = Field(description="and leaves from one location")
    routable: bool = Field(description="some location may ship there at all")
    lines: list[PromiseOut]


@router.post(
    "/availability/check", response={200: CartOut, 422: Problem}, summary="What can be promised of a cart, as a whole"
)
def check_cart(request: HttpRequest, data: CartIn) -> dict[str, Any]:
    """Nothing is reserved: an order placed with `on_shortage: "refuse"` checks the same under locks.

    Lines are counted together: two bundles that share a component, or a bundle and its component bought singly, are served from
    the same units, in the order of the lines.
    """
    require_permission(request.api_token, "inventory.view")  # type: ignore[attr-defined]
    channel = Channel.objects.filter(name=data.channel, active=True).first() if data.channel else None
    if data.channel and channel is None:
        raise Invalid("no_such_channel", f"There is no channel “{data.channel}”.", field="channel")
    wishes = [Wish(line.sku, line.quantity) for line in data.lines]
    found = check_availability(
        wishes, country=data.country, channel_id=channel.pk if channel else 0, now=timezone.now()
    )
    return asdict(found)
