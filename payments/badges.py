"""How the states of payments look."""

from __future__ import annotations

from importlib import import_module

from django.utils.translation import gettext_lazy as _

from core.badges import register
from payments.models import WebhookState
from payments.states import CallKind, CallState, IntentState

_INTENT = {
    "created": "neutral",
    "requires_action": "warn",
    "authorized": "info",
    "partly_captured": "info",
    "captured": "ok",
    "cancelled": "neutral",
    "failed": "bad",
}
_CALL = {"pending": "info", "succeeded": "ok", "refused": "bad", "unknown": "warn"}
_WEBHOOK = {"waiting": "info", "done": "ok", "ignored": "neutral"}
register("payment.intent", {state.value: (_INTENT[state.value], state.label) for state in IntentState})
register("payment.call", {state.value: (_CALL[state.value], state.label) for state in CallState})
register("payment.call_kind", {kind.value: ("neutral", kind.label) for kind in CallKind})
register("payment.webhook", {state.value: (_WEBHOOK[state.value], state.label) for state in WebhookState})
register("gateway.active", {True: ("ok", _("Offered")), False: ("neutral", _("Switched off"))})

import_module("payments.owed.badges")  # of what is owed, store credit and manual methods
