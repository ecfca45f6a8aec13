"""THE table: domain event → handlers that react to it. Handlers run once per event, in one transaction with their effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.outbox import Event
from fulfillment.events import FulfillmentShort
from inventory.events import StockIncreased
from orders.events import OrdersPlaced, PaymentRecorded

SUBSCRIPTIONS: Mapping[type[Event], Sequence[str]] = {
    OrdersPlaced: ["oms.handlers.look_again_at_shortages"],
    PaymentRecorded: ["oms.handlers.let_paid_order_go"],
    StockIncreased: ["oms.handlers.fill_waiting_orders"],
    FulfillmentShort: ["oms.handlers.route_the_rest"],
}
