"""New orders into their tables, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from core.bulk import copy_rows
from orders.models import Hold, Order, OrderBundle, OrderLine, PaymentRecord, Refund

ORDER_COLUMNS = (
    "id", "channel_id", "external_id", "number", "token", "customer_id", "customer_name", "email", "phone", "language",
    "shipping_address", "billing_address", "ship_country", "shipping_method", "currency", "subtotal", "discount_total",
    "shipping_total", "tax_total", "tax_included", "adjustment_total", "total", "cancelled_total", "authorized_total",
    "captured_total", "refunded_total", "lifecycle", "payment", "fulfillment", "delivery", "returning", "payment_voided",
    "parcels", "parcels_out_for_delivery", "parcels_delivered", "parcels_exception", "returns_in_progress", "needs_routing",
    "backordered", "on_hold", "archived", "historic", "tags", "customer_note", "version", "placed_at", "ship_by", "expected_on", "expected_from",
    "completed_at", "cancelled_at", "created_at", "updated_at", "search_text",
)  # fmt: skip


class LineRow(NamedTuple):
    """A row of an order line, in the order of its columns; it has the quantities that statuses are computed from."""

    id: int
    order_id: int
    position: int
    variant_id: int | None
    sku: str
    title: str
    requires_shipping: bool
    unit_price: Any
    discount: Any
    tax: Any
    weight_grams: int
    ordered: int
    cancelled: int
    backordered: int
    allocated: int
    picked: int
    packed: int
    shipped: int
    delivered: int
    return_requested: int = 0
    returned: int = 0
    refunded: int = 0
    bundle_id: int | None = None
    per_bundle: int | None = None
    tax_rate: Any = None


class BundleRow(NamedTuple):
    """A row of a bundle as sold, in the order of its columns."""

    id: int
    order_id: int
    position: int
    variant_id: int
    sku: str
    title: str
    quantity: int
    unit_price: Any
    discount: Any
    tax: Any


def write_orders(rows: Iterable[Sequence[Any]]) -> None:
    """Rows in the order of ORDER_COLUMNS; JSON as text."""
    copy_rows(Order, ORDER_COLUMNS, rows)


def write_lines(rows: Iterable[LineRow]) -> None:
    """The lines of new orders."""
    copy_rows(OrderLine, LineRow._fields, rows)


def write_bundles(rows: Sequence[BundleRow]) -> None:
    """The bundles of new orders; their lines name them."""
    if rows:
        copy_rows(OrderBundle, BundleRow._fields, rows)


def write_payments(rows: Sequence[Sequence[Any]]) -> None:
    """(order id, kind, amount, method, reference, key, actor, at) of money that came with the orders."""
    if rows:
        copy_rows(PaymentRecord, ("order_id", "kind", "amount", "method", "reference", "key", "actor", "at"), rows)


def write_refunds(rows: Sequence[Sequence[Any]]) -> None:
    """(order id, amount, reason, cause, key, actor, at) of money that had gone back before."""
    if rows:
        copy_rows(Refund, ("order_id", "amount", "reason", "cause", "key", "actor", "at"), rows)


def write_holds(rows: Sequence[Sequence[Any]]) -> None:
    """(order id, kind, reason, actor, at, released_by) of holds placed with the orders."""
    if rows:
        copy_rows(Hold, ("order_id", "kind", "reason", "actor", "at", "released_by"), rows)
