"""How goods that come in are shared out: one row, changed with a history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from backorders.models import FillingSettings, Strategy
from core.actors import Actor
from core.refusals import Invalid
from core.timeline import record

SUBJECT = "filling:1"
FIELDS = ("strategy", "ask_first", "quiet_days", "tell_first")
MOST_QUIET_DAYS = 365


def filling_settings() -> FillingSettings:
    """The settings; defaults until somebody saves them."""
    return FillingSettings.objects.first() or FillingSettings()


def save_settings(*, values: Mapping[str, Any], actor: Actor, now: datetime) -> FillingSettings:
    """Save any of FIELDS. Raises Invalid naming the field."""
    if "strategy" in values and values["strategy"] not in Strategy.values:
        raise Invalid("unknown_strategy", _("There is no such order of service."), field="strategy")
    if not 0 <= int(values.get("quiet_days", 0)) <= MOST_QUIET_DAYS:
        message = _("Between 0 and {most} days.").format(most=MOST_QUIET_DAYS)
        raise Invalid("bad_days", message, field="quiet_days")
    with transaction.atomic():
        FillingSettings.objects.bulk_create([FillingSettings()], ignore_conflicts=True)
        found = FillingSettings.objects.select_for_update().get()
        changes = {name: [getattr(found, name), values[name]] for name in FIELDS if name in values}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        for name, (_before, after) in changes.items():
            setattr(found, name, after)
        if changes:
            found.save()
            record(SUBJECT, "filling.settings", actor=actor, at=now, changes=changes)
    return found
