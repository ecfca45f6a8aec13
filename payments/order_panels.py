"""What an order's page shows of payments through gateways."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from core.models import User
from orders.models import Order
from orders.panels import Panel, register
from payments.queries import payments_of
from payments.states import OPEN_CALLS


def _load(order: Order, user: User) -> dict[str, Any]:
    rows = [
        {"intent": intent, "unknown": any(call.state in OPEN_CALLS for call in intent.calls.all())}
        for intent in payments_of(order)
    ]
    return {"rows": rows, "may_capture": user.can("payments.capture")}


register(
    Panel(
        "gateway-payments",
        "payments/order_panel.html",
        "payments.view",
        _load,
        probe="SELECT 1 FROM payments_paymentintent WHERE order_id = %(order)s",
    )
)

import_module("payments.owed.panels")  # of what is owed, store credit and manual methods
