"""What an order's page shows of store credit and of money that is collected at the door."""

from __future__ import annotations

from typing import Any

from core.models import User
from orders.models import Order
from orders.panels import Panel, register
from payments.models import Collection, CreditAccount


def _load(order: Order, user: User) -> dict[str, Any]:
    accounts = CreditAccount.objects.filter(customer=order.customer_id, balance__gt=0)
    return {
        "accounts": sorted(accounts, key=lambda account: (account.currency != order.currency, account.currency)),
        "collection": Collection.objects.filter(order=order).first(),
        "may_spend": user.can("payments.record") and order.owed_by_customer > 0,
    }


register(
    Panel(
        "store-credit",
        "payments/credit_panel.html",
        "payments.view",
        _load,
        probe=(
            "SELECT 1 FROM payments_creditaccount a JOIN orders_order o ON o.customer_id = a.customer_id"
            " WHERE o.id = %(order)s AND a.balance > 0"
            " UNION ALL SELECT 1 FROM payments_collection WHERE order_id = %(order)s"
        ),
        aside=True,
    )
)
