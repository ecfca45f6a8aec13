"""What replenishment does when something happened elsewhere: thin handlers, each safe to run twice."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from inventory.events import StockChanged
from orders.events import OrdersPlaced
from orders.models import OrderLine
from replenishment.operations.evaluating import evaluate_subjects, subjects_of
from replenishment.operations.telling import tell_news


def stock_changed(event: StockChanged, *, actor: Actor, now: datetime) -> None:
    """Compare the changed levels with their reorder points, and tell what was crossed."""
    found = evaluate_subjects(((variant_id, location_id) for variant_id, location_id in event.keys), now=now)
    if found.opened or found.changed or found.resolved:
        tell_news(now=now)


def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """Units sold that nobody has leave no trace in the ledger, but somebody must order them."""
    waiting = OrderLine.objects.filter(order_id__in=event.order_ids, backordered__gt=0)
    variants = list(waiting.order_by().values_list("variant_id", flat=True).distinct())
    if variants:
        found = evaluate_subjects(subjects_of(variants), now=now)
        if found.opened or found.changed:
            tell_news(now=now)
