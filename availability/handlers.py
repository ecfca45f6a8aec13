"""What availability does when stock or orders change: leave marks. Each handler is safe to run twice."""

from __future__ import annotations

from datetime import datetime

from availability.models import AvailabilityRule
from availability.operations.marking import mark_pairs, mark_variants
from core.actors import Actor
from inventory.events import StockChanged
from orders.events import OrderCancelled, OrdersPlaced
from orders.models import OrderLine


def stock_changed(event: StockChanged, *, actor: Actor, now: datetime) -> None:
    """The numbers of these variants, and of bundles made of them, may be others on every channel."""
    mark_variants({variant_id for variant_id, _location in event.keys}, now=now)


def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """What was back-ordered counts against the oversell budgets of its channel; the ledger says nothing of it."""
    lines = OrderLine.objects.filter(order_id__in=event.order_ids, backordered__gt=0, variant__isnull=False)
    _mark_budgets(lines, now=now)


def order_cancelled(event: OrderCancelled, *, actor: Actor, now: datetime) -> None:
    """A back-order that was given up gives its part of the budget back."""
    _mark_budgets(OrderLine.objects.filter(order_id=event.order_id, cancelled__gt=0, variant__isnull=False), now=now)


def _mark_budgets(lines: object, *, now: datetime) -> None:
    if AvailabilityRule.objects.filter(active=True, budget__gt=0).exists():
        mark_pairs(lines.values_list("order__channel_id", "variant_id").distinct(), now=now)  # type: ignore[attr-defined]
