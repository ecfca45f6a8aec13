"""Documents of the demo shop: invoices of parcels that left, credit notes for what came back, pro formas for what waits for money."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from core.money import quantize
from invoicing.models import Document
from invoicing.operations import bill_order, credit_invoice, issue_pro_forma, save_series, save_settings
from orders.models import Channel, ChannelKind, Order
from orders.states import Delivery, Lifecycle, Payment

ACTOR = Actor.system("demo")
INVOICES = 24
PRO_FORMAS = 3
SELLER = {
    "legal_name": "Northwind Outdoor sp. z o.o.", "line1": "ul. Składowa 8", "postal_code": "00-001", "city": "Warszawa", "country": "PL",
    "tax_number": "PL5252248481", "register_number": "KRS 0000123456", "email": "invoices@northwind.example", "phone": "+48 22 123 45 67",
    "bank_name": "Bank Polski", "bank_account": "PL61 1090 1014 0000 0712 1981 2874", "bank_code": "WBKPPLPP",
    "automatic": "shipment", "mail": False,
}  # fmt: skip


def seed_invoicing(*, now: datetime) -> None:
    """Some documents of each kind, without their PDFs: those are drawn when somebody wants them. Only where there are none."""
    if Document.objects.exists():
        return
    save_settings(values=SELLER, actor=ACTOR, now=now - timedelta(days=20))
    business = Channel.objects.filter(kind=ChannelKind.B2B).order_by("pk").first()
    if business is not None:
        values = {"kind": "invoice", "channel": business, "prefix": "B2B/{year}/", "digits": 4, "first": 1}
        save_series(series_id=None, values=values, actor=ACTOR, now=now - timedelta(days=20))
    sold = Order.objects.filter(total__gt=0, historic=False).exclude(lifecycle=Lifecycle.CANCELLED)
    shipped = list(sold.exclude(delivery=Delivery.NOT_SHIPPED).order_by("-pk").values_list("pk", flat=True)[:INVOICES])
    for n, pk in enumerate(reversed(shipped)):
        at = now - timedelta(hours=3 * (len(shipped) - n))
        made = bill_order(order_id=pk, actor=ACTOR, now=at)
        if made and n % 8 == 3:
            amount = quantize(made[0].total / Decimal(10), made[0].currency)
            credit_invoice(
                invoice_id=made[0].pk, amount=amount, reason="The parcel came late.", key="demo", actor=ACTOR, now=at
            )
    waiting = sold.filter(payment=Payment.UNPAID, delivery=Delivery.NOT_SHIPPED).order_by("-pk")
    for pk in waiting.values_list("pk", flat=True)[:PRO_FORMAS]:
        issue_pro_forma(order_id=pk, key="demo", actor=ACTOR, now=now - timedelta(hours=1))
