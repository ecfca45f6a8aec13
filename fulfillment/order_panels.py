"""On an order's page: with which other orders it shares a parcel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.models import User
from fulfillment.members import GONE
from fulfillment.models import FulfillmentOrder
from fulfillment.queries import mates_of
from orders.models import Order
from orders.panels import Panel, register


def _load(order: Order, _user: User) -> Mapping[str, Any]:
    """The order's work that travels with others, each with the others. Two statements."""
    shared = FulfillmentOrder.objects.filter(order=order, consolidation__isnull=False).exclude(state__in=GONE)
    works = list(shared.order_by("pk"))
    mates = mates_of(works)
    return {"parcels": [(work, mates.get(work.pk, [])) for work in works]}


register(
    Panel(
        "shared_parcel", "fulfillment/order_panel.html", "fulfillment.view", _load,
        probe=(
            "SELECT 1 FROM fulfillment_fulfillmentorder WHERE order_id = %(order)s AND consolidation_id IS NOT NULL "
            "AND state NOT IN ('cancelled', 'incomplete')"
        ),
        applies=lambda order: order.lifecycle != "cancelled", aside=True,
    )
)  # fmt: skip
