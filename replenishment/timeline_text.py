"""How policies, snoozes and settings read in histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.timeline_text import Change, differences_of, fill, register
from inventory.models import ReorderPolicy
from replenishment.models import ReplenishmentSettings

_FIELDS = ("reorder_point", "order_up_to", "alert", "source")
_SOURCES = dict(ReorderPolicy.Source.choices)


def _words(name: str, value: Any) -> str:
    if name == "source":
        return str(_SOURCES.get(value, value))
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    return str(value)


def _differences(data: Mapping[str, Any]) -> list[Change]:
    before, after = data.get("before") or {}, data.get("after") or {}
    return [
        Change(
            str(ReorderPolicy._meta.get_field(name).verbose_name),
            _words(name, before[name]) if name in before else "",
            _words(name, after[name]) if name in after else "—",
        )
        for name in _FIELDS
        if before.get(name) != after.get(name)
    ]


def _snoozed(data: Mapping[str, Any]) -> str:
    if data.get("until") and data.get("below") is not None:
        return fill(translate("Snoozed until {until}, or until {below} or fewer are available."), data)
    if data.get("until"):
        return fill(translate("Snoozed until {until}."), data)
    below = {"below": str(data.get("below"))}
    return fill(translate("Snoozed until {below} or fewer are available."), below)


register("policy.set", _("Reorder point of {label} set."), changes=_differences)
register("policy.cleared", _("Reorder point of {label} taken away."), changes=_differences, tone="bad")
register("alert.snooze", _snoozed)
register("alert.wake", _("Opened again."))
register("replenishment.changed", _("Settings changed."), changes=differences_of(ReplenishmentSettings))
