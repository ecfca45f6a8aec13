"""Payments through gateways over the API: how an order's money stands with them. What moves money is done on the pages."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from api.schemas import Amount, Problem
from core.money import quantize
from core.permissions import require_permission
from core.refusals import NotFound
from orders.models import Order
from payments.models import GatewayCall, PaymentIntent
from payments.operations.calling import due_from_customer
from payments.operations.links import pay_url
from payments.queries import payments_of
from payments.states import OPEN_CALLS

router = Router(tags=["Payments"])


class CallOut(Schema):
    kind: str = Field(description="create, confirm, capture, refund or cancel")
    state: str = Field(description="pending, succeeded, refused or unknown (asked for until it is known)")
    amount: Amount | None
    reference: str = Field(description="the gateway's name of what came of it")
    code: str
    created_at: datetime
    finished_at: datetime | None


class PaymentOut(Schema):
    id: int
    gateway: str = Field(description="stripe or paypal")
    account: str
    state: str
    currency: str
    amount: Amount
    authorized: Amount
    captured: Amount
    refunded: Amount
    released: Amount
    held: Amount = Field(description="authorised, neither captured nor released")
    method: str
    reference: str
    created_at: datetime
    expires_at: datetime | None
    settled: bool = Field(description="false while the outcome of a call is not known")
    calls: list[CallOut]


class OrderPayments(Schema):
    order_id: int
    due: Amount = Field(description="what the customer is still to pay: owed, less what gateways hold")
    pay_url: str = Field(description="the customer's page to pay; whoever has it can pay")
    items: list[PaymentOut]


@router.get("/orders/{order_id}/payments", response={200: OrderPayments, 403: Problem, 404: Problem})
def order_payments(request: HttpRequest, order_id: int) -> OrderPayments:
    """The payments of an order through gateways, newest first, with every call."""
    require_permission(request.api_token, "payments.view")  # type: ignore[attr-defined]
    order = Order.objects.defer("search_text", "search").filter(pk=order_id).first() if order_id < 2**63 else None
    if order is None:
        raise NotFound("no_such_order", "There is no such order.")
    return OrderPayments(
        order_id=order.pk,
        due=quantize(due_from_customer(order), order.currency),
        pay_url=pay_url(order),
        items=[_payment(intent) for intent in payments_of(order)],
    )


def _payment(intent: PaymentIntent) -> PaymentOut:
    calls = sorted(intent.calls.all(), key=lambda call: call.pk)

    def exact(amount: Decimal) -> Decimal:
        return quantize(amount, intent.currency)

    return PaymentOut(
        id=intent.pk, gateway=intent.account.kind, account=intent.account.name, state=intent.state, currency=intent.currency,
        amount=exact(intent.amount), authorized=exact(intent.authorized), captured=exact(intent.captured),
        refunded=exact(intent.refunded), released=exact(intent.released), held=exact(intent.held), method=intent.method,
        reference=intent.reference, created_at=intent.created_at, expires_at=intent.expires_at,
        settled=not any(call.state in OPEN_CALLS for call in calls), calls=[_call(call, intent.currency) for call in calls],
    )  # fmt: skip


def _call(call: GatewayCall, currency: str) -> CallOut:
    return CallOut(
        kind=call.kind, state=call.state, amount=None if call.amount is None else quantize(call.amount, currency),
        reference=call.reference, code=call.code, created_at=call.created_at, finished_at=call.finished_at,
    )  # fmt: skip
