"""How the states of products and locations look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.badges import register
from inventory.models import LocationKind, SerialState

register("inventory.active", {True: ("ok", _("Active")), False: ("neutral", _("Switched off"))})
register("location.kind", {kind.value: ("neutral", kind.label) for kind in LocationKind})
register(
    "serial.state",
    {
        state.value: (tone, state.label)
        for state, tone in (
            (SerialState.IN_STOCK, "ok"),
            (SerialState.SHIPPED, "info"),
            (SerialState.IN_TRANSIT, "accent"),
            (SerialState.GONE, "neutral"),
        )
    },
)
