"""How the statuses of alerts, policies and needs look."""

from django.utils.translation import gettext_lazy as _

from core.badges import register
from inventory.models import ReorderPolicy
from replenishment.states import AlertKind, AlertState

register(
    "alert",
    {
        AlertState.OPEN: ("warn", AlertState.OPEN.label),
        AlertState.SNOOZED: ("neutral", AlertState.SNOOZED.label),
        AlertState.RESOLVED: ("ok", AlertState.RESOLVED.label),
    },
)
register("alert.kind", {AlertKind.LOW: ("warn", AlertKind.LOW.label), AlertKind.OUT: ("bad", AlertKind.OUT.label)})
register(
    "policy.source",
    {
        ReorderPolicy.Source.MANUAL: ("neutral", ReorderPolicy.Source.MANUAL.label),
        ReorderPolicy.Source.FORECAST: ("accent", ReorderPolicy.Source.FORECAST.label),
    },
)
register("policy.alert", {True: ("ok", _("Tells")), False: ("neutral", _("Silent"))})
