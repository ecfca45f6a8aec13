"""The documents of an order on its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.models import User
from invoicing.models import Document
from invoicing.queries import listed
from orders.models import Order
from orders.panels import Panel, register


def _load(order: Order, user: User) -> Mapping[str, Any]:
    return {"documents": list(listed(Document.objects.filter(order=order)).order_by("pk"))}


register(
    Panel(
        "invoices",
        "invoicing/order_panel.html",
        "invoices.view",
        _load,
        probe="SELECT 1 FROM invoicing_document WHERE order_id = %(order)s",
    )
)
