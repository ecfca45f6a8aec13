"""How the sources of rates look."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.badges import register
from currencies.models import Source

register(
    "rate.source",
    {Source.ECB: ("ok", Source.ECB.label), Source.MANUAL: ("info", Source.MANUAL.label), "order": ("warn", _("Set on the order"))},
)  # fmt: skip
