"""Work orders, made by placing and routing orders through the product."""

from __future__ import annotations

from typing import Any

from fulfillment.models import FulfillmentOrder
from inventory.models import Location, Variant
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant


def make_work(
    lines: list[tuple[str, int]] | None = None,
    *,
    location: Location | None = None,
    channel: Any = None,
    **order_fields: Any,
) -> FulfillmentOrder:
    """One open work order: an order of (SKU, quantity) lines, all in stock at one location; bins A-1, A-2, … in line order."""
    location = location or Location.objects.order_by("pk").first() or make_location()
    lines = lines or [("", 2), ("", 1)]
    wanted = []
    for position, (sku, quantity) in enumerate(lines, start=1):
        variant = Variant.objects.filter(sku=sku).first() if sku else None
        variant = variant or make_variant(sku)
        give_stock(variant, location, quantity + 3, bin=f"A-{position}")
        wanted.append((variant.sku, quantity))
    order = make_order(channel or make_channel(), wanted, **order_fields)
    return FulfillmentOrder.objects.select_related("order", "location").get(order=order)


def make_works(count: int, **fields: Any) -> list[FulfillmentOrder]:
    """Many of them, of one channel and location."""
    location, channel = make_location(), make_channel()
    return [make_work(location=location, channel=channel, **fields) for _n in range(count)]
