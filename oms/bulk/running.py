"""A few orders at once while the person waits, more of them as a job with progress. One transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job
from core.outcomes import BulkOutcome
from core.refusals import Refusal
from oms.bulk.acts import ACTS, Trace
from orders.models import BulkChange, BulkChangeItem, Order

#: So many orders are changed at once while a person waits; beyond it the work becomes a job.
AT_ONCE = 20


def act_on_orders(
    act: str, order_ids: Sequence[int], params: dict[str, Any], *, actor: Actor, now: datetime
) -> BulkOutcome:
    """Do it now for a few orders, or start a job for many. An act that can be undone is kept with what was there before."""
    change = BulkChange.objects.create(act=act, actor=actor.ref, at=now) if ACTS[act].undo else None
    if len(order_ids) > AT_ONCE:
        return BulkOutcome(job=_start(act, order_ids, params, change, actor=actor, now=now), undo_url=undo_url(change))
    outcome = BulkOutcome()
    numbers = dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "number"))
    for order_id in order_ids:
        try:
            if ACTS[act].outside:
                ACTS[act].run(order_id, **params, actor=actor, now=now)
            else:
                with transaction.atomic():
                    trace = ACTS[act].run(order_id, **params, actor=actor, now=now)
                    keep(change, order_id, trace)
        except Refusal as refusal:
            outcome.refuse(numbers.get(order_id, order_id), refusal.message)
        else:
            outcome.done.append(order_id)
    if outcome.done:
        outcome.undo_url = undo_url(change)
    return outcome


def undo_url(change: BulkChange | None) -> str:
    """Where an act is taken back; empty for one that cannot be."""
    return reverse("bulk-undo", args=[change.pk]) if change else ""


def keep(change: BulkChange | None, order_id: int, trace: Trace) -> None:
    """Write down what an act changed, where it changed something and can be undone."""
    if change is not None and trace is not None and trace[0] != trace[1]:
        BulkChangeItem.objects.create(change=change, order_id=order_id, before=[trace[0]], after=[trace[1]])


def _start(
    act: str, order_ids: Sequence[int], params: dict[str, Any], change: BulkChange | None, *, actor: Actor, now: datetime
) -> Job:  # fmt: skip
    return start_job(
        kind=BulkOrders.name,
        title=f"{ACTS[act].title} ({len(order_ids)})",
        params={
            "act": act,
            "orders": list(order_ids),
            "params": params,
            "change": change.pk if change else None,
            "actor": [actor.kind, actor.key, actor.label],
        },
        actor=actor,
        now=now,
    )


@register_job
class BulkOrders(JobKind):
    """Many orders, one by one: each step is one order, so that no two orders' stock is locked in one transaction."""

    name = "bulk-orders"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = len(job.params["orders"])

    def work(self, job: Job) -> Refusal | None:
        """What asks somebody outside is done here; should the worker die before it is written down, it is asked for again."""
        orders, place = job.params["orders"], job.cursor.get("place", 0)
        act = ACTS[job.params["act"]]
        if not act.outside or place >= len(orders):
            return None
        try:
            act.run(orders[place], **job.params["params"], actor=Actor(*job.params["actor"]), now=timezone.now())
        except Refusal as refusal:
            return refusal
        return None

    def save(self, job: Job, worked: Refusal | None, *, now: datetime) -> bool:
        orders, place = job.params["orders"], job.cursor.get("place", 0)
        if place < len(orders):
            refusal = worked if ACTS[job.params["act"]].outside else self._do(job, orders[place], now=now)
            if refusal is not None:
                number = Order.objects.filter(pk=orders[place]).values_list("number", flat=True).first()
                report_error(job, reference=number or str(orders[place]), message=refusal.message)
            job.cursor = {"place": place + 1}
            job.done = place + 1 - job.failed
        return place + 1 >= len(orders)

    def _do(self, job: Job, order_id: int, *, now: datetime) -> Refusal | None:
        change = BulkChange.objects.filter(pk=job.params.get("change")).first()
        try:
            with transaction.atomic():  # a refusal undoes this order's part alone; the job's own progress stays
                trace = ACTS[job.params["act"]].run(
                    order_id, **job.params["params"], actor=Actor(*job.params["actor"]), now=now
                )
                keep(change, order_id, trace)
        except Refusal as refusal:
            return refusal
        return None
