"""Payments for the walk over every address: an account, one payment that holds money, one that waits for its customer."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from orders.models import Channel
from tests.factories.payments import SECRET, make_account, paid, start
from tests.factories.shop import make_order
from tests.payments.mock_gateways import Ledger


def payments_in_each_state(channel: Channel, ledger: Ledger) -> dict[str, Any]:
    """Rows for the world. The ledger keeps what is done to it; the rows are taken back after each test."""
    now = timezone.now()
    account = make_account("stripe", name="Card")
    held, waiting, elsewhere = (make_order(channel, [("TEE", 1)], now=now, paid=False) for _n in range(3))
    theirs = ledger.new_payment(1000, elsewhere.currency.lower(), True, {})
    return {
        "gateway_account": account,
        "held_payment": paid(held, account, ledger, now=now),
        "waiting_payment": start(waiting, account, now=now),
        "elsewhere": elsewhere,
        "elsewhere_reference": ledger.customer_pays(theirs["parent"]),
    }


def signed_event(
    reference: str, *, event_id: str = "evt_walk", kind: str = "payment_intent.succeeded"
) -> tuple[str, str]:
    """The body of a message of Stripe and its signature."""
    import stripe

    now = int(timezone.now().timestamp())
    body = json.dumps({"id": event_id, "type": kind, "created": now, "data": {"object": {"id": reference}}})
    return body, stripe.WebhookSignature.generate_signature_header(body, SECRET, now)
