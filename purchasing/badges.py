"""How the states of purchase orders look."""

from django.utils.translation import gettext_lazy as _

from core.badges import register

register(
    "purchase",
    {
        "draft": ("neutral", _("Draft")),
        "sent": ("info", _("Sent")),
        "confirmed": ("info", _("Confirmed")),
        "partly_received": ("accent", _("Partly received")),
        "received": ("ok", _("Received")),
        "cancelled": ("neutral", _("Cancelled")),
    },
)
register("purchase.approval", {True: ("warn", _("To approve")), False: ("ok", _("Approved"))})
