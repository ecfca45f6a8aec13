"""How the history of promises and of shared goods reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backorders.models import Strategy
from core import formats
from core.timeline_text import Change, register

_LABELS = {
    "strategy": _("who is served first"),
    "ask_first": _("ask a person before back-orders are filled"),
    "quiet_days": _("days a promise may move without a mail"),
    "tell_first": _("mail the first promise, too"),
}


def _changes(data: Mapping[str, Any]) -> list[Change]:
    return [
        Change(str(_LABELS.get(name, name)), _in_words(name, before), _in_words(name, after))
        for name, (before, after) in (data.get("changes") or {}).items()
    ]


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    return str(dict(Strategy.choices).get(value, value)) if name == "strategy" else str(value)


def _told(data: Mapping[str, Any]) -> list[Change]:
    return [Change(line["sku"], _day(line.get("before")), _day(line.get("day"))) for line in data.get("lines") or ()]


def _day(value: str | None) -> str:
    return formats.day(date.fromisoformat(value)) if value else "—"


def _shared(data: Mapping[str, Any]) -> str:
    sentence = ngettext("{n} unit given to those who waited.", "{n} units given to those who waited.", data["units"])
    return f"{sentence.format(n=data['units'])} {dict(Strategy.choices).get(data.get('strategy'), '')}".strip()


register("filling.settings", _("Changed."), changes=_changes)
register("promise.told", _("The customer was told of another day."), changes=_told)
register("variant.shared", _shared, tone="key")
