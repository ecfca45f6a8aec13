"""How a promise stands, in words and colours."""

from django.utils.translation import gettext_lazy as _

from core.badges import register

register(
    "backorders.promise",
    {
        "kept": ("ok", _("As promised")),
        "late": ("bad", _("Later than promised")),
        "open": ("warn", _("No day yet")),
    },
)
