"""What became of an import."""

from __future__ import annotations

from typing import Any

from channels.models import ImportRun
from core.models import Job

ERRORS_IN_REPORT = 1000


def report_of(run: ImportRun) -> dict[str, Any]:
    """The report of a run as plain data: how the file was read, counts, and the refused rows (the first 1,000) with their reasons."""
    job = Job.objects.get(pk=run.job_id)
    errors = job.errors.order_by("line", "id")[:ERRORS_IN_REPORT]
    return {
        "import": run.pk,
        "job": job.pk,
        "kind": run.kind,
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
        "seconds": round((job.finished_at - job.started_at).total_seconds(), 3) if job.finished_at and job.started_at else None,
        "errors": [
            {"line": error.line, "field": error.field, "reference": error.reference, "message": error.message} for error in errors
        ],
    }
