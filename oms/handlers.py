"""What orders and stock do when something happened elsewhere: thin handlers over use cases, each safe to run twice."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from core.outbox import own_transactions
from fulfillment.events import FulfillmentShort
from fulfillment.models import FulfillmentOrder
from inventory.events import StockIncreased
from oms.orchestration.changing.telling import mail_change
from oms.orchestration.hold_order import release_if_paid
from oms.orchestration.route_order import fill_backorders, route_order, route_waiting
from orders.events import OrderChanged, OrdersPlaced, PaymentRecorded
from orders.models import OrderLine
from routing.events import RulesPublished

ROUTING = Actor.system("routing")


@own_transactions
def fill_waiting_orders(event: StockIncreased, *, actor: Actor, now: datetime) -> None:
    """Stock came in: those who wait for it get it, in the order of service."""
    fill_backorders(variant_ids=event.variant_ids, actor=ROUTING, now=now)


@own_transactions
def look_again_at_shortages(event: OrdersPlaced, *, actor: Actor, now: datetime) -> None:
    """Stock that came in while an order was being placed may have missed it: look once more."""
    short = OrderLine.objects.filter(order_id__in=event.order_ids, backordered__gt=0).values_list(
        "variant_id", flat=True
    )
    if variant_ids := sorted(set(short)):
        fill_backorders(variant_ids=variant_ids, actor=ROUTING, now=now)


def let_paid_order_go(event: PaymentRecorded, *, actor: Actor, now: datetime) -> None:
    """Paid: what waited for the payment goes on."""
    release_if_paid(order_id=event.order_id, actor=Actor.system("payments"), now=now)


def tell_customer_changed(event: OrderChanged, *, actor: Actor, now: datetime) -> None:
    """The customer hears what was changed, what it costs now, and where the rest can be paid."""
    mail_change(event.change_id, now=now)


def route_the_rest(event: FulfillmentShort, *, actor: Actor, now: datetime) -> None:
    """A picker found too little: the missing units look for another place."""
    order_id = FulfillmentOrder.objects.values_list("order_id", flat=True).get(pk=event.fulfillment_order_id)
    route_order(order_id=order_id, cause="short_pick", actor=ROUTING, now=now)


@own_transactions
def try_unroutable_orders(event: RulesPublished, *, actor: Actor, now: datetime) -> None:
    """Other rules are live: what no location could ship before may have a place now."""
    route_waiting(actor=ROUTING, now=now)
