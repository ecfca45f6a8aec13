"""How the states of availability look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from availability.models import PostState
from core.badges import register

register(
    "availability.reason",
    {
        "stock": ("ok", _("In stock")),
        "buffer": ("info", _("Buffer")),
        "budget": ("accent", _("Oversell")),
        "maximum": ("info", _("At most")),
        "never": ("neutral", _("Never shown")),
        "inactive": ("neutral", _("Switched off")),
        "sold_out": ("warn", _("Sold out")),
    },
)
register("availability.rule", {True: ("ok", _("Active")), False: ("neutral", _("Switched off"))})
_TONES = {"waiting": "info", "delivered": "ok", "failing": "warn", "superseded": "neutral", "gave_up": "bad"}
register("availability.post", {state.value: (_TONES[state.value], state.label) for state in PostState})
