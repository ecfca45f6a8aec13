"""Orders that were sent, and returns of them, made through the product's own operations."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from core.models import Shop
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.tracking import TrackingUpdate, record_tracking
from inventory.models import Location
from orders.models import Order
from returns.models import Return
from returns.operations import LineRequest, request_return
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

_serial = itertools.count(1)


def make_shop(**fields: Any) -> Shop:
    """The shop's settings: 30 days to return, approved by itself unless told otherwise."""
    defaults = {"name": "Northwind", "support_email": "help@example.com", **fields}
    return Shop.objects.update_or_create(id=1, defaults=defaults)[0]


def sent_order(*quantities: int, delivered_at: datetime | None = None, now: datetime = NOW, **fields: Any) -> Order:
    """An order with a line for each quantity, all of it shipped at `now`, and delivered when a time is given."""
    location = Location.objects.first() or make_location()
    lines = []
    for quantity in quantities or (2,):
        variant = make_variant(f"RET-{next(_serial)}")
        give_stock(variant, location, quantity + 3)
        lines.append((variant.sku, quantity))
    order = make_order(fields.pop("channel", None) or make_channel(), lines, now=now, **fields)
    send(order, now=now)
    if delivered_at is not None:
        deliver(order, at=delivered_at)
    return Order.objects.get(pk=order.pk)


def send(order: Order, *, now: datetime = NOW) -> None:
    """Ship every work order of an order."""
    for pk in FulfillmentOrder.objects.filter(order=order).order_by("pk").values_list("pk", flat=True):
        ship_fulfillment_order(fulfillment_order_id=pk, actor=ACTOR, now=now, fast_forward=True)


def deliver(order: Order, *, at: datetime) -> None:
    """The carrier reports every parcel of an order as delivered."""
    for pk in Shipment.objects.filter(order=order, direction="outbound").order_by("pk").values_list("pk", flat=True):
        record_tracking(shipment_id=pk, updates=[TrackingUpdate("delivered", at)], actor=ACTOR, now=at)


def ask(
    order: Order, *quantities: int, actor: Any = ACTOR, now: datetime = NOW, key: str = "", note: str = ""
) -> Return:
    """Ask for so many units of each line of an order (all that was sent, when left out)."""
    lines = list(order.lines.order_by("position"))
    wanted = quantities or tuple(line.shipped for line in lines)
    return request_return(
        order_id=order.pk,
        lines=[
            LineRequest(line.pk, units, "does_not_fit") for line, units in zip(lines, wanted, strict=False) if units
        ],
        customer_note=note,
        request_key=key or f"test-key-{next(_serial)}",
        actor=actor,
        now=now,
    )
