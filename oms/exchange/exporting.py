"""Exports as background jobs: portion by portion, so that memory does not grow with the file and a killed worker's job goes on.

Each portion is kept as a part, in the same commit as the cursor. The last step joins the parts inside the database: no process
ever holds the whole file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from core.actors import Actor
from core.files import store_file
from core.formulas import safe_text
from core.jobs import JobKind, register_job, start_job
from core.models import Job, StoredFile
from oms.exchange.kinds import EXCHANGES, Exchange
from oms.exchange.sources import Portion

#: Rows read and written in one step.
PORTION = 10_000
_PARTS_KEPT, _FILE_KEPT = timedelta(days=7), timedelta(days=30)
_JOIN = """
    INSERT INTO core_storedfile (name, content_type, size, sha256, data, expires_at)
    SELECT %s, 'text/csv', octet_length(whole), encode(sha256(whole), 'hex'), whole, %s
      FROM (SELECT string_agg(data, ''::bytea ORDER BY id) AS whole FROM core_storedfile WHERE id = ANY (%s)) joined
    RETURNING id
"""


def csv_bytes(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8): text that a spreadsheet would run is guarded, numbers stay numbers."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return safe_text(str(value).replace("\x00", ""))


@dataclass(frozen=True, slots=True)
class Part:
    """A portion as it stands in the file."""

    portion: Portion
    data: bytes


class ExportJob(JobKind):
    """cursor: `after`, the key of the last row written; `parts`, the files that hold what was written so far."""

    exchange: Exchange

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = self.exchange.source.count()

    def work(self, job: Job) -> Part:
        portion = self.exchange.source.portion(job.cursor.get("after"), PORTION)
        head = b"" if job.cursor.get("parts") else b"\xef\xbb\xbf" + csv_bytes([self.exchange.source.header])
        return Part(portion, head + csv_bytes(portion.rows))

    def save(self, job: Job, worked: Part, *, now: datetime) -> bool:
        name = f"{self.exchange.slug}-{timezone.localtime(now):%Y-%m-%d}.csv"
        part = store_file(name=name, content_type="text/csv", data=worked.data, expires_at=now + _PARTS_KEPT)
        parts = [*job.cursor.get("parts", []), part.pk]
        job.done += len(worked.portion.rows)
        job.cursor = {"after": worked.portion.after, "parts": parts}
        if worked.portion.after is not None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(_JOIN, [name, now + _FILE_KEPT, parts])
            job.output_id = cursor.fetchone()[0]
        StoredFile.objects.filter(pk__in=parts).delete()
        job.total, job.cursor = job.done, {}
        return True


def job_name(exchange: Exchange) -> str:
    """Name of the job kind that exports it."""
    return f"export_{exchange.slug}"


for _exchange in EXCHANGES:
    # A class for each: who may have the file is said by the kind of its job.
    register_job(
        type(
            f"Export_{_exchange.slug}", (ExportJob,),
            {"name": job_name(_exchange), "permission": _exchange.export_permission, "exchange": _exchange},
        )
    )  # fmt: skip


def start_export(*, exchange: Exchange, actor: Actor, now: datetime) -> Job:
    """Queue an export; while the same person's is under way, that one is answered."""
    return start_job(
        kind=job_name(exchange), title=_("Export: {what}").format(what=exchange.title), params={}, actor=actor, now=now,
        dedupe_key=f"export:{exchange.slug}:{actor.ref}"[:100],
    )  # fmt: skip
