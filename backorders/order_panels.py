"""What an order's page says about its units that wait."""

from __future__ import annotations

from typing import Any

from backorders.queries import promises_of
from backorders.wording import source_text, source_url
from core.models import User
from orders.models import Order
from orders.panels import Panel, register


def _load(order: Order, user: User) -> dict[str, Any]:
    rows = [
        (promise, [(part, source_text(part.source, part.number), source_url(part.source, part.document)) for part in promise.parts.all()])
        for promise in promises_of([order.pk])[order.pk]
    ]  # fmt: skip
    return {"rows": rows}


register(
    Panel(
        "backorders",
        "backorders/order_panel.html",
        "backorders.view",
        _load,
        probe="SELECT 1 FROM backorders_linepromise WHERE order_id = %(order)s",
        applies=lambda order: order.backordered,
    )
)
