"""Handlers of events: note which days' figures no longer hold. reports.operations makes them anew soon after."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from orders.events import OrderCancelled, OrderChanged, OrderRateFixed, OrdersPlaced, RefundRecorded
from reports.operations import mark_days_of


def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """New orders change the figures of the days they were placed on."""
    mark_days_of(event.order_ids)


def order_changed(
    event: OrderCancelled | OrderChanged | OrderRateFixed | RefundRecorded, *, actor: Actor, now: datetime
) -> None:
    """A cancellation, a change, a refund or a late exchange rate changes the figures of the day the order was placed on."""
    mark_days_of([event.order_id])
