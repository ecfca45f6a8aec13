"""What programs are told of payments, and what the audit finds when rows are broken past every guard."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from api.tokens import create_token
from oms.integrity import check_integrity
from payments.auditing import CHECKS
from payments.models import GatewayCall, PaymentIntent, WebhookDelivery
from tests.factories.payments import make_account, paid, start
from tests.factories.shop import NOW, make_order
from tests.payments.mock_gateways import Ledger

pytestmark = pytest.mark.django_db


def test_the_payments_of_an_order(gateway: Ledger) -> None:
    order = make_order(paid=False)
    intent = paid(order, make_account(), gateway)
    headers = {"Authorization": f"Bearer {create_token(name='reader', role='viewer')[1]}"}
    answer = Client(headers=headers).get(f"/api/v1/orders/{order.pk}/payments").json()
    (item,) = answer["items"]
    assert (item["state"], item["held"], item["reference"], item["settled"]) == (
        "authorized",
        "10.00",
        intent.reference,
        True,
    )
    assert Decimal(answer["due"]) == 0 and order.token in answer["pay_url"]
    assert [call["kind"] for call in item["calls"]] == ["create"]
    assert Client(headers=headers).get(f"/api/v1/orders/{2**70}/payments").status_code == 404
    warehouse = {"Authorization": f"Bearer {create_token(name='floor', role='warehouse')[1]}"}
    assert Client(headers=warehouse).get(f"/api/v1/orders/{order.pk}/payments").status_code == 403


def _findings() -> set[str]:
    return {finding.check for finding in check_integrity()[1]} & CHECKS.keys()


def test_the_audit_is_clean_and_each_check_finds_what_is_broken(gateway: Ledger) -> None:
    order = make_order(paid=False)
    intent = paid(order, make_account(capture="at_once"), gateway)
    assert _findings() == set()
    rows = PaymentIntent.objects.filter(pk=intent.pk)
    call = {"intent": intent, "actor": "system:test", "actor_label": "test", "created_at": NOW}
    for check, breaking in {
        "a_payment_is_the_sum_of_its_calls": lambda: rows.update(refunded=1),
        "what_gateways_took_and_gave_is_in_the_orders_books": lambda: rows.update(captured=11, authorized=11),
        "money_is_on_its_way_within_bounds": lambda: GatewayCall.objects.create(
            kind="refund", key="x", amount=11, **call
        ),
        "what_is_not_known_is_asked_for": lambda: GatewayCall.objects.create(kind="refund", key="y", amount=1, **call),
    }.items():
        savepoint = transaction.savepoint()
        breaking()
        assert check in _findings(), check
        transaction.savepoint_rollback(savepoint)


def test_the_database_refuses_what_may_not_be(gateway: Ledger) -> None:
    order, account = make_order(paid=False), make_account()
    intent = paid(order, account, gateway)
    rows = PaymentIntent.objects.filter(pk=intent.pk)
    call: dict[str, Any] = {"intent": intent, "actor": "system:test", "actor_label": "t", "created_at": NOW}
    webhook = {"account": account, "event_id": "e", "kind": "x", "said_at": NOW, "received_at": NOW}
    WebhookDelivery.objects.create(**webhook)
    GatewayCall.objects.create(kind="capture", key="first", amount=1, **call)
    other = start(make_order(paid=False), account)
    for breaking in (
        lambda: rows.update(captured=11),
        lambda: rows.update(refunded=1),
        lambda: rows.update(released=11),
        lambda: rows.update(authorized=-1),
        lambda: rows.update(amount=0),
        lambda: rows.update(state="paid"),
        lambda: PaymentIntent.objects.filter(pk=other.pk).update(reference=intent.reference),
        lambda: PaymentIntent.objects.filter(pk=other.pk).update(parent=intent.parent),
        lambda: GatewayCall.objects.create(kind="capture", key="second", amount=1, **call),
        lambda: GatewayCall.objects.create(kind="refund", key="first", amount=1, **call),
        lambda: GatewayCall.objects.create(kind="refund", key="none", amount=None, **call),
        lambda: GatewayCall.objects.create(kind="refund", key="zero", amount=0, **call),
        lambda: GatewayCall.objects.create(kind="gift", key="kind", amount=1, **call),
        lambda: WebhookDelivery.objects.create(**webhook),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            breaking()
