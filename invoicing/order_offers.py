"""What invoicing offers on an order's page."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderLine
from orders.offers import Act, register


def _why_not_invoice(order: Order, _lines: Sequence[OrderLine]) -> str:
    return "" if order.total > 0 else _("It is worth nothing.")


def _why_not_pro_forma(order: Order, _lines: Sequence[OrderLine]) -> str:
    return "" if order.current_total > 0 else _("It is worth nothing.")


register(Act("invoice", gettext_lazy("Invoice"), "invoices.issue", "order-invoice", _why_not_invoice))
register(
    Act("pro-forma", gettext_lazy("Pro forma"), "invoices.issue", "order-pro-forma", _why_not_pro_forma, rare=True)
)
