"""Orders over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from api.idempotency import once
from api.reading import SUMMARY_COLUMNS, detail, summary
from api.schemas import AddressIn, Amount, Moment, OrderIn, OrderList, OrderOut, Problem
from core.actors import Actor
from core.addresses import Address
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from core.search import search
from fulfillment.models import FulfillmentOrder
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder, NewPayment, check_request
from orders.models import Channel, Order
from orders.operations.notes import clean_tags
from orders.queries import late, with_sku
from orders.states import Delivery, Fulfillment, Lifecycle, Payment, Returning

router = Router(tags=["Orders"])
NEWEST_FIRST = Keyset(("placed_at", "id"), desc=True)


class OrderFilters(Schema):
    """Every filter narrows the list; words of `q` are looked for as in the dashboard."""

    q: str = Field("", max_length=200, description="number, name, e-mail, SKU or tracking number")
    lifecycle: Lifecycle | None = None
    payment: Payment | None = None
    fulfillment: Fulfillment | None = None
    delivery: Delivery | None = None
    returning: Returning | None = None
    channel: str = Field("", max_length=80, description="name of the channel")
    external_id: str = Field("", max_length=120)
    location: str = Field("", max_length=120, description="name of a location that ships some of it")
    sku: str = Field("", max_length=64)
    country: str = Field("", max_length=2)
    tag: str = Field("", max_length=40)
    on_hold: bool | None = None
    backordered: bool | None = None
    needs_routing: bool | None = None
    late: bool = False
    placed_from: Moment | None = None
    placed_to: Moment | None = Field(None, description="exclusive")
    total_from: Amount | None = None
    total_to: Amount | None = None


_COLUMNS = {
    "lifecycle": "lifecycle", "payment": "payment", "fulfillment": "fulfillment", "delivery": "delivery", "returning": "returning",
    "external_id": "external_id", "country": "ship_country", "on_hold": "on_hold", "backordered": "backordered",
    "needs_routing": "needs_routing", "placed_from": "placed_at__gte", "placed_to": "placed_at__lt", "total_from": "total__gte",
    "total_to": "total__lte",
}  # fmt: skip


def filtered(filters: OrderFilters, *, now: datetime) -> QuerySet[Order]:
    """The orders that pass every filter given."""
    orders = Order.objects.select_related("channel").only(*SUMMARY_COLUMNS, "channel__name")
    given = {lookup: value for name, lookup in _COLUMNS.items() if (value := getattr(filters, name)) not in (None, "")}
    for word in ("q", "channel", "external_id", "location", "sku", "country", "tag"):
        if "\x00" in getattr(filters, word):
            raise Invalid("bad_filter", "NUL characters are never stored.", field=word)
    orders = orders.filter(**given)
    if filters.channel:
        orders = orders.filter(
            channel_id__in=list(Channel.objects.filter(name=filters.channel).values_list("pk", flat=True))
        )
    if filters.tag:
        orders = orders.exclude(tags=[]).filter(tags__contains=[filters.tag])
    if filters.sku:
        orders = with_sku(orders, filters.sku)
    if filters.location:
        here = FulfillmentOrder.objects.filter(order=OuterRef("pk"), location__name=filters.location).exclude(
            state="cancelled"
        )
        orders = orders.filter(Exists(here))
    if filters.late:
        orders = orders.filter(late(now))
    return search(orders, filters.q) if filters.q else orders


@router.get("/orders", response={200: OrderList, 422: Problem}, summary="List orders, newest first")
def list_orders(
    request: HttpRequest,
    filters: Query[OrderFilters],
    limit: int = Query(50, ge=1, le=250),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "orders.view")  # type: ignore[attr-defined]
    page = NEWEST_FIRST.page(filtered(filters, now=timezone.now()), size=limit, after=cursor or None)
    return {"items": [summary(order) for order in page.rows], "next": page.next}


@router.get(
    "/orders/{order_id}", response={200: OrderOut, 404: Problem}, summary="One order with lines, parcels and receipts"
)
def get_order(request: HttpRequest, order_id: int) -> HttpResponse:
    require_permission(request.api_token, "orders.view")  # type: ignore[attr-defined]
    return JsonResponse(_find(order_id))


@router.post("/orders", response={201: OrderOut, 200: OrderOut, 409: Problem, 422: Problem}, summary="Place an order")
def create_order(request: HttpRequest, data: OrderIn) -> HttpResponse:
    """Written, routed and reserved in one step. The same channel and external id again answers 200 with the order that exists.

    Send an `Idempotency-Key` to get the very same answer for a request that is repeated.
    """
    require_permission(request.api_token, "orders.create")  # type: ignore[attr-defined]
    actor, now = Actor.token(request.api_token), timezone.now()  # type: ignore[attr-defined]

    def act() -> tuple[int, dict[str, Any]]:
        channel = Channel.objects.filter(name=data.channel, active=True).first()
        if channel is None:
            raise Invalid("no_such_channel", f"There is no channel “{data.channel}”.", field="channel")
        placed = place_order(as_request(data, channel), channel=channel, actor=actor, now=now)
        return (201 if placed.created else 200), _find(placed.order_id)

    status, body = once(request, act)
    return JsonResponse(body, status=status)


def as_request(data: OrderIn, channel: Channel) -> NewOrder:
    """The body as the request that orchestration takes."""
    lines = tuple(
        NewLine(line.sku, line.quantity, line.unit_price, line.title, line.discount, line.tax) for line in data.lines
    )
    request = NewOrder(
        channel_id=channel.pk,
        external_id=data.external_id,
        number=data.number,
        placed_at=data.placed_at,
        currency=data.currency,
        lines=lines,
        email=data.customer.email,
        customer_name=data.customer.name,
        phone=data.customer.phone,
        language=data.customer.language,
        shipping_address=_address(data.shipping_address),
        billing_address=_address(data.billing_address),
        shipping_method=data.shipping_method,
        discount_total=data.discount_total,
        shipping_total=data.shipping_total,
        tax_total=data.tax_total,
        tax_included=data.tax_included,
        tags=tuple(clean_tags(data.tags)),
        note=data.note,
        on_shortage=data.on_shortage,
    )
    return _paid(request) if data.paid else request


def _paid(request: NewOrder) -> NewOrder:
    total = check_request(request).total
    return replace(request, payments=(NewPayment(total, method="channel"),)) if total > Decimal(0) else request


def _address(data: AddressIn) -> Address:
    return Address(**data.model_dump())


def _find(order_id: int) -> dict[str, Any]:
    order = detail(order_id) if 0 < order_id < 2**63 else None
    if order is None:
        raise NotFound("no_such_order", "There is no such order.", field="order_id")
    return order
