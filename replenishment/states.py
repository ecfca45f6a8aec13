"""The life of an alert, and how people want to hear of it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.states import Action, StateMachine


class AlertState(models.TextChoices):
    OPEN = "open", _("Open")
    SNOOZED = "snoozed", _("Snoozed")
    RESOLVED = "resolved", _("Resolved")


#: Alerts of stock that is low now. A subject has at most one of them.
LIVE_STATES = frozenset({"open", "snoozed"})


class AlertKind(models.TextChoices):
    """How bad it is: at the reorder point, or nothing left while somebody wants it."""

    LOW = "low", _("Low")
    OUT = "out", _("Out of stock")


class News(models.TextChoices):
    """What of an alert people have not been told yet."""

    NONE = "", _("Nothing")
    LOW = "low", _("Low")
    OUT = "out", _("Out of stock")
    BACK = "back", _("Back in stock")


class Frequency(models.TextChoices):
    """How often a person gets mail about low stock."""

    AT_ONCE = "at_once", _("At once")
    DAILY = "daily", _("Once a day")
    NONE = "none", _("Never")


def _only_by_itself(_alert: Any) -> str:
    return translate("It resolves by itself when more than the reorder point is available.")


_S = AlertState
ALERT_MACHINE = StateMachine(
    "alert",
    "state",
    dict(AlertState.choices),
    [
        Action("snooze", _("Snooze"), frozenset({_S.OPEN, _S.SNOOZED}), _S.SNOOZED, "alerts.snooze"),
        Action("wake", _("Open again"), frozenset({_S.SNOOZED}), _S.OPEN, "alerts.snooze"),
        Action("resolve", _("Resolve"), frozenset({_S.OPEN, _S.SNOOZED}), _S.RESOLVED, None, _only_by_itself),
    ],
)
