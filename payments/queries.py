"""What pages and programs read of payments."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from orders.models import Order
from payments.models import GatewayAccount, GatewayCall, PaymentIntent
from payments.states import OPEN_CALLS, CallKind, CallState


def listed() -> QuerySet[PaymentIntent]:
    """Payments with what a row shows."""
    return PaymentIntent.objects.select_related("account", "order").only(
        "state", "amount", "currency", "authorized", "captured", "refunded", "released", "method", "created_at",
        "expires_at", "reference", "account__name", "order__number",
    )  # fmt: skip


def unsettled(payments: QuerySet[PaymentIntent]) -> QuerySet[PaymentIntent]:
    """Those of which something is not known, or where money was refused to move."""
    calls = GatewayCall.objects.filter(intent=OuterRef("pk"))
    refused = Q(state=CallState.REFUSED, kind__in=[CallKind.CAPTURE, CallKind.REFUND]) | Q(code="came_back")
    return payments.filter(Exists(calls.filter(Q(state__in=sorted(OPEN_CALLS)) | refused)))


def offered_accounts() -> list[GatewayAccount]:
    """The accounts that customers can choose from, without their credentials."""
    return list(GatewayAccount.objects.filter(active=True).defer("credentials").order_by("name"))


def payments_of(order: Order) -> list[PaymentIntent]:
    """The payments of an order with their calls, newest first: two statements."""
    rows = order.payment_intents.select_related("account").prefetch_related("calls")
    return list(rows.order_by("-created_at", "-pk"))
