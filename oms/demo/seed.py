"""Fill an empty installation with the demo shop."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from core.actors import Actor
from core.addresses import Address
from core.management.commands.load_places import load_places
from core.models import Place, Shop, User
from core.money import quantize
from core.permissions import Role
from core.text import search_words
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.labels import buy_labels
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.tracking import ask_carriers
from inventory.models import Location, Product, StockLevel, Variant
from inventory.operations import Move, apply_moves
from oms.demo.availability import seed_availability
from oms.demo.backorders import seed_backorders, seed_delivery
from oms.demo.bundles import seed_bundles
from oms.demo.catalog import CHANNELS, LOCATIONS, MARKETS, PASSWORD, PRODUCTS, SHOPPERS
from oms.demo.changes import seed_changes
from oms.demo.counts import seed_counts
from oms.demo.drafts import seed_drafts
from oms.demo.forecasting import seed_forecasts
from oms.demo.invoicing import seed_invoicing
from oms.demo.lots import seed_lots
from oms.demo.money import seed_money, seed_rates
from oms.demo.parcels import seed_parcels
from oms.demo.purchasing import seed_purchasing
from oms.demo.replenishment import seed_replenishment
from oms.demo.risk import seed_risk
from oms.demo.transfers import seed_transfers
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel, OrderLine
from reports.operations import mark_every_day, refresh_figures
from returns.operations.asking import LineRequest, request_return
from returns.operations.goods import Received, receive_return

ACTOR = Actor.system("demo")
DAYS = 30
RETURNS = 5
#: Shipped in the demo: work that was due this long ago; what is due since then waits for the person who tries it.
SHIPPED_AFTER = timedelta(hours=5)


def seed_demo(*, orders: int, now: datetime) -> None:
    """Make the demo shop with about `orders` orders of the last month. The same count makes the same shop."""
    if Channel.objects.exists():
        return
    if not Place.objects.exists():
        load_places(smallest=5000)
    chance = random.Random(20261122)  # noqa: S311 - invented goods, not secrets
    Shop.objects.update_or_create(
        id=1, defaults={"name": "Northwind Outdoor", "support_email": "help@northwind.example", "currency": "EUR",
                        "time_zone": "Europe/Warsaw", "order_prefix": "NW-"},
    )  # fmt: skip
    _people()
    channels = [
        Channel.objects.create(
            name=name, kind=kind, currency=currency, time_zone=zone, language=language, hold_unpaid=hold
        )
        for name, kind, currency, zone, language, hold in CHANNELS
    ]
    variants = _products()
    _stock(variants, _locations(), chance, size=orders, now=now - timedelta(days=DAYS + 1))
    seed_rates(now=now)
    _orders(channels, variants, chance, count=orders, now=now)
    seed_bundles(now=now)
    _ship(now=now)
    _returns(now=now)
    seed_changes(now=now)
    seed_transfers(now=now)
    seed_lots(now=now)
    seed_parcels(now=now)
    seed_counts(now=now)
    seed_purchasing(now=now)
    seed_delivery(now=now)
    seed_backorders(now=now)
    seed_invoicing(now=now)
    seed_drafts(now=now)
    seed_risk(now=now)
    seed_money(now=now)
    seed_availability(now=now)
    seed_forecasts(now=now)
    seed_replenishment(now=now)
    mark_every_day()
    while refresh_figures():  # else the charts were empty until the worker has caught up
        pass


def _people() -> None:
    for role in Role:
        if not User.objects.filter(username=role.value).exists():
            User.objects.create_user(
                role.value,
                f"{role.value}@northwind.example",
                PASSWORD,
                role=role.value,
                first_name=str(role.label),
                time_zone="Europe/Warsaw",
            )


def _locations() -> list[Location]:
    return [
        Location.objects.create(
            name=name,
            code=code,
            kind=kind,
            country=country,
            latitude=latitude,
            longitude=longitude,
            time_zone=zone,
            address=address.to_json(),
            **more,
        )
        for name, code, kind, country, latitude, longitude, zone, address, more in LOCATIONS
    ]


def _products() -> list[Variant]:
    variants = []
    for handle, title, kind, option, values, price, grams, hs_code in PRODUCTS:
        product = Product.objects.create(
            handle=handle, title=title, vendor="Northwind", product_type=kind, tags=[kind.lower()]
        )
        for n, value in enumerate(values, 1):
            sku = f"{handle.upper()}-{n}"
            full = title if option == "Title" else f"{title}, {value}"
            barcode = f"59012{len(variants):07d}"
            variants.append(
                Variant(
                    product=product, sku=sku, title=full, options={} if option == "Title" else {option: value}, barcode=barcode + _ean_check(barcode),
                    price=Decimal(price), cost=Decimal(price) * Decimal("0.55"), weight_grams=grams, hs_code=hs_code, origin_country="PL",
                    search_text=search_words(sku, full, kind, barcode),
                )
            )  # fmt: skip
    return Variant.objects.bulk_create(variants)


def _ean_check(digits: str) -> str:
    """Check digit of an EAN-13 (GS1 General Specifications, 7.9)."""
    total = sum(int(digit) * (3 if n % 2 else 1) for n, digit in enumerate(digits))
    return str(-total % 10)


def _stock(
    variants: list[Variant], locations: list[Location], chance: random.Random, *, size: int, now: datetime
) -> None:
    per_level = max(4, size // 20)
    moves, bins = [], []
    for n, variant in enumerate(variants):
        for location in locations:
            if chance.random() < 0.2:
                continue
            moves.append(
                Move(variant.pk, location.pk, "on_hand", chance.randint(per_level // 3, per_level * 2), "received")
            )
            bins.append((variant.pk, location.pk, f"{'ABCDEF'[n % 6]}-{n % 9 + 1:02d}-{chance.randint(1, 6)}"))
            if chance.random() < 0.05:
                moves.append(Move(variant.pk, location.pk, "damaged", 1, "damaged"))
    with transaction.atomic():
        apply_moves(moves, cause="demo:opening-stock", actor=ACTOR, now=now, announce=False)
        levels = {(level.variant_id, level.location_id): level for level in StockLevel.objects.all()}
        for variant_id, location_id, bin_name in bins:
            levels[(variant_id, location_id)].bin = bin_name
        StockLevel.objects.bulk_update(levels.values(), ["bin"])


def _orders(
    channels: list[Channel], variants: list[Variant], chance: random.Random, *, count: int, now: datetime
) -> None:
    moments = sorted(now - timedelta(days=DAYS) * chance.random() ** 1.3 for _ in range(count))
    by_day: dict[object, list[NewOrder]] = {}
    for n, moment in enumerate(moments):
        by_day.setdefault(moment.date(), []).append(
            _order(n, chance.choices(channels, [5, 3, 3, 1, 1])[0], variants, chance, moment)
        )
    for requests in by_day.values():
        place_orders(requests, actor=ACTOR, now=requests[-1].placed_at)


def _order(n: int, channel: Channel, variants: list[Variant], chance: random.Random, moment: datetime) -> NewOrder:
    countries, rate = MARKETS[channel.name]
    country = chance.choice(countries)
    name, mail, street, city, postal_code = chance.choice(SHOPPERS[country])
    lines = tuple(
        NewLine(v.sku, chance.choices([1, 2, 3], [8, 2, 1])[0], quantize(v.price * Decimal(rate), channel.currency))
        for v in chance.sample(variants, chance.choices([1, 2, 3, 4], [5, 3, 2, 1])[0])
    )
    shipping = quantize(Decimal("6.90") * Decimal(rate), channel.currency)
    total = sum((line.unit_price * line.quantity for line in lines), shipping)
    paid = chance.random() < 0.94
    return NewOrder(
        channel_id=channel.pk, external_id=f"demo-{n + 1}", number=f"#{10_001 + n}", placed_at=moment, currency=channel.currency, lines=lines,
        email=f"{mail}{chance.randint(1, 40)}@shopper.example", customer_name=name, shipping_total=shipping,
        shipping_address=Address(name, "", street, "", city, "", postal_code, country, ""), shipping_method=chance.choice(["Standard", "Standard", "Express"]),
        payments=(NewPayment(total, chance.choice(["card", "transfer"])),) if paid else (), tags=("vip",) if chance.random() < 0.06 else (),
        note="Please leave it with the neighbour." if chance.random() < 0.05 else "",
    )  # fmt: skip


def _ship(*, now: datetime) -> None:
    """What was due some days ago has left; its parcels are on their way or there."""
    due = FulfillmentOrder.objects.filter(state="open", ship_by__lt=now - SHIPPED_AFTER).order_by("ship_by", "pk")
    batch = list(due.values_list("pk", "ship_by"))
    for start in range(0, len(batch), 50):
        part = batch[start : start + 50]
        buy_labels(fulfillment_order_ids=[pk for pk, _due in part], actor=ACTOR, now=part[0][1])
        for pk, left in part:
            ship_fulfillment_order(fulfillment_order_id=pk, actor=ACTOR, now=left, fast_forward=True)
    while ask_carriers(actor=ACTOR, now=now):
        pass


def _returns(*, now: datetime) -> None:
    """Some customers send something back; one parcel is there already and waits for inspection."""
    lines = (
        OrderLine.objects.filter(delivered__gt=0, order__delivery="delivered")
        .select_related("order")
        .order_by("-order_id", "position")
    )
    seen: set[int] = set()
    for line in lines[:60]:
        if line.order_id in seen or len(seen) == RETURNS:
            continue
        seen.add(line.order_id)
        reason = ("does_not_fit", "damaged", "changed_mind")[len(seen) % 3]
        request = request_return(
            order_id=line.order_id, lines=[LineRequest(line.pk, 1, reason)], customer_note="", request_key=f"demo-return-{line.pk:010d}",
            actor=Actor.customer(line.order.email), now=now,
        )  # fmt: skip
        if len(seen) == RETURNS and request.state == "approved":
            received = [Received(item.pk, item.quantity) for item in request.lines.all()]
            receive_return(return_id=request.pk, lines=received, location_id=request.location_id, actor=ACTOR, now=now)
