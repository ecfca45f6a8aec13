"""Merging and splitting among what can be done with an order."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderLine
from orders.offers import Act, register, why_not_open


def why_not_arranged(order: Order, lines: Sequence[OrderLine]) -> str:
    """Work that nobody has picked can be merged and split."""
    if why := why_not_open(order, lines):
        return why
    if any(line.requires_shipping and line.allocated > line.picked for line in lines):
        return ""
    return _("None of it waits to be picked.")


def why_not_merged(order: Order, lines: Sequence[OrderLine]) -> str:
    """What is held does not travel with others."""
    return why_not_arranged(order, lines) or (_("It is on hold.") if order.on_hold else "")


register(Act("merge", gettext_lazy("Ship together"), "fulfillment.pack", "order-merge", why_not_merged, rare=True))
register(Act("split", gettext_lazy("Split"), "fulfillment.pack", "order-split", why_not_arranged, rare=True))
