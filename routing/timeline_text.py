"""How the history of the routing rules reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.timeline_text import Change, fill, register
from routing.wording import changes_between


def _published(data: Mapping[str, Any]) -> str:
    if data.get("restores") is not None:
        text = fill(_("Version {version} published: the rules of version {restores} again."), data)
    else:
        text = fill(_("Version {version} published."), data)
    if not data.get("note"):
        return text
    return text + " " + fill(_("“{note}”"), data)


def _changes(data: Mapping[str, Any]) -> list[Change]:
    return changes_between(data["was"], data["rules"]) if data.get("was") and data.get("rules") else []


register("routing.published", _published, tone="key", changes=_changes)
