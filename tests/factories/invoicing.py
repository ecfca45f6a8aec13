"""Orders with money of every kind, and their documents, made through the product's own operations."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from inventory.models import Location
from invoicing.models import Document
from invoicing.operations import bill_order
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine
from orders.models import Channel, Order
from orders.operations import record_payment
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant, new_order

Line = tuple[int, str, str, str | None]  # units, unit price, tax of the line, rate


def make_taxed_order(
    lines: list[Line], *, channel: Channel | None = None, shipping: str = "0", tax: str | None = None, paid: bool = True, stock: int = 0,
    discounts: list[str] | None = None, **fields: Any,
) -> Order:  # fmt: skip
    """An order of these lines with shipping and tax. tax: of the whole order; left out, the sum of the lines'."""
    channel = channel or make_channel(currency=fields.pop("currency", "EUR"))
    new_lines = []
    for n, (units, price, line_tax, rate) in enumerate(lines):
        variant = make_variant()
        if stock:
            give_stock(variant, Location.objects.first() or make_location(), stock)
        new_lines.append(
            NewLine(
                sku=variant.sku, quantity=units, unit_price=Decimal(price), tax=Decimal(line_tax), discount=Decimal(discounts[n]) if discounts else Decimal(0),
                tax_rate=Decimal(rate) if rate else None, title=f"Thing {n + 1}",
            )
        )  # fmt: skip
    total = Decimal(tax) if tax else sum((line.tax for line in new_lines), Decimal(0))
    plain = new_order(channel, [], paid=False, **fields)
    request = replace(plain, lines=tuple(new_lines), shipping_total=Decimal(shipping), tax_total=total)
    placed = place_order(request, actor=ACTOR, now=NOW)
    order = Order.objects.get(pk=placed.order_id)
    if paid and order.total:
        pay(order)
    return Order.objects.get(pk=order.pk)


def pay(order: Order, amount: str | Decimal | None = None, key: str = "paid") -> None:
    """Record a payment: of all that is owed, unless an amount is given."""
    value = order.owed_by_customer if amount is None else Decimal(amount)
    record_payment(order_id=order.pk, amount=value, method="card", key=key, actor=ACTOR, now=NOW)


def bill(order: Order, **how: Any) -> list[Document]:
    """Issue what is to be issued."""
    return bill_order(order_id=order.pk, actor=ACTOR, now=NOW, **how)
