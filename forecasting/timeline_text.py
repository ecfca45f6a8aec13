"""How the history of the forecast's settings reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.timeline_text import Change, register
from forecasting.models import ForecastSettings


def _changes(data: Mapping[str, Any]) -> list[Change]:
    labels = {field.name: str(field.verbose_name) for field in ForecastSettings._meta.fields}
    return [
        Change(labels.get(name, name), before, after) for name, (before, after) in (data.get("changes") or {}).items()
    ]


register("forecast.settings_changed", _("How the shop reorders was changed."), changes=_changes)
