"""Store credit, a statement line, an order that is paid at the door and a way of paying, for walks and pages."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.actors import Actor
from oms.orchestration.collecting import collect_at_delivery
from orders.models import Channel
from payments.models import Collection, CreditAccount, PaymentMethod, StatementLine
from payments.operations.credit import grant_credit
from payments.operations.statements import Incoming, take_statement
from tests.factories.shop import make_order


def credit_and_statements(channel: Channel, now: datetime) -> dict[str, Any]:
    """A customer with credit and an unpaid order; a line that is for another order; a third that is paid at the door."""
    actor = Actor.system("test")
    PaymentMethod.objects.get_or_create(name="Cash on delivery", defaults={"kind": "cash_on_delivery"})
    PaymentMethod.objects.get_or_create(name="Cash", defaults={"kind": "cash"})
    method = PaymentMethod.objects.create(name="Walked", kind="cash")
    order, named, door = (
        make_order(channel, [("TEE", 1)], now=now, paid=False, email="credit@example.com") for _n in range(3)
    )
    assert order.customer_id is not None
    grant_credit(
        customer_id=order.customer_id, currency=order.currency, amount=Decimal(5), reason="sorry", key="walk-first", actor=actor, now=now
    )  # fmt: skip
    take_statement(
        [Incoming(now.date(), Decimal(10), named.currency, "Ada", named.number)], file_name="bank.csv", now=now
    )
    collect_at_delivery(order_id=door.pk, method="Cash on delivery", actor=actor, now=now)
    return {
        "credit_order": order,
        "credit_account": CreditAccount.objects.get(customer=order.customer_id),
        "statement_row": StatementLine.objects.select_related("order").get(order=named),
        "collection": Collection.objects.get(order=door),
        "payment_method": method,
    }
