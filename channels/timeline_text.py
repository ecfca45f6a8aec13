"""How the history of a channel reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.timeline_text import Change, register
from orders.models import Channel


def _changes(data: Mapping[str, Any]) -> list[Change]:
    return [
        Change(str(Channel._meta.get_field(name).verbose_name), str(before), str(after))
        for name, (before, after) in data.get("changes", {}).items()
    ]


register("channel.added", _("Added."), tone="key")
register("channel.changed", _("Changed."), changes=_changes)
