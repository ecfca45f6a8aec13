"""Counting ends, begins again for some lines, or is given up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Refusal
from core.timeline import record
from counts.models import StockCount, StockCountLine
from counts.operations.counting import settle
from counts.operations.locking import lock_count
from counts.states import LineState


@dataclass(frozen=True, slots=True)
class Finished:
    """What ending the counting did. recounts: lines that must be counted again first; the count is then still open."""

    count: StockCount
    recounts: int


def finish_count(*, count_id: int, anyway: bool = False, actor: Actor, now: datetime) -> Finished:
    """Nobody counts any more. Lines that must be counted again keep it open, unless `anyway`: then they stay as they were counted.

    Raises Refusal `nothing_counted`, `wrong_state`.
    """
    with transaction.atomic():
        count, state = lock_count(count_id, "finish")
        lines = list(count.lines.select_for_update(no_key=True).exclude(state=LineState.DONE).order_by("pk"))
        if not count.lines.filter(counted__isnull=False).exists():
            raise Refusal("nothing_counted", _("Nothing has been counted yet."))
        settle(count, lines, actor=actor, now=now)
        waiting = [line for line in lines if line.state == LineState.RECOUNT]
        if waiting and not anyway:
            return Finished(count, len(waiting))
        StockCountLine.objects.filter(pk__in=[line.pk for line in waiting]).update(state=LineState.DONE)
        count.state, count.counted_at = state, now
        count.save(update_fields=["state", "counted_at"])
        record(count.subject, "count.finished", actor=actor, at=now, not_recounted=len(waiting))
        return Finished(count, 0)


def reopen_count(*, count_id: int, line_ids: Collection[int], actor: Actor, now: datetime) -> StockCount:
    """Some lines of a finished count are counted again. Raises Invalid when none of the lines is the count's."""
    with transaction.atomic():
        count, state = lock_count(count_id, "reopen")
        chosen = count.lines.filter(pk__in=list(line_ids))
        number = chosen.update(state=LineState.RECOUNT)
        if not number:
            raise Invalid("nothing_chosen", _("Choose the lines that are counted again."), field="line")
        count.state, count.counted_at = state, None
        count.save(update_fields=["state", "counted_at"])
        record(count.subject, "count.reopened", actor=actor, at=now, lines=number)
        return count


def abandon_count(*, count_id: int, actor: Actor, now: datetime) -> StockCount:
    """Give a count up; stock stays as it is, and what was counted can still be read."""
    with transaction.atomic():
        count, state = lock_count(count_id, "abandon")
        count.state = state
        count.save(update_fields=["state"])
        record(count.subject, "count.abandoned", actor=actor, at=now)
        return count
