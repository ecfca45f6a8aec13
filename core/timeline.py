"""The append-only history of a thing: who did what, when, and the difference."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from core.actors import Actor
from core.bulk import copy_rows, to_json
from core.models import TimelineEntry


def record(subject: str, kind: str, /, *, actor: Actor, at: datetime, **data: Any) -> None:
    """Add one line to the history of `subject` ("order:12"). kind is a stable name ("order.cancelled"); data is its detail."""
    TimelineEntry.objects.create(
        subject=subject,
        kind=kind,
        data=json.loads(json.dumps(data, cls=DjangoJSONEncoder)),
        actor=actor.ref,
        actor_label=actor.label[:120],
        at=at,
    )


def record_many(rows: Iterable[tuple[str, str, dict[str, Any]]], *, actor: Actor, at: datetime) -> None:
    """Add many lines at once: (subject, kind, data) each."""
    label = actor.label[:120]
    copy_rows(
        TimelineEntry,
        ("subject", "kind", "data", "actor", "actor_label", "at"),
        ((subject, kind, to_json(data), actor.ref, label, at) for subject, kind, data in rows),
    )


def entries_for(*subjects: str, limit: int = 200) -> list[TimelineEntry]:
    """The newest lines of the subjects, newest first."""
    return list(TimelineEntry.objects.filter(subject__in=subjects).order_by("-id")[:limit])
