"""What promises do when something happened elsewhere: thin handlers, each safe to run twice."""

from __future__ import annotations

from datetime import datetime

from backorders.operations.promising import recompute
from core.actors import Actor
from core.outbox import own_transactions
from inventory.events import StockChanged
from orders.events import OrderCancelled, OrdersPlaced
from orders.models import OrderLine
from purchasing.events import PurchaseDatesChanged
from purchasing.models import PurchaseLine


@own_transactions
def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """Units that were sold before they are here get their day."""
    waiting = OrderLine.objects.filter(order_id__in=event.order_ids, backordered__gt=0, variant__isnull=False)
    recompute(waiting.order_by().values_list("variant_id", flat=True).distinct(), now=now)


@own_transactions
def order_fell_or_rose(event: OrderCancelled, *, actor: Actor, now: datetime) -> None:
    """What nobody waits for any more is there for the next; the same for an order that was changed."""
    lines = OrderLine.objects.filter(order_id=event.order_id, variant__isnull=False)
    recompute(lines.values_list("variant_id", flat=True), now=now)


@own_transactions
def stock_changed(event: StockChanged, *, actor: Actor, now: datetime) -> None:
    """Goods were ordered, sent, received or given: what is on its way has changed with each."""
    recompute({variant_id for variant_id, _location in event.keys}, now=now)


@own_transactions
def purchase_dates_changed(event: PurchaseDatesChanged, *, actor: Actor, now: datetime) -> None:
    """A supplier named another day."""
    lines = PurchaseLine.objects.filter(order_id=event.purchase_id)
    recompute(lines.values_list("variant_id", flat=True), now=now)
