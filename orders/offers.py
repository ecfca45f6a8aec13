"""What can be done with an order now, and why not: one answer for the page's buttons and the API.

Apps above add their acts in a module `order_offers`:

    register(Act("merge", _("Ship together"), "fulfillment.pack", "order-merge", why_not_merge, rare=True))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.urls import reverse
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.states import Offer
from orders.models import Order, OrderLine
from orders.states import Lifecycle

WhyNot = Callable[[Order, Sequence[OrderLine]], str]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with an order.

    route: the name of its page's address, which takes the order's id. why_not: the reason why it cannot be done now, or "";
    it answers from the order and its lines alone, without a statement. at_once: done by its button, without a page that asks.
    rare: kept in the menu behind the buttons.
    """

    name: str
    label: Any
    permission: str
    route: str
    why_not: WhyNot
    at_once: bool = False
    rare: bool = False
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """An act, its answer for now, and where it is done."""

    act: Act
    offer: Offer
    url: str


_ACTS: dict[str, Act] = {}


def register(act: Act) -> None:
    """Add an act; they stand in the order in which they are registered. Raises ValueError for a name that is taken."""
    if act.name in _ACTS:
        raise ValueError(f"the act {act.name!r} is registered twice")
    _ACTS[act.name] = act


@lru_cache(maxsize=1)
def _discover() -> None:
    autodiscover_modules("order_offers")


def offers_for(order: Order, lines: Sequence[OrderLine], holder: Any) -> list[Offered]:
    """Every act on an order with its answer for now. holder: the person or token that asks."""
    _discover()
    return [
        Offered(act, _offer(act, order, lines, holder), reverse(act.route, args=[order.pk])) for act in _ACTS.values()
    ]


def _offer(act: Act, order: Order, lines: Sequence[OrderLine], holder: Any) -> Offer:
    why = act.why_not(order, lines) if holder.can(act.permission) else _("Your role does not include this.")
    return Offer(act.name, act.label, not why, why)


def why_not_open(order: Order, _lines: Sequence[OrderLine]) -> str:
    """For acts that an open order only allows."""
    return "" if order.lifecycle == Lifecycle.OPEN else _("It is not open any more.")


def _why_not_route(order: Order, lines: Sequence[OrderLine]) -> str:
    if why := why_not_open(order, lines):
        return why
    if any(line.requires_shipping and line.to_place + line.backordered > 0 for line in lines):
        return ""
    return _("Every unit has its place.")


def _why_not_pay(order: Order, _lines: Sequence[OrderLine]) -> str:
    return "" if order.owed_by_customer > 0 else _("Nothing is owed.")


def _why_not_refund(order: Order, _lines: Sequence[OrderLine]) -> str:
    return "" if order.captured_total > order.refunded_total else _("Nothing was paid that could go back.")


def _why_not_return(_order: Order, lines: Sequence[OrderLine]) -> str:
    if any(line.requires_shipping and line.shipped > line.return_requested for line in lines):
        return ""
    return _("Nothing was sent that could come back.")


def _always(_order: Order, _lines: Sequence[OrderLine]) -> str:
    return ""


def _why_not_archive(order: Order, _lines: Sequence[OrderLine]) -> str:
    if order.archived:
        return _("It is in the archive.")
    return _("It is still open.") if order.lifecycle == Lifecycle.OPEN else ""


def _why_not_cancel(_order: Order, lines: Sequence[OrderLine]) -> str:
    return "" if any(line.cancellable > 0 for line in lines) else _("All of it is picked, shipped or cancelled.")


for _act in (
    Act("change", gettext_lazy("Change"), "orders.change", "order-change", why_not_open),
    Act("route", gettext_lazy("Route now"), "orders.route", "order-route", _why_not_route, at_once=True),
    Act("hold", gettext_lazy("Hold"), "orders.hold", "order-hold", why_not_open),
    Act("payment", gettext_lazy("Record payment"), "payments.record", "order-payment", _why_not_pay),
    Act("refund", gettext_lazy("Refund"), "payments.refund", "order-refund", _why_not_refund),
    Act("return", gettext_lazy("Return"), "returns.approve", "return-new", _why_not_return),
    Act("assign", gettext_lazy("Assign"), "orders.assign", "order-assign", _always, rare=True),
    Act(
        "archive", gettext_lazy("Archive"), "orders.archive", "order-archive", _why_not_archive, at_once=True, rare=True
    ),
    Act("paper", gettext_lazy("Order on paper"), "orders.view", "order-paper", _always, rare=True),
    Act("cancel", gettext_lazy("Cancel"), "orders.cancel", "order-cancel", _why_not_cancel, danger=True),
):
    register(_act)
