"""Lock an order; bring its stored statuses in line with what they are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from core.refusals import NotFound, Stale
from orders.models import Order, OrderLine
from orders.queries import stopped_by_holds
from orders.states import Lifecycle
from orders.status import compute_statuses


def lock_order(order_id: int, *, version: int | None = None) -> Order:
    """The order under lock: the first lock of every change to it.

    Raises NotFound, or Stale when `version` is given and somebody changed the order since.
    """
    order = Order.objects.select_for_update(of=("self",), no_key=True).filter(pk=order_id).first()
    if order is None:
        raise NotFound("no_such_order", _("There is no such order."))
    if version is not None and order.version != version:
        raise Stale(
            "order_changed",
            _("Order {number} was changed by somebody else since you opened it. Look again.").format(
                number=order.number
            ),
        )
    return order


def refresh_order(order: Order, *, now: datetime, lines: Sequence[OrderLine] | None = None) -> Order:
    """Recompute and store the statuses of a locked order from its lines, holds, amounts, parcels and returns; saves the order."""
    if lines is None:
        lines = list(order.lines.all())
    stopped = stopped_by_holds(order.pk)
    statuses = compute_statuses(order, lines, holds=stopped.whole, held_lines=stopped.lines)
    order.lifecycle = statuses.lifecycle
    order.payment = statuses.payment
    order.fulfillment = statuses.fulfillment
    order.delivery = statuses.delivery
    order.returning = statuses.returning
    order.needs_routing = statuses.needs_routing
    order.backordered = statuses.backordered
    order.on_hold = statuses.on_hold
    order.completed_at = (order.completed_at or now) if order.lifecycle == Lifecycle.COMPLETED else None
    order.cancelled_at = (order.cancelled_at or now) if order.lifecycle == Lifecycle.CANCELLED else None
    order.version += 1
    order.updated_at = now
    order.save(update_fields=_CHANGING)
    return order


_CHANGING = [
    "lifecycle", "payment", "fulfillment", "delivery", "returning", "needs_routing", "backordered", "on_hold", "completed_at",
    "cancelled_at", "version", "updated_at", "cancelled_total", "authorized_total", "captured_total", "refunded_total",
    "overpayment_refunded",
    "payment_voided", "parcels", "parcels_out_for_delivery", "parcels_delivered", "parcels_exception", "returns_in_progress",
    "ship_by", "expected_on", "expected_from", "tags", "archived", "search_text",
]  # fmt: skip
