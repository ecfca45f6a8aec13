"""Writes to orders that need no other app beside them; oms.orchestration puts them together with stock and work orders."""

from orders.operations.holds import add_hold, assign_hold, end_hold
from orders.operations.keeping import archive_order, assign_order, set_payment_due
from orders.operations.notes import add_note, change_tags, remove_note, see_mentions
from orders.operations.payments import record_payment, record_refund
from orders.operations.refreshing import lock_order, refresh_order

__all__ = [
    "add_hold",
    "add_note",
    "archive_order",
    "assign_hold",
    "assign_order",
    "change_tags",
    "end_hold",
    "lock_order",
    "record_payment",
    "record_refund",
    "refresh_order",
    "remove_note",
    "see_mentions",
    "set_payment_due",
]
