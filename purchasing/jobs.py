"""Suppliers and prices from a file, as a background job: portions, each with its cursor, each bad row reported and the rest taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.files import store_file
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job
from core.refusals import Invalid, Refusal
from purchasing.importing import MOST_ROWS, take_row

PORTION = 100


@register_job
class ImportSuppliers(JobKind):
    """Rows that the page has read: [[line, {column: cell}], …]."""

    name = "suppliers"
    permission = "purchasing.edit"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = len(_rows(job))

    def work(self, job: Job) -> list[list[Any]]:
        return _rows(job)[job.done : job.done + PORTION]

    def save(self, job: Job, worked: list[list[Any]], *, now: datetime) -> bool:
        kind, _sep, key = job.actor.partition(":")
        actor = Actor(kind, key, job.actor_label)
        for line, cells in worked:
            try:
                with transaction.atomic():
                    take_row(cells, actor=actor, now=now)
            except Refusal as refusal:
                report_error(
                    job,
                    reference=" ".join(list(cells.values())[:3]),
                    line=line,
                    field=refusal.field or "",
                    message=str(refusal),
                )
        job.done += len(worked)
        return job.done >= (job.total or 0)

    def result_url(self, job: Job) -> str:
        return reverse("suppliers")


def _rows(job: Job) -> list[list[Any]]:
    return json.loads(bytes(job.source.data)) if job.source else []


def start_supplier_import(*, rows: Sequence[tuple[int, dict[int, str]]], name: str, actor: Actor, now: datetime) -> Job:
    """Queue the import of rows of (line of the file, {place in COLUMNS: cell}). Raises Invalid for none or too many."""
    if not rows:
        raise Invalid("empty_file", _("The file has no rows."), field="file")
    if len(rows) > MOST_ROWS:
        raise Invalid("file_too_large", _("A file has at most {most} rows.").format(most=MOST_ROWS), field="file")
    with transaction.atomic():
        data = json.dumps([[line, {str(n): cell for n, cell in cells.items()}] for line, cells in rows]).encode()
        source = store_file(name=name, content_type="application/json", data=data)
        title = _("Suppliers and prices: {name}").format(name=name[:80])
        return start_job(kind=ImportSuppliers.name, title=title, params={}, actor=actor, now=now, source=source)
