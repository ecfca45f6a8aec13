"""Changes of the demo shop: an order that became dearer, one that became cheaper, one that goes elsewhere."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.actors import Actor
from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder
from oms.orchestration.changing import parse_changes, submit_change
from orders.models import ChangeOrder, Order, OrderLine

ACTOR = Actor.system("demo")


def seed_changes(*, now: datetime) -> None:
    """Change three open orders that nobody has in hand."""
    if ChangeOrder.objects.exists():
        return
    waiting = FulfillmentOrder.objects.filter(state="open").order_by("-pk").values_list("order_id", flat=True)
    ids = list(dict.fromkeys(waiting[:60]))
    lines = OrderLine.objects.filter(order__in=ids, bundle=None, requires_shipping=True, picked=0, ordered__gte=2)
    first = {line.order_id: line for line in lines.select_related("order").order_by("-position")}
    asked = (
        (
            "Wants one more, by phone",
            lambda line: [{"kind": "set_quantity", "line": line.pk, "quantity": line.ordered + 1}],
        ),
        ("One was ordered by mistake", lambda line: [{"kind": "remove_units", "line": line.pk, "units": 1}]),
        ("Delivered to the office, and sorry for the wait", _to_the_office),
    )
    for (reason, changes), line in zip(asked, [first[pk] for pk in ids if pk in first], strict=False):
        _change(line.order, changes(line), reason, now=now)


def _to_the_office(line: OrderLine) -> list[dict[str, Any]]:
    address = line.order.shipping_address | {"company": "Office", "line1": "Office Street 12"}
    discount = {"kind": "discount_line", "line": line.pk, "percent": str(Decimal(10))}
    return [{"kind": "change_address", "address": address}, discount]


def _change(order: Order, changes: list[dict[str, Any]], reason: str, *, now: datetime) -> None:
    try:
        submit_change(
            order_id=order.pk, changes=parse_changes(changes), version=order.version, key=f"demo-{order.pk}", reason=reason,
            actor=ACTOR, now=now,
        )  # fmt: skip
    except Refusal:
        return  # the demo shop is made of chance; an order that cannot change stays as it is
