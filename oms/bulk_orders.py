"""One act on many orders: a few at once while the person waits, more of them as a job with progress. One transaction each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.actors import Actor
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job, User
from core.outcomes import BulkOutcome
from core.refusals import Refusal
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_holds
from orders.models import Order
from orders.operations import change_tags

#: So many orders are changed at once while a person waits; beyond it the work becomes a job.
AT_ONCE = 20

#: One act on one order. The parameters are plain JSON values, as a job keeps them.
Act = Callable[..., None]


def hold(
    order_id: int, *, kind: str, reason: str, until: str | None, owner: int | None = None, actor: Actor, now: datetime
) -> None:
    """Place a hold. owner: the id of the person who sees to it."""
    moment = parse_datetime(until) if until else None
    person = User.objects.filter(pk=owner).first() if owner else None
    hold_order(order_id=order_id, kind=kind, reason=reason, until=moment, owner=person, actor=actor, now=now)


def release(order_id: int, *, kinds: Sequence[str] = (), actor: Actor, now: datetime) -> None:
    """Release every open hold, or those of some kinds; refused where there is none."""
    if not release_holds(order_id=order_id, kinds=kinds or None, actor=actor, now=now):
        raise Refusal("not_held", _("It is not on hold for that.") if kinds else _("It is not on hold."))


def cancel(order_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """Cancel all that can be."""
    cancel_order(order_id=order_id, units=None, reason=reason, actor=actor, now=now)


def tag(order_id: int, *, add: Sequence[str], remove: Sequence[str], actor: Actor, now: datetime) -> None:
    """Add and remove tags."""
    outcome = change_tags(order_ids=[order_id], add=add, remove=remove, actor=actor, now=now)
    for _number, reason in outcome.refused:
        raise Refusal("tags_refused", reason)


ACTS: dict[str, tuple[Act, Any]] = {
    "hold": (hold, gettext_lazy("Hold orders")),
    "release": (release, gettext_lazy("Release orders")),
    "cancel": (cancel, gettext_lazy("Cancel orders")),
    "tag": (tag, gettext_lazy("Tag orders")),
}


def act_on_orders(
    act: str, order_ids: Sequence[int], params: dict[str, Any], *, actor: Actor, now: datetime
) -> BulkOutcome:
    """Do it now for a few orders, or start a job for many."""
    if len(order_ids) > AT_ONCE:
        title = f"{ACTS[act][1]} ({len(order_ids)})"
        job = start_job(
            kind=BulkOrders.name,
            title=title,
            params={
                "act": act,
                "orders": list(order_ids),
                "params": params,
                "actor": [actor.kind, actor.key, actor.label],
            },
            actor=actor,
            now=now,
        )
        return BulkOutcome(job=job)
    outcome = BulkOutcome()
    numbers = dict(Order.objects.filter(pk__in=order_ids).values_list("pk", "number"))
    for order_id in order_ids:
        try:
            with transaction.atomic():
                ACTS[act][0](order_id, **params, actor=actor, now=now)
        except Refusal as refusal:
            outcome.refuse(numbers.get(order_id, order_id), refusal.message)
        else:
            outcome.done.append(order_id)
    return outcome


@register_job
class BulkOrders(JobKind):
    """Many orders, one by one: each step is one order, so that no two orders' stock is locked in one transaction."""

    name = "bulk-orders"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = len(job.params["orders"])

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        orders = job.params["orders"]
        place = job.cursor.get("place", 0)
        if place < len(orders):
            self._do(job, orders[place], now=now)
            job.cursor = {"place": place + 1}
            job.done = place + 1 - job.failed
        return place + 1 >= len(orders)

    def _do(self, job: Job, order_id: int, *, now: datetime) -> None:
        act = ACTS[job.params["act"]][0]
        try:
            with transaction.atomic():  # a refusal undoes this order's part alone; the job's own progress stays
                act(order_id, **job.params["params"], actor=Actor(*job.params["actor"]), now=now)
        except Refusal as refusal:
            number = Order.objects.filter(pk=order_id).values_list("number", flat=True).first()
            report_error(job, reference=number or str(order_id), message=refusal.message)
