"""How the states of drafts look."""

from django.utils.translation import gettext_lazy as _

from core.badges import register

register(
    "draft",
    {
        "open": ("info", _("Open")),
        "sent": ("accent", _("Invoice sent")),
        "completed": ("ok", _("Completed")),
        "expired": ("warn", _("Expired")),
        "cancelled": ("neutral", _("Cancelled")),
    },
)
register(
    "draft.scenario",
    {
        "phone": ("neutral", _("Phone")),
        "counter": ("neutral", _("Counter")),
        "wholesale": ("neutral", _("Wholesale")),
    },
)
