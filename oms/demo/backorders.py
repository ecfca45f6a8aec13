"""Delivery dates and back-orders of the demo shop: working days, lanes, a priority customer, goods sold before they are here."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from backorders.operations import recompute
from core.actors import Actor
from core.addresses import Address
from customers.models import Customer
from fulfillment.delivery.changing import add_carrier_holidays, save_lane, set_carrier_days, set_working_days
from fulfillment.delivery.measuring import measure_lanes
from fulfillment.models import Lane
from fulfillment.operations.risk import sweep_risks
from inventory.models import Location, Product, Variant
from inventory.operations.catalog import save_variant
from oms.demo.catalog import SHOPPERS
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel
from purchasing.models import PurchaseLine

ACTOR = Actor.system("demo")
#: (to, least, most) working days from each country that goods leave from.
LANES = (("PL", 1, 2), ("DE", 2, 3), ("GB", 3, 5), ("TR", 4, 7), ("FR", 3, 4), ("IR", 6, 10))


def seed_delivery(*, now: datetime) -> None:
    """Calendars and lanes; before orders are placed, so that these are promised by them."""
    if Lane.objects.exists():
        return
    places = list(Location.objects.filter(active=True).order_by("pk"))
    set_working_days(days={place.pk: [0, 1, 2, 3, 4, 5] for place in places}, actor=ACTOR, now=now)
    set_carrier_days(days={"builtin": ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4])}, actor=ACTOR, now=now)
    year = now.year + (now.month == 12 and now.day > 26)
    holidays = {
        datetime(year, 12, 25, tzinfo=now.tzinfo).date(): "Christmas",
        datetime(year, 12, 26, tzinfo=now.tzinfo).date(): "",
    }
    add_carrier_holidays(carrier="", country="", days=holidays, actor=ACTOR, now=now)
    for origin in sorted({place.country for place in places if place.country}):
        for target, least, most in LANES:
            days = (1, 2) if origin == target else (least + 1, most + 1)
            values = {"from_country": origin, "to_country": target, "min_days": days[0], "max_days": days[1]}
            save_lane(lane_id=None, values=values, actor=ACTOR, now=now)


def seed_backorders(*, now: datetime) -> None:
    """Orders for goods of an open purchase order, and a pre-order; only where nobody has set a release yet."""
    channel = Channel.objects.filter(active=True).order_by("pk").first()
    if channel is None or Variant.objects.filter(released_on__isnull=False).exists():
        return
    jacket = _pre_order(now)
    lines = PurchaseLine.objects.filter(outstanding__gt=0, order__state__in=["sent", "confirmed", "partly_received"])
    line = (
        lines.filter(order__location__ships_online=True)
        .select_related("variant")
        .order_by("-order__expected_on", "pk")
        .first()
    )
    wanted = [(jacket, 2, 40), (jacket, 1, 20)]
    if line is not None:
        there = sum(line.variant.levels.values_list("available", flat=True))
        wanted += [(line.variant, max(1, there) + 2, 30), (line.variant, 3, 18), (line.variant, 1, 6)]
    place_orders([_request(channel, n, *one, now=now) for n, one in enumerate(wanted)], actor=ACTOR, now=now)
    Customer.objects.filter(email=_email("DE", 1)).update(priority=5)
    recompute({variant.pk for variant, _units, _hours in wanted}, now=now)
    measure_lanes(now=now)
    sweep_risks(now=now)


def _pre_order(now: datetime) -> Variant:
    """A jacket that comes out in two weeks, sold already."""
    product = Product.objects.create(
        handle="storm-parka", title="Storm parka", vendor="Northwind", product_type="Clothing", tags=["clothing"]
    )
    values = {"sku": "STORM-PARKA-1", "price": Decimal(249), "cost": Decimal(131), "weight_grams": 1150}
    values |= {"released_on": (now + timedelta(days=14)).date()}
    return save_variant(variant_id=None, product_id=product.pk, values=values, actor=ACTOR, now=now)


def _email(country: str, turn: int) -> str:
    people = SHOPPERS[country]
    return f"{people[turn % len(people)][1]}@example.com"


def _request(channel: Channel, turn: int, variant: Variant, units: int, hours: int, *, now: datetime) -> NewOrder:
    country = ("DE", "PL", "GB", "DE", "FR")[turn % 5]
    people = SHOPPERS[country]
    name, _mail, street, city, postal_code = people[turn % len(people)]
    price = variant.price
    return NewOrder(
        channel_id=channel.pk, external_id=f"demo-wait-{turn}", number="", placed_at=now - timedelta(hours=hours), currency=channel.currency,
        email=_email(country, turn), customer_name=name, language="pl" if country == "PL" else "en",
        shipping_address=Address(name=name, line1=street, city=city, postal_code=postal_code, country=country),
        shipping_method="Standard", lines=(NewLine(sku=variant.sku, quantity=units, unit_price=price),),
        payments=(NewPayment(price * units, "card"),),
    )  # fmt: skip
