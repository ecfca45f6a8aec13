"""THE table: domain event → handlers that react to it. Handlers run once per event, in one transaction with their effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from availability.events import AvailabilityChanged
from core.outbox import Event
from customers.portal.links import TrackingLinkAsked
from drafts.events import DraftSent
from fulfillment.events import FulfillmentShipped, FulfillmentShort, ShipmentDelivered
from inventory.events import StockChanged, StockIncreased
from invoicing.events import DocumentIssued, DocumentMailAsked
from orders.events import OrderCancelled, OrderChanged, OrderRateFixed, OrdersPlaced, PaymentRecorded, RefundRecorded
from payments.events import WebhookArrived
from purchasing.events import LandedCostChanged, PurchaseDatesChanged, PurchaseOrderSent
from returns.events import ReturnApproved, ReturnDeclined, ReturnReceived, ReturnRequested, ReturnResolved
from routing.events import RulesPublished

SUBSCRIPTIONS: Mapping[type[Event], Sequence[str]] = {
    OrdersPlaced: [
        "oms.risk_handlers.screen_new_orders",
        "oms.handlers.look_again_at_shortages",
        "reports.handlers.orders_placed",
        "availability.handlers.orders_placed",
        "forecasting.handlers.orders_placed",
        "replenishment.handlers.orders_placed",
        "backorders.handlers.orders_placed",
        "invoicing.handlers.orders_placed",
    ],
    OrderChanged: [
        "oms.risk_handlers.screen_changed_order",
        "reports.handlers.order_changed",
        "availability.handlers.order_changed",
        "forecasting.handlers.order_changed",
        "invoicing.handlers.order_changed",
        "backorders.handlers.order_fell_or_rose",
        "oms.handlers.tell_customer_changed",
    ],
    OrderCancelled: [
        "reports.handlers.order_changed",
        "availability.handlers.order_cancelled",
        "forecasting.handlers.order_cancelled",
        "payments.handlers.void_cancelled",
        "backorders.handlers.order_fell_or_rose",
        "invoicing.handlers.order_changed",
    ],
    OrderRateFixed: ["reports.handlers.order_changed"],
    RefundRecorded: [
        "oms.money_handlers.close_refunded_return",
        "reports.handlers.order_changed",
        "invoicing.handlers.order_changed",
    ],
    PaymentRecorded: [
        "oms.handlers.let_paid_order_go",
        "payments.handlers.void_what_came_late",
        "invoicing.handlers.payment_recorded",
    ],
    StockChanged: [
        "availability.handlers.stock_changed",
        "forecasting.handlers.stock_changed",
        "replenishment.handlers.stock_changed",
        "backorders.handlers.stock_changed",
        "purchasing.handlers.follow_stock",
    ],
    DocumentIssued: ["invoicing.mailing.mail_issued"],
    DocumentMailAsked: ["invoicing.mailing.mail_again"],
    AvailabilityChanged: ["availability.webhooks.posting.post_changes"],
    DraftSent: ["drafts.mailing.mail_draft"],
    PurchaseOrderSent: ["purchasing.mailing.mail_purchase"],
    PurchaseDatesChanged: ["backorders.handlers.purchase_dates_changed"],
    LandedCostChanged: ["purchasing.handlers.follow_landed_cost"],
    WebhookArrived: ["payments.handlers.work_in_webhook"],
    StockIncreased: ["oms.handlers.fill_waiting_orders"],
    RulesPublished: ["oms.handlers.try_unroutable_orders"],
    FulfillmentShort: ["oms.handlers.route_the_rest"],
    FulfillmentShipped: [
        "fulfillment.handlers.tell_customer_shipped",
        "fulfillment.handlers.parcel_left",
        "payments.handlers.capture_at_shipment",
        "invoicing.handlers.goods_left",
    ],
    ShipmentDelivered: ["fulfillment.handlers.tell_customer_delivered", "fulfillment.handlers.parcel_arrived"],
    TrackingLinkAsked: ["customers.portal.links.mail_tracking_links"],
    ReturnRequested: ["returns.notices.mail_return_requested"],
    ReturnApproved: ["returns.reactions.order_return_label", "returns.notices.mail_return_approved"],
    ReturnDeclined: ["returns.notices.mail_return_declined"],
    ReturnReceived: ["returns.notices.mail_return_received"],
    ReturnResolved: ["returns.notices.mail_return_resolved"],
}
