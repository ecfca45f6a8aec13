"""How the states of transfers and their discrepancies look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.badges import register
from transfers.states import DamageReason, FoundPlace, MissingReason, OverReason

register(
    "transfer",
    {
        "draft": ("neutral", _("Draft")),
        "ready": ("info", _("Ready")),
        "in_transit": ("accent", _("In transit")),
        "received": ("ok", _("Received")),
        "cancelled": ("neutral", _("Cancelled")),
    },
)
register("transfer.over", {value: ("warn", label) for value, label in OverReason.choices})
register("transfer.damage", {value: ("bad", label) for value, label in DamageReason.choices})
register("transfer.missing", {value: ("bad", label) for value, label in MissingReason.choices})
register("transfer.found", {value: ("ok", label) for value, label in FoundPlace.choices})
