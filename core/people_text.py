"""The history of a person in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from core.models import TimelineEntry, User
from core.permissions import Role


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a field by its name, what it was, what it is."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One entry of a history as components/timeline.html shows it. tone: "", "key" or "bad"."""

    text: str
    actor_label: str
    at: datetime
    tone: str = ""
    changes: list[Change] = field(default_factory=list)


def people_timeline(entries: Iterable[TimelineEntry]) -> list[TimelineLine]:
    """Lines of a person's history."""
    return [TimelineLine(_sentence(entry), entry.actor_label, entry.at, _tone(entry), _changes(entry)) for entry in entries]


def _tone(entry: TimelineEntry) -> str:
    return "key" if entry.kind == "user.role_changed" else ""


def _sentence(entry: TimelineEntry) -> str:
    roles = dict(Role.choices)
    if entry.kind == "user.added":
        return _("Got a login as {role}.").format(role=roles.get(entry.data.get("role"), ""))
    if entry.kind == "user.role_changed":
        before, after = (roles.get(entry.data.get(key), "") for key in ("before", "after"))
        return _("Role changed from {before} to {after}.").format(before=before, after=after)
    if entry.kind == "user.password_set":
        return _("A new password was set.")
    if entry.kind == "user.changed":
        return _("Details changed.")
    return entry.kind


def _changes(entry: TimelineEntry) -> list[Change]:
    changes = entry.data.get("changes") or {}
    return [Change(str(User._meta.get_field(name).verbose_name), _word(before), _word(after)) for name, (before, after) in changes.items()]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)
