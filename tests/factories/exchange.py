"""Files taken out and brought back, as a merchant does it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from django.utils import timezone

from channels.models import ImportRun
from core.jobs import run_job
from core.models import Job, JobState
from oms.exchange.exporting import start_export
from oms.exchange.kinds import exchange_of
from oms.exchange.starting import STARTERS
from tests.channels.files import bring_in
from tests.factories.shop import ACTOR, NOW


def take_out(kind: str, format_: str = "plain") -> bytes:
    """The exported file of a kind."""
    job = start_export(exchange=exchange_of(kind, format_), actor=ACTOR, now=NOW)
    run_job(job.pk, clock=timezone.now)
    job.refresh_from_db()
    assert (job.state, job.message) == (JobState.DONE, "")
    assert job.done == job.total
    return bytes(job.output.data)


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def changed(data: bytes, change: Callable[[dict[str, str]], None]) -> bytes:
    """The file with each of its rows changed."""
    rows = rows_of(data)
    for row in rows:
        change(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def bring_plain(kind: str, data: bytes, **options: object) -> ImportRun:
    return bring_in(kind, data, format_="plain", **options)


def bring_by_job(kind: str, data: bytes) -> Job:
    """An import of a kind that has a job of its own."""
    job = STARTERS[kind](data, f"{kind}.csv", actor=ACTOR, now=NOW)
    run_job(job.pk, clock=timezone.now)
    job.refresh_from_db()
    return job
