"""What can be done with an order now, and why not: one answer for the page's buttons and the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.states import Offer
from orders.models import Order, OrderLine
from orders.states import Lifecycle


def offers_for(order: Order, lines: Sequence[OrderLine], holder: Any) -> list[Offer]:
    """Every act on an order with its answer for now. holder: the person or token that asks."""
    asked = (
        ("route", _("Route now"), "orders.route", _why_not_route(order, lines)),
        ("hold", _("Hold"), "orders.hold", _why_not_open(order)),
        ("payment", _("Record payment"), "payments.record", _why_not_pay(order)),
        ("refund", _("Refund"), "payments.refund", _why_not_refund(order)),
        ("return", _("Return"), "returns.approve", _why_not_return(lines)),
        ("cancel", _("Cancel"), "orders.cancel", _why_not_cancel(lines)),
    )
    return [_offer(name, label, permission, why, holder) for name, label, permission, why in asked]


def _offer(name: str, label: str, permission: str, why: str, holder: Any) -> Offer:
    if not holder.can(permission):
        why = _("Your role does not include this.")
    return Offer(name, label, not why, why)


def _why_not_open(order: Order) -> str:
    return "" if order.lifecycle == Lifecycle.OPEN else _("It is not open any more.")


def _why_not_route(order: Order, lines: Sequence[OrderLine]) -> str:
    if why := _why_not_open(order):
        return why
    if any(line.requires_shipping and line.to_place + line.backordered > 0 for line in lines):
        return ""
    return _("Every unit has its place.")


def _why_not_pay(order: Order) -> str:
    return "" if order.owed_by_customer > 0 else _("Nothing is owed.")


def _why_not_refund(order: Order) -> str:
    return "" if order.captured_total > order.refunded_total else _("Nothing was paid that could go back.")


def _why_not_return(lines: Sequence[OrderLine]) -> str:
    if any(line.requires_shipping and line.shipped > line.return_requested for line in lines):
        return ""
    return _("Nothing was sent that could come back.")


def _why_not_cancel(lines: Sequence[OrderLine]) -> str:
    return "" if any(line.cancellable > 0 for line in lines) else _("All of it is picked, shipped or cancelled.")
