"""Every write to purchasing: suppliers, purchase orders, what arrives, what it costs."""

from purchasing.operations.arriving import Arrived, book_counted, receive_purchase_order
from purchasing.operations.costing import cost_everything, cost_levels, cost_variant
from purchasing.operations.counting import Counted, begin_lot, clear_counts, count_scanned, set_count
from purchasing.operations.drafting import (
    LineEdit,
    NewLine,
    approve_purchase_order,
    change_charges,
    create_purchase_order,
    edit_purchase_order,
)
from purchasing.operations.planning import create_purchase_orders, plan_purchases, plan_with_rest
from purchasing.operations.pools import know_origins
from purchasing.operations.revaluing import revalue_purchase, set_cost_method, set_stock_cost
from purchasing.operations.sending import (
    Confirmation,
    cancel_purchase_order,
    close_purchase_order,
    confirm_purchase_order,
    mail_purchase_order,
    send_purchase_order,
)
from purchasing.operations.suppliers import delete_supplier_item, save_supplier, save_supplier_item

__all__ = [
    "Arrived",
    "Confirmation",
    "Counted",
    "LineEdit",
    "NewLine",
    "approve_purchase_order",
    "begin_lot",
    "book_counted",
    "cancel_purchase_order",
    "change_charges",
    "clear_counts",
    "close_purchase_order",
    "confirm_purchase_order",
    "cost_everything",
    "cost_levels",
    "cost_variant",
    "count_scanned",
    "create_purchase_order",
    "create_purchase_orders",
    "delete_supplier_item",
    "edit_purchase_order",
    "know_origins",
    "mail_purchase_order",
    "plan_purchases",
    "plan_with_rest",
    "receive_purchase_order",
    "revalue_purchase",
    "save_supplier",
    "save_supplier_item",
    "send_purchase_order",
    "set_cost_method",
    "set_count",
    "set_stock_cost",
]
