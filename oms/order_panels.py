"""What an order's page shows of use cases over several apps: the changes made after it was placed."""

from __future__ import annotations

from typing import Any

from core.models import User
from oms.orchestration.changing.effect import Effect
from oms.orchestration.changing.reading import shown
from orders.models import Order
from orders.panels import Panel, register

#: Changes shown, the newest first; the API lists all.
CHANGES_SHOWN = 10


def _changes(order: Order, _user: User) -> dict[str, Any]:
    kept = list(order.changes.order_by("-position")[: CHANGES_SHOWN + 1])
    rows = [(one, shown(Effect.from_json(one.effect))) for one in kept[:CHANGES_SHOWN]]
    return {"changes": rows, "more": len(kept) > CHANGES_SHOWN}


register(
    Panel(
        "changes",
        "orders/change_panel.html",
        "orders.view",
        _changes,
        probe="SELECT 1 FROM orders_changeorder WHERE order_id = %(order)s",
        applies=lambda order: order.version > 1,
    )
)
