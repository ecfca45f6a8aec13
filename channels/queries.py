"""What pages and reports say of channels and imports."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Subquery

from channels.models import ImportRun
from core.models import Job
from orders.models import Channel, Order

ERRORS_IN_REPORT = 1000


def report_of(run: ImportRun) -> dict[str, Any]:
    """The report of a run as plain data: how the file was read, counts, and the refused rows (the first 1,000) with their reasons."""
    job = Job.objects.get(pk=run.job_id)
    errors = job.errors.order_by("line", "id")[:ERRORS_IN_REPORT]
    return {
        "import": run.pk,
        "job": job.pk,
        "kind": run.kind,
        "trial": run.trial,
        "format": run.format,
        "channel": run.channel.name if run.channel else "",
        "file": run.file_name,
        "state": job.state,
        "message": job.message,
        "dialect": {key: value for key, value in run.dialect.items() if key != "header"},
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "refused": run.refused,
        "differences": run.differences,
        "seconds": round((job.finished_at - job.started_at).total_seconds(), 3)
        if job.finished_at and job.started_at
        else None,
        "errors": [
            {"line": error.line, "field": error.field, "reference": error.reference, "message": error.message}
            for error in errors
        ],
    }


def listed_channels() -> list[Channel]:
    """Every channel, active ones first, each with `last_order`: when its newest order was placed (index order_of_channel)."""
    newest = Order.objects.filter(channel=OuterRef("pk")).order_by("-placed_at", "-id").values("placed_at")[:1]
    return list(Channel.objects.annotate(last_order=Subquery(newest)).order_by("-active", "name"))
