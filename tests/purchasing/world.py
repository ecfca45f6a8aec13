"""A supplier and a purchase order for each act that pages offer, made through the product's own operations."""

from __future__ import annotations

from typing import Any

from inventory.models import Location, Variant
from purchasing.models import PurchaseOrder
from purchasing.operations import create_purchase_orders, plan_purchases
from tests.factories.purchasing import make_item, make_purchase, make_supplier, receive
from tests.factories.shop import ACTOR, NOW


def purchases_in_each_state(variant: Variant, location: Location) -> dict[str, Any]:
    """By name: the supplier, its price, and orders of the variant in each state."""
    supplier = make_supplier("Walked")
    item = make_item(supplier, variant, price="3")

    def order(**how: Any) -> PurchaseOrder:
        return make_purchase([(variant, 5, "3")], supplier=supplier, location=location, **how)

    half = order()
    receive(half, 2)
    [automatic] = create_purchase_orders(plan_purchases([(variant.pk, location.pk, 4)]), actor=ACTOR, now=NOW)
    return {
        "supplier": supplier,
        "supplier_item": item,
        "purchase_automatic": automatic,
        "purchase_draft": order(sent=False),
        "purchase_sent": order(),
        "purchase_half": half,
    }
