"""Two bundles that share a component, and some who bought them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from core.addresses import Address
from core.text import search_words
from inventory.models import Product, Variant
from oms.demo.catalog import SHOPPERS
from oms.orchestration.change_bundle import change_bundle
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel

ACTOR = Actor.system("demo")
#: (handle, title, price in EUR, {SKU of a component: units in one bundle})
BUNDLES = [
    ("camp-kitchen", "Camp kitchen", "139.00", {"CAMP-STOVE-1": 1, "POT-SET-1": 1, "STEEL-BOTTLE-1": 2}),
    ("night-kit", "Night kit", "84.90", {"HEADLAMP-1": 1, "LANTERN-1": 1, "STEEL-BOTTLE-1": 1}),
]
#: (days ago, lines of SKU and quantity)
ORDERS = [
    (4, [("CAMP-KITCHEN", 1)]),
    (2, [("NIGHT-KIT", 2), ("STEEL-BOTTLE-1", 1)]),
    (1, [("CAMP-KITCHEN", 1), ("NIGHT-KIT", 1)]),
    (0, [("CAMP-KITCHEN", 3)]),
]


def seed_bundles(*, now: datetime) -> None:
    """Put the bundles into the catalogue and place a few orders of them in the web store."""
    for handle, title, price, parts in BUNDLES:
        product = Product.objects.create(
            handle=handle, title=title, vendor="Northwind", product_type="Bundles", tags=["bundles"]
        )
        sku = handle.upper()
        bundle = Variant.objects.create(
            product=product, sku=sku, title=title, price=Decimal(price), search_text=search_words(sku, title)
        )
        ids = dict(Variant.objects.filter(sku__in=parts).values_list("sku", "pk"))
        components = {ids[part]: units for part, units in parts.items()}
        change_bundle(variant_id=bundle.pk, components=components, actor=ACTOR, now=now - timedelta(days=5))
    prices = dict(Variant.objects.values_list("sku", "price"))
    channel = Channel.objects.order_by("pk")[0]
    for n, (days, lines) in enumerate(ORDERS):
        moment = now - timedelta(days=days, minutes=7)
        place_orders([_order(n, channel, lines, prices, moment)], actor=ACTOR, now=moment)


def _order(
    n: int, channel: Channel, lines: list[tuple[str, int]], prices: dict[str, Decimal], moment: datetime
) -> NewOrder:
    name, mail, street, city, postal_code = SHOPPERS["PL"][n % len(SHOPPERS["PL"])]
    wanted = tuple(NewLine(sku, quantity, prices[sku]) for sku, quantity in lines)
    total = sum((line.unit_price * line.quantity for line in wanted), Decimal(0))
    return NewOrder(
        channel_id=channel.pk, external_id=f"demo-bundle-{n + 1}", number=f"#B{101 + n}", placed_at=moment, currency=channel.currency,
        lines=wanted, email=f"{mail}@shopper.example", customer_name=name, shipping_method="Standard", payments=(NewPayment(total, "card"),),
        shipping_address=Address(name, "", street, "", city, "", postal_code, "PL", ""), tags=("bundle",),
    )  # fmt: skip
