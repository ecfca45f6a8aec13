"""Money of the demo shop besides gateways: rates of a month, ways of paying, store credit, invoices that are due, a bank's statement."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from core.actors import Actor
from currencies.ecb import Quoted
from currencies.models import ExchangeRate
from currencies.operations import take_rates
from orders.models import OWING, Order
from payments.models import CreditAccount, MethodKind, PaymentMethod
from payments.operations.credit import grant_credit
from payments.operations.statements import Incoming, take_statement

ACTOR = Actor.system("demo")
#: Units for one euro on the first day; each day after that they move a little.
RATES = {
    "PLN": "4.3150",
    "USD": "1.0842",
    "GBP": "0.8391",
    "TRY": "37.4120",
    "CHF": "0.9365",
    "SEK": "11.4870",
    "JPY": "163.42",
}
DAYS = 45
TERMS = (-12, -4, 9, 24, 41, 75, 118)
IBAN = "PL61 1090 1014 0000 0712 1981 2874"


def seed_rates(*, now: datetime) -> None:
    """Rates of working days, before any order is placed. Invented, and named as what they are read as."""
    if ExchangeRate.objects.exists():
        return
    days = [(now - timedelta(days=n)).date() for n in range(DAYS)]
    take_rates(
        [
            Quoted(day, currency, (Decimal(rate) * (1 + Decimal((day.toordinal() * 7 + n * 3) % 11 - 5) / 1000)).quantize(Decimal("0.0001")))
            for day in days
            if day.weekday() < 5
            for n, (currency, rate) in enumerate(RATES.items())
        ]
    )  # fmt: skip


def seed_money(*, now: datetime) -> None:
    """What the pages of receivables, store credit and statements show."""
    if CreditAccount.objects.exists():
        return
    PaymentMethod.objects.filter(kind=MethodKind.BANK_TRANSFER).update(
        instructions=f"Bank Polski\nIBAN {IBAN}", offered=True
    )
    owing = list(Order.objects.filter(OWING, lifecycle="open").order_by("-placed_at", "-pk")[: len(TERMS)])
    for order, days in zip(owing, TERMS, strict=False):
        Order.objects.filter(pk=order.pk).update(payment_due_on=(now - timedelta(days=days)).date())
    paid = Order.objects.filter(payment="paid", customer__isnull=False).order_by("-placed_at", "-pk")[:6]
    for n, order in enumerate(paid):
        assert order.customer_id is not None  # noqa: S101 - filtered above
        grant_credit(
            customer_id=order.customer_id, currency=order.currency, amount=Decimal(5 * (n + 1)), reason="A late parcel",
            expires_on=(now + timedelta(days=90 * n)).date() if n % 2 else None, key=f"demo-{n}", actor=ACTOR, now=now - timedelta(days=n),
        )  # fmt: skip
    day = (now - timedelta(days=1)).date()
    lines = [
        Incoming(day, order.owed_by_customer, order.currency, order.customer_name, f"Order {order.number}")
        for order in owing[:2]
    ]
    lines += [
        Incoming(day, Decimal("19.90"), order.currency, order.customer_name, f"{order.number} part")
        for order in owing[2:3]
    ]
    lines.append(Incoming(day, Decimal("250.00"), "EUR", "Alpine Supplies", "refund of a deposit"))
    take_statement(lines, file_name="statement.csv", now=now)
