"""Suppliers, what they sell, and purchase orders."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from inventory.models import Variant
from purchasing.models import Supplier, SupplierItem

_serial = itertools.count(1)


def make_supplier(name: str = "", **fields: Any) -> Supplier:
    n = next(_serial)
    defaults = {
        "name": name or f"Supplier {n}", "code": f"SUP{n}", "email": f"orders{n}@supplier.example", "currency": "EUR",
        "search_text": (name or f"supplier {n}").lower(),
    }  # fmt: skip
    return Supplier.objects.create(**{**defaults, **fields})


def make_item(supplier: Supplier, variant: Variant, *, price: str = "5", **fields: Any) -> SupplierItem:
    return SupplierItem.objects.create(supplier=supplier, variant=variant, price=Decimal(price), **fields)
