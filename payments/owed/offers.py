"""Acts on an order around store credit and money that is collected at the door."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderLine
from orders.offers import Act, register
from orders.states import Lifecycle


def _why_not_spend(order: Order, _lines: Sequence[OrderLine]) -> str:
    if order.customer_id is None:
        return _("It has no customer.")
    return "" if order.owed_by_customer > 0 else _("Nothing is owed.")


def _why_not_refund(order: Order, _lines: Sequence[OrderLine]) -> str:
    if order.customer_id is None:
        return _("It has no customer.")
    return "" if order.captured_total > order.refunded_total else _("Nothing was paid that could go back.")


def _why_not_collect(order: Order, _lines: Sequence[OrderLine]) -> str:
    if order.lifecycle != Lifecycle.OPEN:
        return _("It is not open any more.")
    return "" if order.owed_by_customer > 0 else _("Nothing is owed.")


for _act in (
    Act("store_credit", gettext_lazy("Pay with store credit"), "payments.record", "order-credit", _why_not_spend, rare=True),
    Act("credit_refund", gettext_lazy("Refund to store credit"), "payments.refund", "order-credit-refund", _why_not_refund, rare=True),
    Act("collect", gettext_lazy("Collect at delivery"), "payments.record", "order-collect", _why_not_collect, rare=True),
):  # fmt: skip
    register(_act)
