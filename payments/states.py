"""The words and edges of a payment through a gateway and of one call to it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class IntentState(models.TextChoices):
    CREATED = "created", _("Being set up")
    REQUIRES_ACTION = "requires_action", _("Waiting for the customer")
    AUTHORIZED = "authorized", _("Authorised")
    PARTLY_CAPTURED = "partly_captured", _("Partly captured")
    CAPTURED = "captured", _("Captured")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


class CallKind(models.TextChoices):
    CREATE = "create", _("Set up")
    CONFIRM = "confirm", _("Confirm")
    CAPTURE = "capture", _("Capture")
    REFUND = "refund", _("Refund")
    CANCEL = "cancel", _("Release")


class CallState(models.TextChoices):
    PENDING = "pending", _("Under way")
    SUCCEEDED = "succeeded", _("Done")
    REFUSED = "refused", _("Refused")
    UNKNOWN = "unknown", _("Not known")


#: Nothing more happens to a payment in one of these, except refunds of what was captured.
CLOSED = frozenset({IntentState.CAPTURED, IntentState.CANCELLED, IntentState.FAILED})
#: Money is held for us and can be taken or let go.
HOLDING = frozenset({IntentState.AUTHORIZED, IntentState.PARTLY_CAPTURED})
#: The customer may still pay.
WAITING = frozenset({IntentState.CREATED, IntentState.REQUIRES_ACTION})
#: Calls whose outcome we do not have: they count against what may be captured and refunded.
OPEN_CALLS = frozenset({CallState.PENDING, CallState.UNKNOWN})

#: A payment's life. A gateway is asked for the facts and may tell several steps at once, so each state leads on to all later ones.
INTENT_MACHINE = StateMachine(
    "payments.intent",
    "state",
    dict(IntentState.choices),
    [
        Action("await_customer", _("Send the customer to the gateway"), frozenset({"created"}), "requires_action"),
        Action("authorize", _("Authorise"), WAITING, "authorized"),
        Action("capture_part", _("Capture a part"), WAITING | HOLDING, "partly_captured", "payments.capture"),
        Action("capture", _("Capture"), WAITING | HOLDING, "captured", "payments.capture"),
        Action("cancel", _("Release"), WAITING | {"authorized"}, "cancelled", "payments.capture"),
        Action("fail", _("Fail"), WAITING | {"authorized"}, "failed"),
    ],
)

#: A call's life: refused and succeeded are final. What is not known is asked for, never sent again.
CALL_MACHINE = StateMachine(
    "payments.call",
    "state",
    dict(CallState.choices),
    [
        Action("succeed", _("Done"), frozenset({"pending", "unknown"}), "succeeded"),
        Action("refuse", _("Refuse"), frozenset({"pending", "unknown"}), "refused"),
        Action("lose", _("Lose the answer"), frozenset({"pending", "unknown"}), "unknown"),
    ],
)
