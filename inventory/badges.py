"""How the states of products and locations look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.badges import register
from inventory.models import LocationKind

register("inventory.active", {True: ("ok", _("Active")), False: ("neutral", _("Switched off"))})
register("location.kind", {kind.value: ("neutral", kind.label) for kind in LocationKind})
