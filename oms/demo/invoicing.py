"""Documents of the demo shop: invoices of parcels that left, credit notes for what came back, pro formas for what waits for money."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from core.addresses import Address
from core.money import quantize
from inventory.models import Variant
from invoicing.models import Document
from invoicing.operations import (
    bill_order,
    credit_invoice,
    issue_pro_forma,
    save_billing_profile,
    save_settings,
)
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.models import Channel, Order
from orders.states import Delivery, Lifecycle, Payment

ACTOR = Actor.system("demo")
INVOICES = 20
PRO_FORMAS = 3
SELLER = {
    "legal_name": "Northwind Outdoor sp. z o.o.", "line1": "ul. Składowa 8", "postal_code": "00-001", "city": "Warszawa", "country": "PL",
    "tax_number": "PL5252248481", "register_number": "KRS 0000123456", "email": "invoices@northwind.example", "phone": "+48 22 123 45 67",
    "bank_name": "Bank Polski", "bank_account": "PL61 1090 1014 0000 0712 1981 2874", "bank_code": "WBKPPLPP",
    "automatic": "shipment", "mail": False,
}  # fmt: skip
#: (language, currency, tax number, units of three things, rate of each, shipping, paid, address)
BUSINESSES = (
    ("pl", "PLN", "PL6762473123", (12, 4, 30), ("0.23", "0.23", "0.05"), "49.00", False,
     Address(company="Tatry Guides s.c.", name="Anna Górska", line1="ul. Krupówki 40", postal_code="34-500", city="Zakopane", country="PL")),
    ("tr", "TRY", "TR1234567890", (6, 10, 24), ("0.20", "0.10", "0.20"), "350.00", True,
     Address(company="Ege Dağcılık Ltd.", name="Işıl Çağlar", line1="Kıbrıs Şehitleri Cd. 12", postal_code="35220", city="İzmir", country="TR")),
    ("en", "EUR", "IE6388047V", (3, 3, 12), ("0.23", "0", "0.135"), "25.00", False,
     Address(company="Wicklow Walks Ltd", name="Niamh Byrne", line1="5 Main Street", postal_code="A98 X5P0", city="Bray", country="IE")),
)  # fmt: skip


def seed_invoicing(*, now: datetime) -> None:
    """Some documents of each kind, without their PDFs: those are drawn when somebody wants them. Only where there are none."""
    if Document.objects.exists():
        return
    save_settings(values=SELLER, actor=ACTOR, now=now - timedelta(days=20))
    sold = Order.objects.filter(total__gt=0, historic=False).exclude(lifecycle=Lifecycle.CANCELLED)
    shipped = list(sold.exclude(delivery=Delivery.NOT_SHIPPED).order_by("-pk").values_list("pk", flat=True)[:INVOICES])
    for n, pk in enumerate(reversed(shipped)):
        at = now - timedelta(hours=3 * (len(shipped) - n) + 12)
        made = bill_order(order_id=pk, actor=ACTOR, now=at)
        if made and n % 8 == 3:
            amount = quantize(made[0].total / Decimal(10), made[0].currency)
            credit_invoice(
                invoice_id=made[0].pk, amount=amount, reason="The parcel came late.", key="demo", actor=ACTOR, now=at
            )
    waiting = sold.filter(payment=Payment.UNPAID, delivery=Delivery.NOT_SHIPPED).order_by("-pk")
    for pk in waiting.values_list("pk", flat=True)[:PRO_FORMAS]:
        issue_pro_forma(order_id=pk, key="demo", actor=ACTOR, now=now - timedelta(hours=11))
    _businesses(now=now)


def _businesses(*, now: datetime) -> None:
    """Firms that order with a number of their own and get an invoice with several rates."""
    channel = Channel.objects.filter(active=True).order_by("pk").first()
    things = list(Variant.objects.filter(is_bundle=False, tracking="none", active=True).order_by("pk")[:3])
    if channel is None or len(things) < 3:
        return
    for n, (language, currency, tax_number, units, rates, shipping, paid, address) in enumerate(BUSINESSES, 1):
        at = now - timedelta(hours=10 - n)
        order = _place(channel, things, n, language, currency, units, rates, Decimal(shipping), paid, address, now=at)
        save_billing_profile(order_id=order.pk, tax_number=tax_number, payment_days=30, actor=ACTOR, now=at)
        bill_order(order_id=order.pk, actor=ACTOR, now=at)


def _place(
    channel: Channel, things: list[Variant], n: int, language: str, currency: str, units: tuple[int, ...], rates: tuple[str, ...],
    shipping: Decimal, paid: bool, address: Address, *, now: datetime,
) -> Order:  # fmt: skip
    lines = []
    for thing, count, rate in zip(things, units, rates, strict=True):
        net = thing.price * count
        tax = quantize(net * Decimal(rate), currency)
        lines.append(NewLine(thing.sku, count, thing.price, tax=tax, tax_rate=Decimal(rate)))
    on_shipping = quantize(shipping * Decimal(rates[0]), currency)
    tax_total = sum((line.tax for line in lines), on_shipping)
    total = sum((line.unit_price * line.quantity for line in lines), shipping) + tax_total
    placed = place_order(
        NewOrder(
            channel_id=channel.pk, external_id=f"demo-firm-{n}", number=f"NW-F{n}", placed_at=now, currency=currency, lines=tuple(lines),
            email=f"office{n}@firm.example", customer_name=address.company, language=language, shipping_address=address,
            shipping_total=shipping, tax_total=tax_total, payments=(NewPayment(total, "transfer"),) if paid else (),
        ),
        actor=ACTOR, now=now,
    )  # fmt: skip
    Order.objects.filter(pk=placed.order_id).update(po_number=f"PO-{4700 + n}")
    return Order.objects.get(pk=placed.order_id)
