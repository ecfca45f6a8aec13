"""Bulk printing as a background job: chunk by chunk, resumable at the exact chunk, one file in pick order at the end.

params: `ids` (put into pick order when the job begins), `kinds` (pages of one work order, in this order), `name` of the file.
cursor: `at`, how many work orders are through, and `failed`, which of them have no paper.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from core.actors import Actor
from core.files import store_file
from core.jobs import JobKind, register_job, report_error
from core.models import Job
from core.paper.weasy import PdfUnavailable
from core.refusals import Unavailable
from fulfillment.documents.render import render_pick_list
from fulfillment.operations.labels import buy_labels
from fulfillment.operations.printing import (
    LABEL_KINDS,
    PICK_LIST_JOB,
    PRINT_JOB,
    Drawn,
    draw_documents,
    keep_documents,
    print_file,
    with_mates,
    without_label,
)
from fulfillment.queries import in_pick_order, pick_list_for, with_lines

CHUNK = 50


@register_job
class PrintJob(JobKind):
    """Buy what labels are missing, draw what paper is missing, keep it; then put it all into one file."""

    name = PRINT_JOB

    def prepare(self, job: Job, *, now: datetime) -> None:
        """Put the work into pick order; who shares a parcel comes with it, so that its papers lie together."""
        asked = job.params["ids"]
        ordered = in_pick_order(asked)
        gone = sorted(set(asked) - set(ordered))
        job.params = job.params | {"ids": with_mates(ordered) + gone}
        job.total = len(job.params["ids"])
        job.cursor = {"at": 0, "failed": []}

    def work(self, job: Job) -> Any:
        """A chunk's labels and pages, or the whole file when all chunks are through.

        Buying is the one thing written here and not in `save`: a purchase cannot be taken back with a transaction. It is
        safe to repeat, because each label is bought under its own reference.
        """
        ids, kinds, at = job.params["ids"], job.params["kinds"], job.cursor["at"]
        chunk = ids[at : at + CHUNK]
        if not chunk:
            failed = set(job.cursor["failed"])
            return print_file([pk for pk in ids if pk not in failed], kinds)
        problems = {}
        if LABEL_KINDS & set(kinds):
            bought = buy_labels(fulfillment_order_ids=without_label(chunk), actor=actor_of(job), now=timezone.now())
            problems = {pk: result for pk, result in bought.items() if result.problem}
        drawn = draw_documents([pk for pk in chunk if pk not in problems], kinds)
        drawn.problems += [(pk, result.number or str(pk), result.problem) for pk, result in problems.items()]
        return drawn

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        """Keep a chunk and move the cursor, or keep the file and end."""
        if isinstance(worked, Drawn):
            keep_documents(worked, actor=actor_of(job), now=now)
            for pk, number, sentence in worked.problems:
                report_error(job, reference=number, message=sentence)
                job.cursor["failed"].append(pk)
            chunk = job.params["ids"][job.cursor["at"] :][:CHUNK]
            job.cursor["at"] += len(chunk)
            job.done = job.cursor["at"]
            return job.cursor["at"] >= job.total and len(job.cursor["failed"]) == job.total
        content_type, data = worked
        suffix = "pdf" if content_type == "application/pdf" else "zpl"
        job.output = store_file(name=f"{job.params['name']}.{suffix}", content_type=content_type, data=data)
        return True


@register_job
class PickListJob(JobKind):
    """One walk over the chosen work orders, as a PDF."""

    name = PICK_LIST_JOB

    def prepare(self, job: Job, *, now: datetime) -> None:
        """One step."""
        job.total = len(job.params["ids"])

    def work(self, job: Job) -> Any:
        """Draw the list."""
        found = with_lines(in_pick_order(job.params["ids"]))
        pick_list = pick_list_for(found, number=f"PL-{job.pk}", language=job.params["language"], now=timezone.now())
        try:
            return render_pick_list(pick_list)
        except PdfUnavailable as off:
            raise Unavailable("pdf_off", str(off)) from off

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        """Keep the file."""
        job.output = store_file(name=f"pick-list-{job.pk}.pdf", content_type="application/pdf", data=worked)
        job.done = job.total or 0
        return True


def actor_of(job: Job) -> Actor:
    """Who asked for the job: what it does is done in their name."""
    kind, _sep, key = job.actor.partition(":")
    return Actor(kind, key, job.actor_label)
