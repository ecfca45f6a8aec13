"""What was promised to whom: channels, orders, lines, money, holds, changes, notes."""

from orders.models.changes import BulkChange, BulkChangeItem, ChangeOrder
from orders.models.channels import Channel, ChannelKind
from orders.models.holds import Hold, HoldLine
from orders.models.lines import OrderBundle, OrderLine
from orders.models.notes import Mention, Note
from orders.models.order import OVERPAID, OWING, Order, money
from orders.models.payments import MissingRate, OrderRate, PaymentRecord, Refund, TaxRate

__all__ = [
    "OVERPAID",
    "OWING",
    "BulkChange",
    "BulkChangeItem",
    "ChangeOrder",
    "Channel",
    "ChannelKind",
    "Hold",
    "HoldLine",
    "Mention",
    "MissingRate",
    "Note",
    "Order",
    "OrderBundle",
    "OrderLine",
    "OrderRate",
    "PaymentRecord",
    "Refund",
    "TaxRate",
    "money",
]
