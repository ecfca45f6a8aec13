"""How an order's statuses look."""

from __future__ import annotations

from core.badges import register
from orders.models import PaymentRecord
from orders.states import Delivery, Fulfillment, HoldKind, Lifecycle, Payment, Returning

_TONES = {
    "order.lifecycle": (Lifecycle, {"draft": "neutral", "open": "info", "completed": "ok", "cancelled": "neutral"}),
    "order.payment": (
        Payment,
        {
            "unpaid": "warn",
            "authorized": "info",
            "partially_paid": "warn",
            "paid": "ok",
            "partially_refunded": "neutral",
            "refunded": "neutral",
            "voided": "bad",
        },
    ),
    "order.fulfillment": (
        Fulfillment,
        {
            "unfulfilled": "neutral",
            "on_hold": "warn",
            "scheduled": "neutral",
            "backordered": "bad",
            "in_progress": "info",
            "partially_fulfilled": "info",
            "fulfilled": "ok",
        },
    ),
    "order.delivery": (
        Delivery,
        {
            "not_shipped": "neutral",
            "in_transit": "info",
            "out_for_delivery": "accent",
            "delivered": "ok",
            "exception": "bad",
        },
    ),
    "order.returning": (
        Returning,
        {"none": "neutral", "requested": "warn", "in_progress": "info", "returned": "neutral"},
    ),
    "order.hold": (HoldKind, dict.fromkeys(HoldKind.values, "warn")),
    "payment.kind": (PaymentRecord.Kind, {"authorization": "info", "capture": "ok"}),
}

for _name, (_choices, _tones) in _TONES.items():
    register(_name, {value: (_tones[value], label) for value, label in _choices.choices})
