"""A document of each kind and a series, for the walk over every address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from invoicing.models import Document
from invoicing.operations import bill_order, credit_invoice, issue_pro_forma, keep_pdf
from orders.models import Channel
from tests.factories.shop import ACTOR, make_order


def documents_of_each_kind(channel: Channel, now: datetime) -> dict[str, Any]:
    """By name: a billed order, its invoice with what is left to credit, its documents, the invoice's series."""
    order = make_order(channel, [("TEE", 3)], now=now)
    who = {"actor": ACTOR, "now": now}
    pro_forma = issue_pro_forma(order_id=order.pk, key="walk", **who)
    [invoice] = bill_order(order_id=order.pk, **who)
    note = credit_invoice(invoice_id=invoice.pk, units={0: 1}, reason="one was broken", key="walk", **who)
    for one in (pro_forma, invoice, note):
        keep_pdf(one.pk, b"%PDF-1.7 walked")
    invoice = Document.objects.get(pk=invoice.pk)
    return {"billed": order, "invoice": invoice, "credit_note": note, "invoice_series": invoice.series}
