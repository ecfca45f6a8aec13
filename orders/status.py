"""Every status of an order as a pure function of its quantities, payments, parcels and holds. The one place in the code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from orders.states import Delivery, Fulfillment, Lifecycle, Payment, Returning


class LineQuantities(Protocol):
    """The quantities of one order line (orders.models.OrderLine has them)."""

    ordered: int
    cancelled: int
    backordered: int
    allocated: int
    picked: int
    shipped: int
    delivered: int
    return_requested: int
    returned: int


class OrderFacts(Protocol):
    """What an order contributes besides its lines (orders.models.Order has it)."""

    total: Decimal
    cancelled_total: Decimal
    authorized_total: Decimal
    captured_total: Decimal
    refunded_total: Decimal
    overpayment_refunded: Decimal
    payment_voided: bool
    parcels: int
    parcels_out_for_delivery: int
    parcels_delivered: int
    parcels_exception: int
    returns_in_progress: int


@dataclass(frozen=True, slots=True)
class Statuses:
    """The stored status columns of an order."""

    lifecycle: str
    payment: str
    fulfillment: str
    delivery: str
    returning: str
    needs_routing: bool
    backordered: bool
    on_hold: bool


@dataclass(slots=True)
class Totals:
    """Sums of the lines' quantities."""

    ordered: int = 0
    cancelled: int = 0
    backordered: int = 0
    allocated: int = 0
    picked: int = 0
    shipped: int = 0
    delivered: int = 0
    return_requested: int = 0
    returned: int = 0


def sum_lines(lines: Iterable[LineQuantities]) -> Totals:
    """Add up the lines of one order."""
    totals = Totals()
    for line in lines:
        totals.ordered += line.ordered
        totals.cancelled += line.cancelled
        totals.backordered += line.backordered
        totals.allocated += line.allocated
        totals.picked += line.picked
        totals.shipped += line.shipped
        totals.delivered += line.delivered
        totals.return_requested += line.return_requested
        totals.returned += line.returned
    return totals


def compute_statuses(
    order: OrderFacts, lines: Iterable[LineQuantities], *, holds: int, held_lines: Collection[int] = ()
) -> Statuses:
    """The statuses of an order. holds: number of open holds on the whole of it. held_lines: ids of the lines that open holds on
    lines name (lines then need their `pk`); a line hold stops the order only where nothing else of it is left to ship."""
    lines = list(lines)
    totals = sum_lines(lines)
    wanted = totals.ordered - totals.cancelled
    to_place = wanted - totals.allocated - totals.backordered
    lifecycle = lifecycle_of(order, totals)
    is_open = lifecycle == Lifecycle.OPEN
    return Statuses(
        lifecycle=lifecycle,
        payment=payment_of(order),
        fulfillment=fulfillment_of(totals, stopped=holds > 0 or all_held(lines, held_lines)),
        delivery=delivery_of(order),
        returning=returning_of(order, totals),
        needs_routing=is_open and to_place > 0,
        backordered=is_open and totals.backordered > 0,
        on_hold=is_open and (holds > 0 or bool(held_lines)),
    )


def all_held(lines: Sequence[LineQuantities], held_lines: Collection[int]) -> bool:
    """True when units are left to ship and all of them are of held lines."""
    if not held_lines:
        return False
    left = [line for line in lines if line.ordered - line.cancelled > line.shipped]
    return bool(left) and all(line.pk in held_lines for line in left)  # type: ignore[attr-defined]


def lifecycle_of(order: OrderFacts, totals: Totals) -> str:
    """Cancelled when nothing is left; completed when all left is shipped and nothing is owed either way; else open.

    A refund alone never blocks completion: what was refunded is not asked for again.
    """
    if totals.cancelled == totals.ordered:
        return Lifecycle.CANCELLED
    charged = order.total - order.cancelled_total
    owed_by_customer = charged - order.captured_total + order.overpayment_refunded
    owed_to_customer = order.captured_total - order.refunded_total - charged
    if totals.shipped + totals.cancelled == totals.ordered and owed_by_customer <= 0 and owed_to_customer <= 0:
        return Lifecycle.COMPLETED
    return Lifecycle.OPEN


def payment_of(order: OrderFacts) -> str:
    """The payment axis."""
    captured, refunded = order.captured_total, order.refunded_total
    charged = order.total - order.cancelled_total
    if refunded > 0 and charged > captured - order.overpayment_refunded:
        return Payment.PARTIALLY_PAID if captured > refunded else Payment.UNPAID
    if refunded > 0:
        return Payment.REFUNDED if refunded >= captured else Payment.PARTIALLY_REFUNDED
    if captured > 0:
        return Payment.PAID if captured >= charged else Payment.PARTIALLY_PAID
    if order.payment_voided:
        return Payment.VOIDED
    if order.authorized_total > 0:
        return Payment.AUTHORIZED
    return Payment.PAID if order.total == 0 else Payment.UNPAID


def fulfillment_of(totals: Totals, *, stopped: bool) -> str:
    """The fulfillment axis: what has left comes first, then what stops it, then how far it is. stopped: by holds, all that is left."""
    wanted = totals.ordered - totals.cancelled
    if wanted and totals.shipped == wanted:
        return Fulfillment.FULFILLED
    if wanted == 0:
        return Fulfillment.UNFULFILLED
    if stopped:
        return Fulfillment.ON_HOLD
    if totals.shipped:
        return Fulfillment.PARTIALLY_FULFILLED
    if totals.picked:
        return Fulfillment.IN_PROGRESS
    if totals.backordered:
        return Fulfillment.BACKORDERED
    return Fulfillment.UNFULFILLED


def delivery_of(order: OrderFacts) -> str:
    """The delivery axis over the order's parcels: trouble first, then the one nearest to the door."""
    if not order.parcels:
        return Delivery.NOT_SHIPPED
    if order.parcels_exception:
        return Delivery.EXCEPTION
    if order.parcels_delivered == order.parcels:
        return Delivery.DELIVERED
    if order.parcels_out_for_delivery:
        return Delivery.OUT_FOR_DELIVERY
    return Delivery.IN_TRANSIT


def returning_of(order: OrderFacts, totals: Totals) -> str:
    """The return axis: returned once all that was asked for is back."""
    if not totals.return_requested:
        return Returning.NONE
    if totals.returned >= totals.return_requested:
        return Returning.RETURNED
    if totals.returned or order.returns_in_progress:
        return Returning.IN_PROGRESS
    return Returning.REQUESTED
