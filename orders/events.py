"""What happened to orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class OrdersPlaced(Event):
    """New orders were placed, one or a whole batch."""

    name: ClassVar[str] = "orders.placed"
    order_ids: list[int]


@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    """An order was cancelled, whole or in part."""

    name: ClassVar[str] = "order.cancelled"
    order_id: int


@dataclass(frozen=True, slots=True)
class PaymentRecorded(Event):
    """Money was authorised or captured for an order."""

    name: ClassVar[str] = "payment.recorded"
    order_id: int


@dataclass(frozen=True, slots=True)
class RefundRecorded(Event):
    """Money was given back."""

    name: ClassVar[str] = "payment.refunded"
    order_id: int
    refund_id: int


@dataclass(frozen=True, slots=True)
class OrderChanged(Event):
    """An order was changed after it was placed, by a change order."""

    name: ClassVar[str] = "order.changed"
    order_id: int
    change_id: int


@dataclass(frozen=True, slots=True)
class OrderRateFixed(Event):
    """An order that had no exchange rate was given one."""

    name: ClassVar[str] = "order.rate_fixed"
    order_id: int
