"""Accounts with mock gateways, and payments through them, made through the product's own operations."""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal
from typing import Any

from orders.models import Order
from payments.models import CapturePolicy, GatewayAccount, PaymentIntent
from payments.operations.accounts import save_account
from payments.operations.asking import ask
from payments.operations.starting import start_payment
from payments.states import OPEN_CALLS, CallKind, CallState
from tests.factories.shop import ACTOR, NOW

_serial = itertools.count(1)
SECRET = "whsec_of_the_test"
CREDENTIALS = {
    "stripe": {"api_key": "sk_test_mock", "webhook_secret": SECRET},
    "paypal": {"client_id": "mock-client", "secret": "mock-secret", "webhook_id": "WH-MOCK"},
}


def make_account(kind: str = "stripe", *, capture: str = CapturePolicy.SHIPPED, **fields: Any) -> GatewayAccount:
    """An account with the mock server."""
    defaults = {"name": f"{kind} {next(_serial)}", "credentials": CREDENTIALS[kind], "test_mode": True, "active": True}
    return save_account(account_id=None, kind=kind, capture=capture, actor=ACTOR, now=NOW, **{**defaults, **fields})


def addresses(intent_id: int, what: str) -> str:
    """Pages of ours that a gateway sends the customer back to."""
    return f"https://shop.example/{what}/{intent_id}"


def start(order: Order, account: GatewayAccount, *, now: datetime = NOW) -> PaymentIntent:
    """A page where the customer can pay."""
    return start_payment(order_id=order.pk, account_id=account.pk, addresses=addresses, actor=ACTOR, now=now)


def paid(order: Order, account: GatewayAccount, ledger: Any, *, now: datetime = NOW) -> PaymentIntent:
    """The customer has paid on the gateway's page, and the gateway was asked."""
    intent = start(order, account, now=now)
    ledger.customer_pays(intent.parent)
    return ask(intent_id=intent.pk, now=now)


def check_books(order: Order, ledger: Any) -> None:
    """Ours equals the gateway's: each payment, the order's sums, and the calls they are made of."""
    order.refresh_from_db()
    captured = refunded = Decimal(0)
    for intent in order.payment_intents.all():
        theirs = ledger.find(intent.parent or intent.reference)
        assert intent.captured == Decimal(theirs["captured"]) / 100
        assert intent.refunded == Decimal(ledger.refunded(theirs)) / 100
        assert 0 <= intent.refunded <= intent.captured <= intent.authorized
        assert intent.captured + intent.released <= intent.authorized
        for kind, total in ((CallKind.CAPTURE, intent.captured), (CallKind.REFUND, intent.refunded)):
            rows = intent.calls.filter(kind=kind, state=CallState.SUCCEEDED)
            assert sum((row.amount for row in rows), Decimal(0)) == total
        captured += intent.captured
        refunded += intent.refunded
    assert order.captured_total == captured
    assert order.refunded_total == refunded
    assert refunded <= captured


def open_calls(order: Order) -> int:
    """Calls whose outcome is not known."""
    return sum(intent.calls.filter(state__in=sorted(OPEN_CALLS)).count() for intent in order.payment_intents.all())
