"""Suppliers, what they sell, and purchase orders."""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from inventory.models import Location, Variant
from purchasing.models import PurchaseOrder, Receipt, Supplier, SupplierItem
from purchasing.operations import (
    Arrived,
    NewLine,
    change_charges,
    create_purchase_order,
    receive_purchase_order,
    send_purchase_order,
)
from tests.factories.shop import ACTOR, NOW, make_location

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


def make_purchase(
    lines: list[tuple[Variant, int, str]],
    *,
    supplier: Supplier | None = None,
    location: Location | None = None,
    sent: bool = True,
    rate: str = "",
) -> PurchaseOrder:
    """A purchase order of (variant, units, unit cost) lines, sent without mail unless told otherwise."""
    supplier = supplier or make_supplier()
    order = create_purchase_order(
        supplier_id=supplier.pk, location_id=(location or make_location()).pk, actor=ACTOR, now=NOW,
        lines=[NewLine(variant.pk, units, Decimal(cost)) for variant, units, cost in lines],
    )  # fmt: skip
    if rate:
        nothing = Decimal(0)
        change_charges(
            order_id=order.pk, freight=nothing, duty=nothing, other=nothing, basis="value", exchange_rate=Decimal(rate),
            rate_source="central bank", actor=ACTOR, now=NOW,
        )  # fmt: skip
    if sent:
        send_purchase_order(order_id=order.pk, mail=False, actor=ACTOR, now=NOW)
    return PurchaseOrder.objects.get(pk=order.pk)


def receive(order: PurchaseOrder, *units: int | tuple[int, int], reason: str = "", now: datetime = NOW) -> Receipt:
    """Book units of the lines in their sequence; a pair is (units, damaged among them)."""
    rows = [
        Arrived(line.pk, *(each if isinstance(each, tuple) else (each,)))
        for line, each in zip(order.lines.order_by("position"), units, strict=False)
    ]
    return receive_purchase_order(
        order_id=order.pk, arrived=rows, key=uuid.uuid4().hex, reason=reason, actor=ACTOR, now=now
    )
