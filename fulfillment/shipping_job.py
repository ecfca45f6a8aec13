"""Shipping many parcels as a background job: one parcel a step, so that no lock of one order waits for another's stock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from core.actors import Actor
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job
from core.refusals import Refusal
from fulfillment.members import members_of
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.labels import buy_labels
from fulfillment.operations.shipping import one_of_each, ship_fulfillment_order
from fulfillment.printing_job import actor_of

KIND = "ship"
LABELS_AT_ONCE = 25


def start_shipping(*, fulfillment_order_ids: Sequence[int], actor: Actor, now: datetime) -> Job:
    """Queue packing and shipping of any number of work orders."""
    ids = list(dict.fromkeys(fulfillment_order_ids))
    ids = one_of_each(ids, members_of(ids))
    title = _("Ship {count} parcels").format(count=len(ids))
    return start_job(kind=KIND, title=title, params={"ids": ids}, actor=actor, now=now)


@register_job
class ShipJob(JobKind):
    """Pack and ship each work order; what is refused is listed and the rest go."""

    name = KIND

    def prepare(self, job: Job, *, now: datetime) -> None:
        """Begin with the first."""
        job.total = len(job.params["ids"])
        job.cursor = {"at": 0}

    def work(self, job: Job) -> Any:
        """Buy the labels of the next parcels together; safe to repeat, each has its own reference."""
        at = job.cursor["at"]
        if at % LABELS_AT_ONCE == 0:
            buy_labels(
                fulfillment_order_ids=job.params["ids"][at : at + LABELS_AT_ONCE],
                actor=actor_of(job),
                now=timezone.now(),
            )
        return None

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        """Ship the next parcel."""
        ids, at = job.params["ids"], job.cursor["at"]
        if at >= len(ids):
            return True
        try:
            with transaction.atomic():
                ship_fulfillment_order(
                    fulfillment_order_id=ids[at], actor=actor_of(job), now=now, fast_forward=True, buy=False
                )
        except Refusal as refusal:
            number = FulfillmentOrder.objects.filter(pk=ids[at]).values_list("number", flat=True).first()
            report_error(job, reference=number or str(ids[at]), message=str(refusal))
        job.cursor["at"] = job.done = at + 1
        return job.done >= len(ids)
