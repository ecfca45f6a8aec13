"""Long work of availability: numbers of many SKUs anew, rules from a file. Step by step, each with its place in one commit."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from availability.operations.publishing import publish_pairs
from availability.operations.recomputing import RECOMPUTE, variants_of
from availability.operations.rule_files import COLUMNS, IMPORT_RULES, finish_import, take_row
from core.actors import Actor
from core.jobs import JobKind, register_job, report_error
from core.models import Job
from core.refusals import Refusal
from inventory.models import Variant

SKUS_AT_ONCE = 1000
ROWS_AT_ONCE = 200


def _actor_of(job: Job) -> Actor:
    kind, _sep, key = job.actor.partition(":")
    return Actor(kind, key, job.actor_label)


@register_job
class Recompute(JobKind):
    """Works out what a channel is shown, a thousand SKUs a step, and tells of differences (or of everything)."""

    name = RECOMPUTE

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = self._variants(job).count()

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        channel_id, last = job.params["channel"], job.cursor.get("last", 0)
        ids = list(self._variants(job).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:SKUS_AT_ONCE])
        done = publish_pairs([(channel_id, pk) for pk in ids], now=now, anyway=job.params.get("anyway", False))
        changed = job.cursor.get("changed", 0) + done.changed
        job.cursor = {"last": ids[-1] if ids else last, "changed": changed}
        job.result = {"changed": changed}
        job.done += len(ids)
        if len(ids) == SKUS_AT_ONCE:
            return False
        job.message = _("SKUs that show another number now: {n}.").format(n=changed)
        return True

    def _variants(self, job: Job) -> QuerySet[Variant]:
        return variants_of(job.params.get("scopes"))

    def result_url(self, job: Job) -> str:
        return f"{reverse('availability')}?channel={job.params['channel']}"


@register_job
class ImportRules(JobKind):
    """Rules from a CSV file: each row is added or changes the rule of its channel and scope; a wrong row stops no other."""

    name = IMPORT_RULES
    permission = "availability.edit"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = sum(1 for _row in _rows(_text_of(job), 0))

    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        text, place = _text_of(job), job.cursor.get("place", 0)
        read, actor = 0, _actor_of(job)
        for cells, end in _rows(text, place):
            read, place = read + 1, end
            line = job.done + job.failed + 1
            try:
                take_row(job, cells, actor=actor, now=now)
                job.done += 1
            except Refusal as refusal:
                raw = [[cells.get(name) or "" for name in COLUMNS]]
                report_error(job, reference=cells.get("target") or cells.get("channel") or "", message=str(refusal), line=line + 1, field=refusal.field or "", raw=raw)  # fmt: skip
            if read == ROWS_AT_ONCE:
                break
        job.cursor = {**job.cursor, "place": place}
        if read < ROWS_AT_ONCE:
            finish_import(job, actor=actor, now=now)
            return True
        return False

    def result_url(self, job: Job) -> str:
        return reverse("availability-rules")


def _text_of(job: Job) -> str:
    if job.source is None:
        raise Refusal("file_gone", _("The file is gone; bring it again."))
    return bytes(job.source.data).decode("utf-8-sig", "replace")


def _rows(text: str, place: int) -> Iterator[tuple[dict[str, str], int]]:
    """The rows from a place in the text (0: after the header), each with the place behind it."""
    header_line = text[: text.find("\n") + 1 or len(text)]
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    names = [name.strip().lower() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
    position = place or len(header_line)

    def lines() -> Iterator[str]:
        nonlocal position
        while position < len(text):
            end = text.find("\n", position) + 1 or len(text)
            line, position = text[position:end], end
            yield line

    for cells in csv.reader(lines(), delimiter=delimiter):
        if any(cell.strip() for cell in cells):
            yield dict(zip(names, cells, strict=False)), position
