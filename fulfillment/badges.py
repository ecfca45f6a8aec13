"""How the states of work orders and shipments look."""

from __future__ import annotations

from core.badges import register
from fulfillment.states import FulfillmentState, ShipmentState

_FULFILLMENT = {
    "scheduled": "neutral", "open": "accent", "on_hold": "warn", "picking": "info", "picked": "info", "packed": "info",
    "shipped": "ok", "delivered": "ok", "cancelled": "neutral", "incomplete": "bad",
}  # fmt: skip
_SHIPMENT = {
    "label_requested": "warn", "label_purchased": "info", "in_transit": "info", "out_for_delivery": "accent", "delivered": "ok",
    "exception": "bad", "void_requested": "warn", "voided": "neutral",
}  # fmt: skip

register("fulfillment", {state.value: (_FULFILLMENT[state.value], state.label) for state in FulfillmentState})
register("shipment", {state.value: (_SHIPMENT[state.value], state.label) for state in ShipmentState})
