"""Export a kind of data into a file; the same work as the export in the dashboard, done here and now, and what `import_data` reads."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from core.actors import Actor
from core.jobs import run_job
from core.models import Job, JobState, StoredFile
from oms.exchange.exporting import start_export
from oms.exchange.kinds import EXCHANGES, exchange_of

_POLL_SECONDS = 0.5
_CHUNK = 1 << 20
_FORMATS = tuple(dict.fromkeys(one.format for one in EXCHANGES))


class Command(BaseCommand):
    help = "Exports stock, lots, documents or rules into a CSV file that import_data reads."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "kind", choices=tuple(dict.fromkeys(one.kind for one in EXCHANGES)), help="what is exported"
        )
        parser.add_argument("file", metavar="FILE", help="the file to write; - writes to standard output")
        parser.add_argument("--format", default="plain", choices=_FORMATS, help="the format (default: %(default)s)")

    def handle(self, **options: Any) -> None:
        try:
            exchange = exchange_of(options["kind"], options["format"])
        except LookupError:
            raise CommandError(f"There is no {options['kind']} in the format {options['format']}.") from None
        job = start_export(exchange=exchange, actor=Actor.system("export"), now=timezone.now())
        while job.open:
            run_job(job.pk, clock=timezone.now)
            job = Job.objects.get(pk=job.pk)
            if job.open:  # a worker was faster
                time.sleep(_POLL_SECONDS)
        if job.state != JobState.DONE or job.output_id is None:
            raise CommandError(job.message or "The export failed.")
        if options["file"] == "-":
            _write(job.output_id, sys.stdout.buffer)
        else:
            with Path(options["file"]).open("wb") as file:
                _write(job.output_id, file)
            self.stderr.write(f"{options['file']}: {job.done} rows")


def _write(file_id: int, out: BinaryIO) -> None:
    """Fetch the stored file piece by piece."""
    size = StoredFile.objects.values_list("size", flat=True).get(pk=file_id)
    with connection.cursor() as cursor:
        for begin in range(1, size + 1, _CHUNK):
            cursor.execute(
                "SELECT substring(data FROM %s FOR %s) FROM core_storedfile WHERE id = %s", [begin, _CHUNK, file_id]
            )
            out.write(bytes(cursor.fetchone()[0]))
