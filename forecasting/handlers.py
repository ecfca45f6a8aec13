"""Handlers of events: note what of the kept demand no longer holds. The operations make it anew soon after."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from forecasting.operations.demand import mark_orders
from forecasting.operations.stockouts import mark_levels
from inventory.events import StockChanged
from orders.events import OrderCancelled, OrderChanged, OrdersPlaced


def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """New orders are new demand on the days they were placed."""
    mark_orders(event.order_ids)


def order_cancelled(event: OrderCancelled, *, actor: Actor, now: datetime) -> None:
    """Cancelled units are demand no more."""
    mark_orders([event.order_id])


def order_changed(event: OrderChanged, *, actor: Actor, now: datetime) -> None:
    """Other goods or quantities are other demand, on the day on which the order was placed."""
    mark_orders([event.order_id])


def stock_changed(event: StockChanged, *, actor: Actor, now: datetime) -> None:
    """A level that moved may have run out, or come back."""
    mark_levels(event.keys)
