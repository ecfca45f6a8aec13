"""How the histories of rules, pools and endpoints read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from availability.models import Buffer, Scope
from core.timeline_text import Change, register

_LABELS = {
    "scope": _("applies to"),
    "target": _("type or tag"),
    "sku": _("SKU"),
    "buffer": _("keep back"),
    "value": _("how much"),
    "pool_id": _("location pool"),
    "maximum": _("show at most"),
    "budget": _("oversell budget"),
    "budget_until": _("budget until"),
    "never": _("never show"),
    "active": _("active"),
    "note": _("note"),
    "name": _("name"),
    "locations": _("locations"),
    "url": _("address"),
}
_WORDS: dict[str, Mapping[str, Any]] = {"scope": dict(Scope.choices), "buffer": dict(Buffer.choices)}


def _changes(data: Mapping[str, Any]) -> list[Change]:
    return [
        Change(str(_LABELS.get(name, name)), _in_words(name, before), _in_words(name, after))
        for name, (before, after) in (data.get("changes") or {}).items()
    ]


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "—"
    if name == "pool_id" and value is not None:
        return f"#{value}"
    return "—" if value in (None, "") else str(_WORDS.get(name, {}).get(value, value))


register("availability_rule.added", _("Added."), tone="key")
register("availability_rule.changed", _("Changed."), changes=_changes)
register("availability_rule.deleted", _("Deleted."), tone="bad")
register("availability_rule.budget_ended", _("The oversell budget ended with {until}."), tone="key")
register("availability_pool.added", _("Added."), tone="key")
register("availability_pool.changed", _("Changed."), changes=_changes)
register("availability_pool.deleted", _("Deleted."), tone="bad")
register("availability_webhook.added", _("Endpoint added: {url}"), tone="key")
register("availability_webhook.changed", _("Changed."), changes=_changes)
register("availability_webhook.key_changed", _("A new key was made; the old one signs as well for a day."), tone="key")
register("availability_webhook.gone", _("Switched off: the receiver answered {status}."), tone="bad")
