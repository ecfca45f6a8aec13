"""A small shop: channel, products, locations, stock and orders, made through the product's own operations."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.actors import Actor
from core.addresses import Address
from inventory.models import Location, Product, StockLevel, Variant
from inventory.operations import Move, apply_moves
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel, Order

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
_serial = itertools.count(1)


def make_channel(**fields: Any) -> Channel:
    n = next(_serial)
    return Channel.objects.create(**{"name": f"Web {n}", "currency": "EUR", "hold_unpaid": False, **fields})


def make_variant(sku: str = "", **fields: Any) -> Variant:
    n = next(_serial)
    sku = sku or f"SKU-{n}"
    product = Product.objects.create(handle=f"product-{n}", title=f"Product {n}")
    return Variant.objects.create(
        product=product,
        sku=sku,
        **{"title": f"Product {n}", "price": Decimal("10"), "weight_grams": 400, "search_text": sku.lower(), **fields},
    )


def make_location(name: str = "", **fields: Any) -> Location:
    n = next(_serial)
    defaults = {"name": name or f"Location {n}", "code": f"L{n}", "country": "PL", "latitude": 52.2, "longitude": 21.0,
                "address": Address(name=name or f"Location {n}", line1="ul. Magazynowa 1", city="Warszawa", postal_code="00-001", country="PL").to_json()}  # fmt: skip
    return Location.objects.create(**{**defaults, **fields})


def give_stock(
    variant: Variant,
    location: Location,
    quantity: int,
    *,
    bucket: str = "on_hand",
    bin: str = "",  # noqa: A002
) -> StockLevel:
    """Put units on the shelf through the ledger."""
    from django.db import transaction

    with transaction.atomic():
        apply_moves(
            [Move(variant.pk, location.pk, bucket, quantity, "received")], cause="test:stock", actor=ACTOR, now=NOW
        )
    if bin:
        StockLevel.objects.filter(variant=variant, location=location).update(bin=bin)
    return StockLevel.objects.get(variant=variant, location=location)


def new_order(
    channel: Channel, lines: list[tuple[str, int]], *, price: str = "10", paid: bool = True, **fields: Any
) -> NewOrder:
    """A request for an order of (SKU, quantity) lines."""
    n = next(_serial)
    new_lines = tuple(NewLine(sku=sku, quantity=quantity, unit_price=Decimal(price)) for sku, quantity in lines)
    total = sum((line.unit_price * line.quantity for line in new_lines), Decimal(0)) + fields.get(
        "shipping_total", Decimal(0)
    )
    defaults: dict[str, Any] = {
        "external_id": f"ext-{n}", "number": f"#{1000 + n}", "placed_at": NOW, "currency": channel.currency, "email": f"buyer{n}@example.com",
        "customer_name": "Zofia Kowalska",
        "shipping_address": Address(name="Zofia Kowalska", line1="ul. Długa 5", city="Kraków", postal_code="30-001", country="PL"),
        "payments": (NewPayment(total, "card"),) if paid and total else (),
    }  # fmt: skip
    return NewOrder(channel_id=channel.pk, lines=new_lines, **{**defaults, **fields})


def make_order(
    channel: Channel | None = None, lines: list[tuple[str, int]] | None = None, *, now: datetime = NOW, **fields: Any
) -> Order:
    """Place an order through the product. Without lines: one unit of a fresh variant that is in stock."""
    channel = channel or make_channel()
    if lines is None:
        variant = make_variant()
        give_stock(variant, Location.objects.first() or make_location(), 5)
        lines = [(variant.sku, 1)]
    placed = place_order(new_order(channel, lines, **fields), actor=ACTOR, now=now)
    return Order.objects.get(pk=placed.order_id)
