"""What payments offer on an order's page; the reasons come from the order's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderLine
from orders.offers import Act, register
from orders.states import Lifecycle


def _why_not_link(order: Order, _lines: Sequence[OrderLine]) -> str:
    if order.lifecycle == Lifecycle.CANCELLED:
        return _("It is cancelled.")
    return "" if order.owed_by_customer > 0 else _("Nothing is owed.")


def _why_not_capture(order: Order, _lines: Sequence[OrderLine]) -> str:
    if order.authorized_total <= 0:
        return _("Nothing is authorised.")
    return "" if order.owed_by_customer > 0 else _("Nothing is owed.")


register(
    Act("payment_link", gettext_lazy("Send payment link"), "payments.record", "order-payment-link", _why_not_link, rare=True)
)  # fmt: skip
register(Act("capture", gettext_lazy("Capture"), "payments.capture", "order-capture", _why_not_capture, rare=True))
register(
    Act("adopt_payment", gettext_lazy("Take over a payment"), "payments.capture", "order-adopt", _why_not_link, rare=True)
)  # fmt: skip

import_module("payments.owed.offers")  # of what is owed, store credit and manual methods
