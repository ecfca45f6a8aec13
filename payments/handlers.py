"""What payments do when something happened elsewhere. All of them call gateways, so they run outside a transaction and may run twice."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from core.outbox import own_transactions
from fulfillment.events import FulfillmentShipped
from fulfillment.models import FulfillmentOrder
from orders.events import OrderCancelled, PaymentRecorded
from orders.models import Order
from orders.states import Lifecycle
from payments.events import WebhookArrived
from payments.models import PaymentIntent
from payments.operations.messages import work_in
from payments.operations.shipping import capture_shipped, let_go
from payments.states import HOLDING

_PAYMENTS = Actor.system("payments")


@own_transactions
def capture_at_shipment(event: FulfillmentShipped, *, actor: Actor, now: datetime) -> None:
    """Goods left: what they are worth is taken; with the last parcel, what is still held beyond it is let go."""
    order_id = FulfillmentOrder.objects.values_list("order_id", flat=True).get(pk=event.fulfillment_order_id)
    cause = f"fulfillment:{event.fulfillment_order_id}"
    capture_shipped(order_id=order_id, cause=cause, actor=_PAYMENTS, now=now)
    let_go(order_id=order_id, cause=f"{cause}:rest", actor=_PAYMENTS, now=now)


@own_transactions
def void_cancelled(event: OrderCancelled, *, actor: Actor, now: datetime) -> None:
    """Cancelled: what is held for an order that owes nothing more is let go."""
    version = Order.objects.values_list("version", flat=True).get(pk=event.order_id)
    let_go(order_id=event.order_id, cause=f"cancelled:{event.order_id}:{version}", actor=_PAYMENTS, now=now)


@own_transactions
def void_what_came_late(event: PaymentRecorded, *, actor: Actor, now: datetime) -> None:
    """Money was authorised for an order that was cancelled or finished meanwhile: it is let go."""
    order = Order.objects.only("lifecycle", "version").get(pk=event.order_id)
    if order.lifecycle == Lifecycle.OPEN:
        return
    if PaymentIntent.objects.filter(order=order.pk, state__in=sorted(HOLDING)).exists():
        let_go(order_id=order.pk, cause=f"late:{order.pk}:{order.version}", actor=_PAYMENTS, now=now)


@own_transactions
def work_in_webhook(event: WebhookArrived, *, actor: Actor, now: datetime) -> None:
    """A gateway says that something happened: it is asked what."""
    work_in(event.delivery_id, now=now)
