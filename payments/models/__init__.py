"""Money through gateways: accounts with them, payments of orders, each call made, each message received."""

from payments.models.credit import ADDING, CreditAccount, CreditEntry, CreditGrant, CreditKind
from payments.models.gateways import (
    CapturePolicy,
    GatewayAccount,
    GatewayCall,
    GatewayKind,
    PaymentIntent,
    WebhookDelivery,
    WebhookState,
)
from payments.models.manual import Certainty, Collection, MethodKind, PaymentMethod, StatementLine, StatementState

__all__ = [
    "ADDING",
    "CapturePolicy",
    "Certainty",
    "Collection",
    "CreditAccount",
    "CreditEntry",
    "CreditGrant",
    "CreditKind",
    "GatewayAccount",
    "GatewayCall",
    "GatewayKind",
    "MethodKind",
    "PaymentIntent",
    "PaymentMethod",
    "StatementLine",
    "StatementState",
    "WebhookDelivery",
    "WebhookState",
]
