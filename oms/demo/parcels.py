"""Orders of the demo shop that could travel together, that do, and one that is split: something to merge, undo and put back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby

from core.actors import Actor
from core.addresses import Address
from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.consolidating import ship_together
from fulfillment.operations.splitting import split_work
from inventory.models import StockLevel, Variant
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel, Order

ACTOR = Actor.system("demo")
#: Who ordered again within hours, and how often. The first of them travel together already.
AGAIN = (
    ("Zofia Kowalska", "zofia@parcels.example", Address("Zofia Kowalska", "", "ul. Długa 5", "", "Kraków", "", "30-001", "PL"), 3),
    ("Jonas Weber", "jonas@parcels.example", Address("Jonas Weber", "", "Torstraße 99", "", "Berlin", "", "10119", "DE"), 2),
    ("Claire Martin", "claire@parcels.example", Address("Claire Martin", "", "4 rue des Lilas", "", "Lyon", "", "69003", "FR"), 2),
)  # fmt: skip


def seed_parcels(*, now: datetime) -> None:
    """Seven orders of three customers; the first customer's travel as one parcel, the last one's second order is split."""
    channel = Channel.objects.filter(active=True, hold_unpaid=True).order_by("pk").first()
    goods = _plenty()
    if channel is None or len(goods) < 2 or Order.objects.filter(external_id__startswith="demo-parcel-").exists():
        return
    requests = [
        _request(channel, goods, n, times, who, now=now) for n, who in enumerate(AGAIN) for times in range(who[3])
    ]
    place_orders(requests, actor=ACTOR, now=now)
    works = FulfillmentOrder.objects.filter(order__external_id__startswith="demo-parcel-", state="open")
    by_buyer = [
        list(mine)
        for _email, mine in groupby(works.order_by("pk").select_related("order"), lambda one: one.order.email)
    ]
    if not by_buyer:
        return
    with suppress(Refusal):
        ship_together(fulfillment_order_ids=[one.pk for one in by_buyer[0]], actor=ACTOR, now=now)
    last = by_buyer[-1][-1]
    line = last.lines.order_by("pk").first()
    if line is not None and line.quantity > 1:
        split_work(
            fulfillment_order_id=last.pk, units={line.pk: 1}, scheduled_for=now + timedelta(days=6),
            reason="The customer is away until then.", actor=ACTOR, now=now,
        )  # fmt: skip


def _plenty() -> Sequence[Variant]:
    """Goods that one location has plenty of, so that each order goes from there."""
    levels = StockLevel.objects.filter(available__gt=40, variant__tracking="none", location__active=True)
    best = levels.order_by("location__rank", "location_id", "-available").select_related("variant")[:2]
    return [level.variant for level in best]


def _request(
    channel: Channel, goods: Sequence[Variant], n: int, times: int, who: tuple[str, str, Address, int], *, now: datetime
) -> NewOrder:
    name, email, address, _count = who
    lines = (
        NewLine(sku=goods[0].sku, quantity=2, unit_price=goods[0].price),
        *([NewLine(sku=goods[1].sku, quantity=1, unit_price=goods[1].price)] if times % 2 == 0 else []),
    )
    total = sum(line.unit_price * line.quantity for line in lines)
    return NewOrder(
        channel_id=channel.pk, external_id=f"demo-parcel-{n}-{times}", number=f"NW-P{n}{times}",
        placed_at=now - timedelta(hours=5 - times), currency=channel.currency, email=email, customer_name=name,
        shipping_address=address, lines=lines, payments=(NewPayment(total, "card"),),
    )  # fmt: skip
