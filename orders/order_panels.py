"""What an order's page shows of its exchange rate; nothing for an order in the shop's own currency."""

from __future__ import annotations

from typing import Any

from core.models import User
from currencies.queries import convert, rate_text
from orders.models import MissingRate, Order, OrderRate
from orders.panels import Panel, register


def _load(order: Order, user: User) -> dict[str, Any]:
    rate = OrderRate.objects.filter(order=order).first()
    waits = MissingRate.objects.filter(order=order).exists()
    own_total = convert(order.current_total, rate.rate, rate.currency) if rate else None
    text = rate_text(rate.rate) if rate else ""
    return {"rate": rate, "rate_text": text, "waits": waits, "own_total": own_total, "may_edit": user.can("rates.edit")}


register(
    Panel(
        "rate",
        "orders/rate_panel.html",
        "payments.view",
        _load,
        probe="SELECT 1 FROM orders_orderrate WHERE order_id = %(order)s UNION ALL SELECT 1 FROM orders_missingrate WHERE order_id = %(order)s",
        aside=True,
    )
)
