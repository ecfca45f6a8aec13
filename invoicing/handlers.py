"""Documents that are issued without a person: thin handlers, each safe to run twice, because what is billed is not billed again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.actors import Actor
from core.outbox import own_transactions
from core.paper.weasy import pdf_available
from fulfillment.events import FulfillmentShipped
from fulfillment.models import FulfillmentOrder
from invoicing.models import Document, Settings
from invoicing.operations.issuing import bill_order
from invoicing.queries import ISSUED, SHIPPED, WHOLE, settings
from invoicing.states import Automatic, DocumentKind
from orders.events import OrdersPlaced, PaymentRecorded
from orders.models import Order
from orders.states import Payment

INVOICING = Actor.system("invoicing")


@own_transactions
def orders_placed(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """Orders that came paid: each is billed in a transaction of its own."""
    rules = settings()
    if rules.automatic != Automatic.PAYMENT:
        return
    paid = Order.objects.filter(pk__in=event.order_ids, payment=Payment.PAID, historic=False, captured_total__gt=0)
    for order_id in paid.order_by("pk").values_list("pk", flat=True):
        bill_order(order_id=order_id, scope=WHOLE, mail=_mails(rules), actor=INVOICING, now=now)


def payment_recorded(event: PaymentRecorded, *, actor: Actor, now: datetime) -> None:
    """An order that is paid in full is billed."""
    rules = settings()
    if rules.automatic != Automatic.PAYMENT:
        return
    if Order.objects.filter(pk=event.order_id, payment=Payment.PAID, historic=False).exists():
        bill_order(order_id=event.order_id, scope=WHOLE, mail=_mails(rules), actor=INVOICING, now=now)


def goods_left(event: FulfillmentShipped, *, actor: Actor, now: datetime) -> None:
    """What left is billed, with the shipping the first time."""
    rules = settings()
    if rules.automatic == Automatic.SHIPMENT:
        order_id = FulfillmentOrder.objects.values_list("order_id", flat=True).get(pk=event.fulfillment_order_id)
        bill_order(order_id=order_id, scope=SHIPPED, mail=_mails(rules), actor=INVOICING, now=now)


def order_changed(event: Any, *, actor: Actor, now: datetime) -> None:
    """An order was cancelled in part, refunded or changed (any event with `order_id`): its invoices are corrected."""
    rules = settings()
    if not rules.correct or not Document.objects.filter(order_id=event.order_id, kind=DocumentKind.INVOICE).exists():
        return
    # Where whole orders are billed, what came on top is billed too; else the next shipment bills it.
    scope = WHOLE if rules.automatic == Automatic.PAYMENT and _paid(event.order_id) else ISSUED
    bill_order(order_id=event.order_id, scope=scope, mail=_mails(rules), actor=INVOICING, now=now)


def _mails(rules: Settings) -> bool:
    """Documents are issued on a machine that cannot make PDF too; they are mailed from one that can."""
    return rules.mail and pdf_available()[0]


def _paid(order_id: int) -> bool:
    return Order.objects.filter(pk=order_id, payment=Payment.PAID).exists()
