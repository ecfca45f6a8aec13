"""Histories in sentences: each app says in its `timeline_text` module how its kinds of entries read; others are shown as they are.

    register("hold.placed", _("Put on hold: {hold}."), words={"hold": dict(HoldKind.choices)}, tone="bad")

A sentence is a translated text with the names of the entry's data in braces, or a function of the data. `amount` is written as
money of the entry's `currency`; lists are joined; what an old entry does not have reads as a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from string import Formatter
from typing import Any

from django.db.models import Model
from django.utils.dateparse import parse_datetime
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.formats import exact
from core.models import Shop, TimelineEntry, User
from core.money import format_money
from core.permissions import Role

Sentence = Any  # a (lazily) translated text, or a function of the data that answers one


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a field by its name, what it was, what it is."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One entry as components/timeline.html shows it. tone: "", "key" or "bad". The text is plain: it is escaped where shown."""

    text: str
    actor_label: str
    at: datetime
    tone: str = ""
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Kind:
    sentence: Sentence
    words: Mapping[str, Mapping[str, Any]]
    tone: str
    changes: Callable[[Mapping[str, Any]], list[Change]] | None


_kinds: dict[str, _Kind] = {}


def register(
    kind: str,
    sentence: Sentence,
    *,
    words: Mapping[str, Mapping[str, Any]] | None = None,
    tone: str = "",
    changes: Callable[[Mapping[str, Any]], list[Change]] | None = None,
) -> None:
    """Say how a kind of entry reads. words: for a name of the data, its values in words. Raises ValueError for a kind told twice."""
    if kind in _kinds:
        raise ValueError(f"the sentence of {kind!r} is registered twice")
    _kinds[kind] = _Kind(sentence, words or {}, tone, changes)


@lru_cache(maxsize=1)
def _discover() -> None:
    autodiscover_modules("timeline_text")


def is_known(kind: str) -> bool:
    """True when some app has a sentence for the kind."""
    _discover()
    return kind in _kinds


def lines_for(entries: Iterable[TimelineEntry]) -> list[TimelineLine]:
    """The entries as lines, in their order."""
    _discover()
    return [_line(entry) for entry in entries]


def _line(entry: TimelineEntry) -> TimelineLine:
    kind = _kinds.get(entry.kind)
    if kind is None:
        return TimelineLine(entry.kind, entry.actor_label, entry.at)
    data = entry.data if isinstance(entry.data, dict) else {}
    text = kind.sentence(data) if callable(kind.sentence) else fill(str(kind.sentence), data, kind.words)
    return TimelineLine(text, entry.actor_label, entry.at, kind.tone, kind.changes(data) if kind.changes else [])


def fill(template: str, data: Mapping[str, Any], words: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The template with the data's values in words. Only plain names stand in braces; values are never read as templates."""
    parts = []
    for text, name, _spec, _conversion in Formatter().parse(template):
        parts.append(text)
        if name is not None:
            parts.append(_in_words(name, data, words or {}))
    return "".join(parts)


def _in_words(name: str, data: Mapping[str, Any], words: Mapping[str, Mapping[str, Any]]) -> str:
    value = data.get(name)
    if value in (None, "", []):
        return "—"
    if name in words:
        return str(words[name].get(value, value))
    if isinstance(value, list):
        return ", ".join(_item(item) for item in value)
    if name in ("amount", "total", "refund") and data.get("currency"):
        return _money(value, data["currency"])
    if isinstance(value, str) and "T" in value and (moment := _moment(value)):
        return exact(moment)
    return str(value)


def _item(item: Any) -> str:
    """Units of a SKU as “2 × MUG-RED”; anything else as it is."""
    if isinstance(item, dict) and "sku" in item:
        return f"{item.get('quantity', 1)} × {item['sku']}"
    return str(item)


def _money(value: Any, currency: str) -> str:
    try:
        return format_money(Decimal(str(value)), currency)
    except (InvalidOperation, ValueError):
        return str(value)


def _moment(value: str) -> datetime | None:
    try:
        return parse_datetime(value)
    except ValueError:
        return None


# ---- people ----------------------------------------------------------------------------------------------------------


def differences_of(model: type[Model]) -> Callable[[Mapping[str, Any]], list[Change]]:
    """The entry's `changes` (field → [before, after]) under the names of the model's fields."""

    def differences(data: Mapping[str, Any]) -> list[Change]:
        return [
            Change(str(model._meta.get_field(name).verbose_name), _yes_no(before), _yes_no(after))
            for name, (before, after) in (data.get("changes") or {}).items()
        ]

    return differences


def _yes_no(value: object) -> str:
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    return str(value)


_ROLES = dict(Role.choices)
register("user.added", _("Got a login as {role}."), words={"role": _ROLES}, tone="key")
register(
    "user.role_changed",
    _("Role changed from {before} to {after}."),
    words={"before": _ROLES, "after": _ROLES},
    tone="key",
)
register("user.password_set", _("A new password was set."))
register("user.changed", _("Details changed."), changes=differences_of(User))
register("shop.changed", _("Settings changed."), changes=differences_of(Shop))
register("token.made", _("API token “{name}” made ({role})."), words={"role": _ROLES}, tone="key")
register("token.revoked", _("API token “{name}” switched off."), tone="key")
