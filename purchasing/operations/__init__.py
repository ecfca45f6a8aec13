"""Every write to purchasing: suppliers, purchase orders, what arrives, what it costs."""

from purchasing.operations.planning import create_purchase_orders, plan_purchases, plan_with_rest

__all__ = ["create_purchase_orders", "plan_purchases", "plan_with_rest"]
