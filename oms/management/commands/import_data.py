"""Import a file; the same work as an upload in the dashboard, done here and now."""

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
from channels.models import OF_CHANNEL, ImportRun
from channels.operations import ensure_channel, inspect_file, start_import
from channels.queries import report_of
from core.actors import Actor
from core.jobs import run_job
from core.models import Job, JobState
from core.refusals import Refusal
from oms.exchange.starting import STARTERS
from orders.models import Channel

_POLL_SECONDS = 0.5
_SHOWN = 20


class Command(BaseCommand):
    help = "Imports a file: catalogue, stock, orders, lots, documents, rules. Rows that cannot be taken are reported with line and reason."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", choices=(*KINDS, *STARTERS), help="what the file holds")
        parser.add_argument("file", metavar="FILE", help="the file (.csv or .xlsx)")
        parser.add_argument(
            "--format", default="shopify", choices=FORMATS, help="whose export it is (default: %(default)s)"
        )
        parser.add_argument(
            "--channel",
            default="",
            metavar="NAME",
            help="the channel it belongs to (orders need one); added when there is none of this name",
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
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> None:
        data = _read(options["file"])
        actor = Actor.system("import")
        if options["kind"] in STARTERS:
            self._import_by_job(data, options, actor)
            return
        try:
            run, note = _start(data, options, actor)
        except Refusal as refusal:
            self._refused(refusal, as_json=options["json"])
        if note:
            self.stderr.write(note)
        self._finish(run.job_id)
        run.refresh_from_db()
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

    def _import_by_job(self, data: bytes, options: dict[str, Any], actor: Actor) -> None:
        """A kind whose rows its own job counts and reports."""
        if options["dry_run"]:
            raise CommandError("An import of this kind cannot be tried first.")
        try:
            with transaction.atomic():
                job = STARTERS[options["kind"]](data, Path(options["file"]).name, actor=actor, now=timezone.now())
        except Refusal as refusal:
            self._refused(refusal, as_json=options["json"])
        job = self._finish(job.pk)
        errors = list(job.errors.order_by("line", "id").values("line", "field", "reference", "message")[:1000])
        report = {
            "job": job.pk,
            "kind": options["kind"],
            "state": job.state,
            "done": job.done,
            "refused": job.failed,
            "errors": errors,
        }
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("done {done}, refused {refused}".format(**report))
            self._print_errors(errors)
        if job.state not in (JobState.DONE, JobState.DONE_WITH_ERRORS):
            raise CommandError(job.message)

    def _finish(self, job_id: int) -> Job:
        """Work on the job here; when a worker was faster, wait for it."""
        told = False
        while True:
            run_job(job_id, clock=timezone.now)
            job = Job.objects.get(pk=job_id)
            if not job.open:
                return job
            if not told:
                self.stderr.write(f"Another process works on job {job.pk}; waiting for it.")
                told = True
            time.sleep(_POLL_SECONDS)

    def _print(self, report: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
            return
        self.stdout.write(f"{report['file']}: {report['dialect']['why']}")
        self.stdout.write(
            "created {created}, updated {updated}, unchanged {unchanged}, refused {refused}".format(**report)
        )
        if report["trial"]:
            self.stdout.write("Nothing was changed. What would be:")
            for one in report["differences"][:_SHOWN]:
                changes = ", ".join(
                    f"{name}: {before or '—'} → {after or '—'}" for name, before, after in one["changes"]
                )
                self.stdout.write(f"  line {one['line']} · {one['what']}: {one['state']} {changes}".rstrip())
        self._print_errors(report["errors"])
        if report["message"]:
            self.stdout.write(report["message"])

    def _print_errors(self, errors: list[dict[str, Any]]) -> None:
        for error in errors[:_SHOWN]:
            where = " · ".join(
                str(part) for part in (f"line {error['line']}", error["reference"], error["field"]) if part
            )
            self.stdout.write(f"  {where}: {error['message']}")
        if len(errors) > _SHOWN:
            self.stdout.write("  … and more; see the import's page for all of them")


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
    if not options["channel"]:
        if options["kind"] in OF_CHANNEL:
            raise CommandError("Orders belong to a channel: --channel NAME")
        inspection = inspect_file(data, channel=None, **told)
        run = start_import(
            kind=options["kind"], format_=options["format"], channel=None, file_name=Path(options["file"]).name, data=data,
            inspection=inspection, trial=options["dry_run"], actor=actor, now=now,
        )  # fmt: skip
        return run, ""
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
            inspection=inspection, trial=options["dry_run"], actor=actor, now=now,
        )  # fmt: skip
    note = f"Channel “{channel.name}” was added ({channel.currency}, {channel.time_zone})." if is_new else ""
    return run, note
