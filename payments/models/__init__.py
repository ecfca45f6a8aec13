"""Money through gateways: accounts with them, payments of orders, each call made, each message received."""

from payments.models.gateways import (
    CapturePolicy,
    GatewayAccount,
    GatewayCall,
    GatewayKind,
    PaymentIntent,
    WebhookDelivery,
    WebhookState,
)

__all__ = [
    "CapturePolicy",
    "GatewayAccount",
    "GatewayCall",
    "GatewayKind",
    "PaymentIntent",
    "WebhookDelivery",
    "WebhookState",
]
