"""How the histories of payments and accounts read."""

from __future__ import annotations

from importlib import import_module

from django.utils.translation import gettext_lazy as _

from core.timeline_text import register

register("payment.voided", _("{amount} released that was authorised: {method}."), tone="bad")
register("gateway.capture_refused", _("{gateway} did not capture {amount}: {answer}"), tone="bad")
register("gateway.refund_refused", _("{gateway} did not refund {amount}: {answer}"), tone="bad")
register(
    "gateway.refund_came_back",
    _("A refund of {amount} through {gateway} came back: pay it in another way."),
    tone="bad",
)
register("gateway.adopted", _("A payment of {amount} with {gateway} was taken over: {reference}."), tone="key")
register("gateway.link_sent", _("The link to pay {amount} was mailed to {to}."), tone="key")
register("gateway.added", _("Added."), tone="key")
register("gateway.changed", _("Changed."))

import_module("payments.owed.timeline_text")  # of what is owed, store credit and manual methods
