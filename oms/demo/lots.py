"""Lots and serial numbers of the demo shop: bars that expire, watches that each have a number; some parcels of both."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from core.addresses import Address
from core.text import search_words
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.packing import pack_scanned
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import Location, LocationKind, Product, SerialNumber, Variant
from inventory.operations.lots import receive_lot, set_expired_aside, set_tracking
from inventory.operations.serials import receive_units, serial_range
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Order

ACTOR = Actor.system("demo")
#: (lot, days until it expires, units)
LOTS = (("B2411-07", -3, 12), ("B2503-11", 12, 40), ("B2507-02", 75, 120), ("B2512-19", 260, 200))
WATCHES = 12
PRICES = {"bar": Decimal("2.90"), "watch": Decimal("249.00")}


def seed_lots(*, now: datetime) -> None:
    """Two products, their units, four orders of them, of which two have left."""
    place = Location.objects.filter(active=True, kind=LocationKind.WAREHOUSE).order_by("rank", "pk").first()
    model = Order.objects.filter(lifecycle="open").order_by("pk").first()
    if place is None or model is None or Product.objects.filter(handle="oat-bar").exists():
        return
    bar = _variant("oat-bar", "Oat and cranberry bar", "OAT-BAR-1", PRICES["bar"], 45, "5901234999001", days=5)
    watch = _variant("trail-watch", "Trail watch with GPS", "TRAIL-WATCH-1", PRICES["watch"], 70, "5901234999018")
    for variant, tracking in ((bar, "lot"), (watch, "serial")):
        set_tracking(variant_id=variant.pk, tracking=tracking, actor=ACTOR, now=now)
    for n, (code, days, units) in enumerate(LOTS):
        receive_lot(
            variant_id=bar.pk, location_id=place.pk, code=code, expires_on=now.date() + timedelta(days=days), units=units,
            key=f"{n:032x}", actor=ACTOR, now=now,
        )  # fmt: skip
    receive_units(
        variant_id=watch.pk, location_id=place.pk, serials=serial_range("TW25-00481", WATCHES), key="f" * 32, actor=ACTOR, now=now
    )  # fmt: skip
    set_expired_aside(actor=ACTOR, now=now)
    _orders(model, bar, watch, now=now)


def _variant(handle: str, title: str, sku: str, price: Decimal, grams: int, barcode: str, *, days: int = 0) -> Variant:
    product = Product.objects.create(handle=handle, title=title, vendor="Northwind", product_type="Provisions")
    return Variant.objects.create(
        product=product, sku=sku, title=title, price=price, weight_grams=grams, barcode=barcode, min_remaining_days=days,
        search_text=search_words(sku, title, barcode),
    )  # fmt: skip


def _orders(model: Order, bar: Variant, watch: Variant, *, now: datetime) -> None:
    requests = [
        NewOrder(
            channel_id=model.channel_id, external_id=f"demo-units-{n}", number=f"NW-U{n}", placed_at=now - timedelta(hours=n + 30),
            currency=model.currency, email=model.email, customer_name=model.customer_name,
            shipping_address=Address.from_json(model.shipping_address),
            lines=(NewLine(sku=bar.sku, quantity=6 * (n + 1), unit_price=bar.price), NewLine(sku=watch.sku, quantity=1, unit_price=watch.price)),
            payments=(NewPayment(bar.price * 6 * (n + 1) + watch.price, "card"),),
        )
        for n in range(4)
    ]  # fmt: skip
    place_orders(requests, actor=ACTOR, now=now)
    works = FulfillmentOrder.objects.filter(order__external_id__startswith="demo-units-", state="open").order_by("pk")
    for work in works[:2]:
        unit = (
            SerialNumber.objects.filter(variant=watch, state="in_stock", location=work.location_id)
            .order_by("pk")
            .first()
        )
        if unit is None:
            continue
        what = {"fulfillment_order_id": work.pk, "actor": ACTOR, "now": now}
        pack_scanned(code=unit.serial, **what)
        ship_fulfillment_order(fast_forward=True, **what)
