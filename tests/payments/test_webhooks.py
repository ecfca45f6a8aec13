"""Messages of gateways: forged, old, repeated, out of order, about somebody else's order: refused or harmless."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stripe
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.actors import Actor
from core.models import OutboxEvent
from orders.models import Order
from payments.events import WebhookArrived
from payments.handlers import work_in_webhook
from payments.models import GatewayAccount, WebhookDelivery, WebhookState
from payments.states import IntentState
from tests.factories.payments import SECRET, check_books, make_account, paid, start
from tests.factories.shop import make_order
from tests.payments.mock_gateways import Ledger

pytestmark = pytest.mark.django_db
_events = itertools.count(1)


def event(reference: str, **fields: Any) -> str:
    now = int(timezone.now().timestamp())
    defaults = {
        "id": f"evt_{next(_events)}", "type": "payment_intent.succeeded", "created": now, "data": {"object": {"id": reference}},
    }  # fmt: skip
    return json.dumps({**defaults, **fields})


def post(
    account: GatewayAccount, body: str, *, secret: str = SECRET, at: datetime | None = None, **headers: str
) -> HttpResponse:
    moment = int((at or timezone.now()).timestamp())
    signature = stripe.WebhookSignature.generate_signature_header(body, secret, moment)
    return Client(enforce_csrf_checks=True).post(
        reverse("payment-webhook", args=[account.webhook_token]), body, content_type="application/json",
        headers={"Stripe-Signature": signature, **headers},
    )  # fmt: skip


def work(account: GatewayAccount) -> None:
    """What the worker does with the messages that wait, newest first: the order in which they come does not matter."""
    for delivery in WebhookDelivery.objects.filter(account=account, state=WebhookState.WAITING).order_by("-pk"):
        work_in_webhook(WebhookArrived(delivery.pk), actor=Actor.system("test"), now=timezone.now())


def unpaid() -> Order:
    return make_order(paid=False)


def test_a_message_has_the_gateway_asked(gateway: Ledger) -> None:
    order, account = unpaid(), make_account()
    intent = start(order, account)
    name = gateway.customer_pays(intent.parent)
    body = event(
        intent.parent, type="checkout.session.completed", data={"object": {"id": intent.parent, "payment_intent": name}}
    )
    assert post(account, body).status_code == 200
    assert OutboxEvent.objects.filter(name="gateway.webhook_arrived").count() == 1
    work(account)
    intent.refresh_from_db()
    order.refresh_from_db()
    assert (intent.state, intent.reference, order.authorized_total) == (IntentState.AUTHORIZED, name, Decimal(10))


def test_forged_is_refused_and_leaves_nothing(gateway: Ledger) -> None:
    account, other = make_account(), make_account(credentials={"api_key": "sk_test_o", "webhook_secret": "whsec_other"})
    body = event("pi_1")
    good = stripe.WebhookSignature.generate_signature_header(body, SECRET, int(timezone.now().timestamp()))
    tries = [
        post(account, body, secret="whsec_wrong"),
        post(account, body, secret=""),
        post(other, body),  # the secret of another account
        post(account, body + " ", **{"Stripe-Signature": good}),  # one byte more than was signed
        post(account, body, **{"Stripe-Signature": ""}),
        post(account, body, **{"Stripe-Signature": "t=now,v1=x"}),
        post(account, body, **{"Stripe-Signature": good.replace("v1", "v0")}),
        post(account, body, at=timezone.now() - timedelta(minutes=6)),
        post(account, body, at=timezone.now() + timedelta(minutes=6)),
        post(account, "[]"),
        post(account, '{"id": 1'),
        post(account, event("x", data=None)),
    ]
    assert [response.status_code for response in tries] == [400] * len(tries)
    assert not WebhookDelivery.objects.exists()
    assert not gateway.log


def test_an_account_without_a_secret_takes_nothing(gateway: Ledger) -> None:
    account = make_account(credentials={"api_key": "sk_test_o", "webhook_secret": ""})
    assert post(account, event("pi_1"), secret="").status_code == 400


def test_unknown_address_large_body_and_other_methods(gateway: Ledger) -> None:
    account = make_account()
    url = reverse("payment-webhook", args=["x" * 32])
    assert Client().post(url, "{}", content_type="application/json").status_code == 404
    assert Client().get(reverse("payment-webhook", args=[account.webhook_token])).status_code == 405
    assert post(account, " " * (256 * 1024 + 1)).status_code == 413


def test_too_many_forged_ones_are_not_even_looked_at(gateway: Ledger) -> None:
    account = make_account()
    codes = [post(account, event("pi_1"), secret="wrong").status_code for _n in range(35)]
    assert codes[:30] == [400] * 30 and codes[-1] == 429


def test_repeated_is_taken_once(gateway: Ledger) -> None:
    order, account = unpaid(), make_account()
    intent = paid(order, account, gateway)
    body = event(intent.reference)
    for _n in range(3):
        assert post(account, body).status_code == 200
    delivery = WebhookDelivery.objects.get()
    assert delivery.repeats == 2 and OutboxEvent.objects.filter(name="gateway.webhook_arrived").count() == 1
    work(account)
    for _n in range(2):
        work_in_webhook(WebhookArrived(delivery.pk), actor=Actor.system("test"), now=timezone.now())
    check_books(order, gateway)
    assert order.authorized_total == Decimal(10)


def test_about_a_payment_nobody_knows(gateway: Ledger) -> None:
    account = make_account()
    assert post(account, event("pi_of_nobody")).status_code == 200
    work(account)
    assert WebhookDelivery.objects.get().state == WebhookState.IGNORED


def test_what_it_says_moves_no_money(gateway: Ledger) -> None:
    """A message that claims an amount, rightly signed: the gateway is asked and says that nothing was paid."""
    order, account = unpaid(), make_account()
    intent = start(order, account)
    says = {"id": intent.parent, "status": "complete", "payment_status": "paid", "amount_total": 999_999}
    assert post(account, event(intent.parent, data={"object": says})).status_code == 200
    work(account)
    order.refresh_from_db()
    assert order.captured_total == order.authorized_total == 0


def test_a_valid_payment_of_another_order_pays_its_own_order_only(gateway: Ledger) -> None:
    mine, theirs, account = unpaid(), unpaid(), make_account(capture="at_once")
    their_intent, my_intent = start(theirs, account), start(mine, account)
    name = gateway.customer_pays(their_intent.parent)
    # The gateway's own page of mine is made to name the payment of theirs: metadata says whose it is.
    gateway.find(my_intent.parent)["id"] = name
    assert post(account, event(my_intent.parent)).status_code == 200
    work(account)
    mine.refresh_from_db()
    assert mine.captured_total == 0
    assert WebhookDelivery.objects.get().state == WebhookState.IGNORED


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_messages_ends_alike(gateway: Ledger, data: st.DataObject) -> None:
    order, account = unpaid(), make_account()
    intent = start(order, account)
    name = gateway.customer_pays(intent.parent)
    theirs = gateway.find(intent.parent)
    gateway.take(theirs, 1000, "", final=True)
    gateway.give_back(theirs, 300, "", "")
    stream = [event(one) for one in (intent.parent, name, name, name)]
    for body in data.draw(st.permutations(stream + stream[:2])):
        assert post(account, body).status_code == 200
        if data.draw(st.booleans()):
            work(account)
    work(account)
    check_books(order, gateway)
    assert (order.captured_total, order.refunded_total) == (Decimal(10), Decimal(3))


class TestPayPal:
    HEADERS = {
        "PayPal-Auth-Algo": "SHA256withRSA", "PayPal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
        "PayPal-Transmission-Id": "t-1", "PayPal-Transmission-Sig": "c2ln",
    }  # fmt: skip

    def send(self, account: GatewayAccount, body: str, **headers: str) -> HttpResponse:
        given = {**self.HEADERS, "PayPal-Transmission-Time": timezone.now().isoformat(), **headers}
        url = reverse("payment-webhook", args=[account.webhook_token])
        return Client(enforce_csrf_checks=True).post(url, body, content_type="application/json", headers=given)

    def body(self, name: str) -> str:
        resource = {"id": "CAP-1", "supplementary_data": {"related_ids": {"order_id": name}}}
        moment = timezone.now().isoformat()
        return json.dumps(
            {
                "id": f"WH-{next(_events)}",
                "event_type": "CHECKOUT.ORDER.APPROVED",
                "create_time": moment,
                "resource": resource,
            }
        )

    def test_approved_is_confirmed_by_the_worker(self, gateway: Ledger) -> None:
        order, account = unpaid(), make_account("paypal")
        intent = start(order, account)
        gateway.customer_pays(intent.parent)
        assert self.send(account, self.body(intent.parent)).status_code == 200
        work(account)
        intent.refresh_from_db()
        assert intent.state == IntentState.AUTHORIZED

    def test_paypal_is_asked_about_the_signature(self, gateway: Ledger) -> None:
        account = make_account("paypal")
        gateway.verified = False
        assert self.send(account, self.body("PP-1")).status_code == 400
        gateway.verified = True
        gateway.arm("verify-webhook-signature", "before")
        assert self.send(account, self.body("PP-1")).status_code == 503  # PayPal sends it again
        assert not WebhookDelivery.objects.exists()

    def test_what_cannot_be_paypals_is_refused_without_asking(self, gateway: Ledger) -> None:
        account = make_account("paypal")
        body = self.body("PP-1")
        tries = [
            self.send(account, body, **{"PayPal-Cert-Url": "https://paypal.com.example/cert"}),
            self.send(account, body, **{"PayPal-Cert-Url": "https://evilpaypal.com/cert"}),
            self.send(account, body, **{"PayPal-Transmission-Sig": ""}),
            self.send(account, body, **{"PayPal-Transmission-Time": (timezone.now() - timedelta(hours=1)).isoformat()}),
            self.send(account, body, **{"PayPal-Transmission-Time": "yesterday"}),
            self.send(account, "{}"),
            self.send(account, '"x"}, "webhook_id": "mine"'),
        ]
        assert [response.status_code for response in tries] == [400] * len(tries)
        assert not any("verify" in path for _method, path, _key in gateway.log)
