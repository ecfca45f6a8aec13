"""What can be done about an order's risk, in the menu of its page."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderLine
from orders.offers import Act, register, why_not_open


def _why_not_check(order: Order, lines: Sequence[OrderLine]) -> str:
    if order.historic:
        return _("It arrived finished; nothing is looked for in it.")
    return why_not_open(order, lines)


register(
    Act(
        "risk",
        gettext_lazy("Check risk and address"),
        "risk.edit",
        "order-risk",
        _why_not_check,
        at_once=True,
        rare=True,
    )
)
