"""Stripe's official client against localstripe: payments that began in a shop's own checkout are taken over, captured, refunded.

localstripe ignores idempotency keys and lets over-refunds pass: what holds here is held by us.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stripe

from core.refusals import Refusal
from orders.models import Order
from payments.models import PaymentIntent
from payments.operations.accounts import check_account
from payments.operations.asking import ask
from payments.operations.calling import ask_for_cancel, ask_for_capture, send
from payments.operations.paying_back import pay_back
from payments.operations.starting import adopt_payment
from payments.states import CallState, IntentState
from tests.factories.payments import make_account
from tests.factories.shop import ACTOR, NOW, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("localstripe_server.py")
    process = subprocess.Popen([sys.executable, str(script), str(port)], cwd="/", stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _try in range(150):
        try:
            urllib.request.urlopen(f"{url}/v1/nothing", timeout=1)
        except urllib.error.HTTPError:
            break
        except OSError:
            assert process.poll() is None, "localstripe did not start"
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def account(localstripe: str, settings: Any) -> Any:
    settings.PAYMENT_GATEWAY_URLS = {"stripe": localstripe, "paypal": ""}
    return make_account("stripe")


def at_checkout(url: str, cents: int = 1000, *, manual: bool = True, card: str = "4242424242424242") -> str:
    """What a shop's own checkout does: a confirmed PaymentIntent."""
    client = stripe.StripeClient("sk_test_mock", base_addresses={"api": url}).v1
    method = client.payment_methods.create(
        {"type": "card", "card": {"number": card, "exp_month": 12, "exp_year": 2040, "cvc": "123"}}
    )
    intent = client.payment_intents.create(
        {
            "amount": cents, "currency": "eur", "payment_method": method.id, "confirm": True,
            "capture_method": "manual" if manual else "automatic",
        }
    )  # fmt: skip
    return str(intent.id)


def taken_over(account: Any, url: str, **options: Any) -> tuple[Order, PaymentIntent]:
    order = make_order(paid=False)
    reference = at_checkout(url, **options)
    return order, adopt_payment(order_id=order.pk, account_id=account.pk, reference=reference, actor=ACTOR, now=NOW)


def captured(intent: PaymentIntent, amount: str, key: str = "c") -> str:
    call, new = ask_for_capture(
        intent_id=intent.pk, amount=Decimal(amount), key=f"{key}-{intent.pk}", actor=ACTOR, now=NOW
    )
    return send(call, now=NOW).state if new else call.state


def theirs(url: str, intent: PaymentIntent) -> Any:
    return stripe.StripeClient("sk_test_mock", base_addresses={"api": url}).v1.payment_intents.retrieve(
        intent.reference
    )


def test_the_connection_is_tested(account: Any) -> None:
    answer = check_account(account_id=account.pk, now=NOW)
    assert answer == ""


def test_authorised_captured_refunded(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe)
    assert (intent.state, intent.authorized) == (IntentState.AUTHORIZED, Decimal(10))
    assert captured(intent, "10") == CallState.SUCCEEDED
    assert theirs(localstripe, intent).status == "succeeded"
    pay_back(order_id=order.pk, amount=Decimal(4), reason="", key="r", actor=ACTOR, now=NOW)
    intent = ask(intent_id=intent.pk, now=NOW)
    order.refresh_from_db()
    assert (intent.captured, intent.refunded, order.refunded_total) == (Decimal(10), Decimal(4), Decimal(4))


def test_a_part_is_captured_and_the_rest_released(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe)
    assert captured(intent, "6") == CallState.SUCCEEDED
    intent = ask(intent_id=intent.pk, now=NOW)
    order.refresh_from_db()
    assert (intent.captured, intent.released, intent.state) == (Decimal(6), Decimal(4), IntentState.CAPTURED)
    assert (order.captured_total, order.authorized_total, order.owed_by_customer) == (
        Decimal(6),
        Decimal(6),
        Decimal(4),
    )


def test_over_refunds_that_localstripe_lets_pass_are_refused_here(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe)
    captured(intent, "10")
    pay_back(order_id=order.pk, amount=Decimal(7), reason="", key="a", actor=ACTOR, now=NOW)
    with pytest.raises(Refusal) as refusal:
        pay_back(order_id=order.pk, amount=Decimal(4), reason="", key="b", actor=ACTOR, now=NOW)
    assert refusal.value.code == "over_refund"
    refunds = stripe.StripeClient("sk_test_mock", base_addresses={"api": localstripe}).v1.refunds
    assert [row.amount for row in refunds.list({"payment_intent": intent.reference}).data] == [700]


def test_the_same_key_twice_is_sent_once_though_localstripe_ignores_keys(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe)
    for _n in range(2):
        assert captured(intent, "10", key="same") == CallState.SUCCEEDED
    for _n in range(3):
        pay_back(order_id=order.pk, amount=Decimal(3), reason="", key="same", actor=ACTOR, now=NOW)
    refunds = stripe.StripeClient("sk_test_mock", base_addresses={"api": localstripe}).v1.refunds
    assert [row.amount for row in refunds.list({"payment_intent": intent.reference}).data] == [300]


def test_a_release(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe)
    call, _new = ask_for_cancel(intent_id=intent.pk, key="x", actor=ACTOR, now=NOW)
    assert send(call, now=NOW).state == CallState.SUCCEEDED
    assert theirs(localstripe, intent).status == "canceled"
    order.refresh_from_db()
    assert (order.authorized_total, order.payment) == (0, "voided")


def test_captured_at_once_elsewhere(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe, manual=False)
    order.refresh_from_db()
    assert (intent.state, order.captured_total, order.payment) == (IntentState.CAPTURED, Decimal(10), "paid")


def test_what_was_captured_on_stripes_own_pages_is_found(account: Any, localstripe: str) -> None:
    order, intent = taken_over(account, localstripe)
    client = stripe.StripeClient("sk_test_mock", base_addresses={"api": localstripe}).v1
    client.payment_intents.capture(intent.reference)
    client.refunds.create({"payment_intent": intent.reference, "amount": 250})
    for _n in range(2):
        ask(intent_id=intent.pk, now=NOW)
    order.refresh_from_db()
    assert (order.captured_total, order.refunded_total) == (Decimal(10), Decimal("2.50"))
