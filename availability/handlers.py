"""What availability does when stock or orders change: leave marks. Each handler is safe to run twice."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from availability.models import AvailabilityRule
from availability.operations.marking import mark_pairs, mark_variants
from core.actors import Actor
from inventory.events import StockChanged
from orders.events import OrderCancelled, OrderChanged, OrdersPlaced
from orders.models import OrderLine


def stock_changed(event: StockChanged, *, actor: Actor, now: datetime) -> None:
    """The numbers of these variants, and of bundles made of them, may be others on every channel."""
    mark_variants({variant_id for variant_id, _location in event.keys}, now=now)


def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """What was back-ordered counts against the oversell budgets of its channel; the ledger says nothing of it."""
    _mark_budgets(OrderLine.objects.filter(order_id__in=event.order_ids, backordered__gt=0), now=now)


def order_cancelled(event: OrderCancelled, *, actor: Actor, now: datetime) -> None:
    """A back-order that was given up gives its part of the budget back."""
    _mark_budgets(OrderLine.objects.filter(order_id=event.order_id, cancelled__gt=0), now=now)


def order_changed(event: OrderChanged, *, actor: Actor, now: datetime) -> None:
    """Units that came to an order, or left it, may have been back-ordered: their part of the budget is another."""
    _mark_budgets(OrderLine.objects.filter(order_id=event.order_id), now=now)


def _mark_budgets(lines: QuerySet[OrderLine], *, now: datetime) -> None:
    """Mark the lines' SKUs, and the bundles as whose components they were sold, where any rule has a budget."""
    if not AvailabilityRule.objects.filter(active=True, budget__gt=0).exists():
        return
    sold = lines.filter(variant__isnull=False).values_list("order__channel_id", "variant_id", "bundle__variant_id")
    pairs = {(channel, pk) for channel, *pks in sold.distinct() for pk in pks if pk is not None}
    mark_pairs(sorted(pairs), now=now)
