"""Import a file that a channel has exported; the same work as an upload in the dashboard, done here and now."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from channels.formats import FORMATS, KINDS
from channels.models import ImportRun
from channels.operations import ensure_channel, inspect_file, start_import
from channels.queries import report_of
from core.actors import Actor
from core.jobs import run_job
from core.models import Job, JobState
from core.refusals import Refusal
from orders.models import Channel

_POLL_SECONDS = 0.5
_SHOWN = 20


class Command(BaseCommand):
    help = "Imports products, locations, inventory, orders or bundles from a file. Rows that cannot be taken are reported with line and reason."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", choices=KINDS, help="what the file holds")
        parser.add_argument("file", metavar="FILE", help="the file (.csv or .xlsx)")
        parser.add_argument(
            "--format", default="shopify", choices=FORMATS, help="whose export it is (default: %(default)s)"
        )
        parser.add_argument(
            "--channel",
            required=True,
            metavar="NAME",
            help="the channel it belongs to; added when there is none of this name",
        )
        parser.add_argument("--encoding", default="", help="when it cannot be found out, e.g. cp1254")
        parser.add_argument(
            "--delimiter", default="", help="comma, semicolon, tab or pipe, when it cannot be found out"
        )
        parser.add_argument(
            "--timezone",
            default="",
            metavar="ZONE",
            help="of times without offset, e.g. Europe/Warsaw (default: the channel's)",
        )
        parser.add_argument(
            "--currency", default="", metavar="CODE", help="of amounts without one (default: the channel's)"
        )
        parser.add_argument("--decimal-mark", default="", choices=[".", ","], help="when amounts leave it open")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> None:
        data = _read(options["file"])
        actor = Actor.system("import")
        try:
            run, note = _start(data, options, actor)
        except Refusal as refusal:
            self._refused(refusal, as_json=options["json"])
        if note:
            self.stderr.write(note)
        self._finish(run)
        report = report_of(run)
        self._print(report, as_json=options["json"])
        if report["state"] not in (JobState.DONE, JobState.DONE_WITH_ERRORS):
            sys.exit(1)

    def _refused(self, refusal: Refusal, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(
                json.dumps(
                    {"state": "refused", "code": refusal.code, "field": refusal.field, "message": refusal.message},
                    ensure_ascii=False,
                )
            )
        raise CommandError(refusal.message)

    def _finish(self, run: ImportRun) -> None:
        """Work on the job here; when a worker was faster, wait for it."""
        told = False
        while True:
            run_job(run.job_id, clock=timezone.now)
            job = Job.objects.get(pk=run.job_id)
            if not job.open:
                break
            if not told:
                self.stderr.write(f"Another process works on job {job.pk}; waiting for it.")
                told = True
            time.sleep(_POLL_SECONDS)
        run.refresh_from_db()

    def _print(self, report: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
            return
        self.stdout.write(f"{report['file']}: {report['dialect']['why']}")
        self.stdout.write(
            "created {created}, updated {updated}, unchanged {unchanged}, refused {refused}".format(**report)
        )
        for error in report["errors"][:_SHOWN]:
            where = " · ".join(
                str(part) for part in (f"line {error['line']}", error["reference"], error["field"]) if part
            )
            self.stdout.write(f"  {where}: {error['message']}")
        if len(report["errors"]) > _SHOWN:
            self.stdout.write("  … and more; see the import's page for all of them")
        if report["message"]:
            self.stdout.write(report["message"])


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _start(data: bytes, options: dict[str, Any], actor: Actor) -> tuple[ImportRun, str]:
    """Start the import, with its channel in the same transaction: a file that is refused leaves no channel behind."""
    now = timezone.now()
    told = {
        "kind": options["kind"],
        "format_": options["format"],
        "encoding": options["encoding"],
        "delimiter": options["delimiter"],
        "time_zone": options["timezone"],
        "currency": options["currency"].upper(),
        "decimal_mark": options["decimal_mark"],
    }
    with transaction.atomic():
        known = Channel.objects.filter(name=options["channel"]).first()
        inspection = inspect_file(data, channel=known, **told)
        currency = options["currency"].upper() or inspection.currency
        channel, is_new = ensure_channel(
            name=options["channel"], currency=currency, time_zone=options["timezone"], actor=actor, now=now
        )
        if is_new:
            inspection = inspect_file(data, channel=channel, **told)
        run = start_import(
            kind=options["kind"], format_=options["format"], channel=channel, file_name=Path(options["file"]).name, data=data,
            inspection=inspection, actor=actor, now=now,
        )  # fmt: skip
    note = f"Channel “{channel.name}” was added ({channel.currency}, {channel.time_zone})." if is_new else ""
    return run, note
