"""Counts that are made by themselves, every so many days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import NotFound, Refusal
from core.timeline import record
from counts.models import CountSchedule, StockCount
from counts.operations.creating import CountScope, CountSettings, create_count
from counts.queries import bins_of
from counts.rules import rank_bins
from counts.states import CLOSED_STATES, CountKind

_FIELDS = ("location", "kind", "abc", "bins", "every_days", "blind", "assigned_to", "next_on", "active")


def save_schedule(*, schedule_id: int | None, values: dict[str, Any], actor: Actor, now: datetime) -> CountSchedule:
    """Make or change a schedule; the location's history says so."""
    with transaction.atomic():
        found = CountSchedule()
        if schedule_id is not None:
            locked = CountSchedule.objects.select_for_update(of=("self",)).filter(pk=schedule_id).first()
            if locked is None:
                raise NotFound("no_such_schedule", _("There is no such schedule."))
            found = locked
        for name in _FIELDS:
            setattr(found, name, values[name])
        found.save()
        record(
            found.location.subject, "count.scheduled", actor=actor, at=now, every=found.every_days, active=found.active
        )
        return found


def make_due_counts(*, actor: Actor, now: datetime) -> list[StockCount]:
    """Make the counts whose day has come at their location, each in its own transaction; the next day is set with them.

    Where the last count of a schedule's bins or class is still open, nothing new is made: only the day moves on.
    """
    made = []
    for pk in CountSchedule.objects.filter(active=True).order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            schedule = (
                CountSchedule.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("location")
                .filter(pk=pk, active=True)
                .first()
            )
            if schedule is None:
                continue
            today = now.astimezone(ZoneInfo(schedule.location.time_zone)).date()
            if schedule.next_on > today:
                continue
            missed = (today - schedule.next_on).days // schedule.every_days
            schedule.next_on += timedelta(days=schedule.every_days * (missed + 1))
            schedule.save(update_fields=["next_on"])
            made += _counts_of(schedule, actor=actor, now=now)
    return made


def _counts_of(schedule: CountSchedule, *, actor: Actor, now: datetime) -> list[StockCount]:
    scope = _scope(schedule, now=now)
    if scope is None:
        return []
    settings = CountSettings(blind=schedule.blind, assigned_to_id=schedule.assigned_to_id)
    try:
        with transaction.atomic():
            return [
                create_count(location_id=schedule.location_id, scope=scope, settings=settings, actor=actor, now=now)
            ]
    except Refusal as refusal:  # nothing on hand there, or the person may no longer count: the history says it
        record(schedule.location.subject, "count.not_scheduled", actor=actor, at=now, why=refusal.message)
        return []


def _scope(schedule: CountSchedule, *, now: datetime) -> CountScope | None:
    """What is due and not being counted already; None when that is nothing."""
    waiting = StockCount.objects.filter(location_id=schedule.location_id).exclude(state__in=sorted(CLOSED_STATES))
    if schedule.kind == CountKind.ABC:
        busy = waiting.filter(kind=CountKind.ABC, scope__abc=schedule.abc).exists()
        return None if busy else CountScope(CountKind.ABC, abc=schedule.abc)
    taken = set(waiting.values_list("lines__bin", flat=True).distinct())
    ranked = rank_bins(bins_of(schedule.location_id, now=now), now=now)
    due = [one.facts.bin for one in ranked if one.due and one.facts.bin and one.facts.bin not in taken]
    return CountScope(CountKind.BINS, bins=due[: schedule.bins]) if due else None
