"""Take an act on many orders back, order by order: what somebody changed since stays as it is, and is named."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job, JobState
from core.outcomes import BulkOutcome
from core.refusals import NotFound, Refusal
from oms.bulk.acts import ACTS
from oms.bulk.running import AT_ONCE
from orders.models import BulkChange, BulkChangeItem

#: How long an act can be undone.
UNDOABLE_FOR = timedelta(hours=24)


def undo_change(*, change_id: int, actor: Actor, now: datetime) -> BulkOutcome:
    """Undo an act of the same person, at once or, for many orders, as a job.

    Raises NotFound, Refusal `still_running`, `undone_already` or `too_late`.
    """
    with transaction.atomic():
        change = BulkChange.objects.select_for_update(of=("self",)).filter(pk=change_id, actor=actor.ref).first()
        if change is None:
            raise NotFound("no_such_act", _("There is no such act of yours."))
        _check(change, now)
        change.undone_at = now
        change.save(update_fields=["undone_at"])
        if change.items.count() > AT_ONCE:
            return BulkOutcome(job=_start(change, actor=actor, now=now))
    outcome = BulkOutcome()
    for item in change.items.select_related("change").order_by("pk"):
        refusal = _undo(item, actor=actor, now=now)
        if refusal is None:
            outcome.done.append(item.order_id)
        else:
            outcome.refuse(item.order.number, refusal.message)
    return outcome


def _check(change: BulkChange, now: datetime) -> None:
    if change.undone_at is not None:
        raise Refusal("undone_already", _("It was undone already."))
    if now - change.at > UNDOABLE_FOR:
        raise Refusal("too_late", _("It can be undone for 24 hours."))
    running = Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING], kind="bulk-orders")
    if running.filter(params__change=change.pk).exists():
        raise Refusal("still_running", _("It is still being done. Wait for its end, or cancel the job first."))


def _undo(item: BulkChangeItem, *, actor: Actor, now: datetime) -> Refusal | None:
    undo = ACTS[item.change.act].undo
    try:
        with transaction.atomic():
            if undo is not None:
                undo(item.order_id, item.before[0], item.after[0], actor=actor, now=now)
    except Refusal as refusal:
        return refusal
    return None


def _start(change: BulkChange, *, actor: Actor, now: datetime) -> Job:
    title = _("Undo: {act}").format(act=ACTS[change.act].title)
    params = {"change": change.pk, "actor": [actor.kind, actor.key, actor.label]}
    return start_job(kind=BulkUndo.name, title=title, params=params, actor=actor, now=now)


@register_job
class BulkUndo(JobKind):
    """The orders of one act, one by one."""

    name = "bulk-undo"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = BulkChangeItem.objects.filter(change=job.params["change"]).count()

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        items = BulkChangeItem.objects.filter(change=job.params["change"], pk__gt=job.cursor.get("after", 0))
        item = items.select_related("change").order_by("pk").first()
        if item is None:
            return True
        refusal = _undo(item, actor=Actor(*job.params["actor"]), now=now)
        if refusal is None:
            job.done += 1
        else:
            report_error(job, reference=item.order.number, message=refusal.message)
        job.cursor = {"after": item.pk}
        return False
