"""How the statuses of returns look."""

from django.utils.translation import gettext_lazy as _

from core.badges import register
from returns.states import Disposition, ReturnReason

register(
    "return",
    {
        "requested": ("warn", _("Requested")),
        "approved": ("info", _("Approved")),
        "in_transit": ("info", _("On its way")),
        "received": ("accent", _("Received")),
        "inspected": ("accent", _("Inspected")),
        "resolved": ("ok", _("Resolved")),
        "declined": ("bad", _("Declined")),
        "cancelled": ("neutral", _("Cancelled")),
    },
)
register("return.resolution", {"refund": ("ok", _("Refunded")), "reject": ("neutral", _("Closed without a refund"))})
register("return.reason", {value: ("neutral", label) for value, label in ReturnReason.choices})
register(
    "return.disposition",
    {
        Disposition.RESTOCK: ("ok", Disposition.RESTOCK.label),
        Disposition.REFURBISH: ("warn", Disposition.REFURBISH.label),
        Disposition.QUARANTINE: ("warn", Disposition.QUARANTINE.label),
        Disposition.SCRAP: ("bad", Disposition.SCRAP.label),
        Disposition.KEEP_IT: ("neutral", Disposition.KEEP_IT.label),
    },
)
