"""What follows for risk and addresses when orders were placed or changed: safe to run twice."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from core.outbox import own_transactions
from oms.orchestration.screening import screen_orders
from orders.events import OrderChanged, OrdersPlaced


@own_transactions
def screen_new_orders(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """New orders are looked at, the whole batch at once; those that arrived finished are left out."""
    screen_orders(order_ids=event.order_ids, now=now)


@own_transactions
def screen_changed_order(event: OrderChanged, *, actor: Actor, now: datetime) -> None:
    """A changed order costs something else, or goes elsewhere: it is looked at again."""
    screen_orders(order_ids=[event.order_id], now=now)
