"""Imports: the list, one import with its report, and its refused rows as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from channels.filters import ImportFilter
from channels.formats.records import REASON_COLUMNS
from channels.models import ALSO_NEEDS, TRIABLE, ImportRun
from channels.operations import start_for_real
from channels.tables import ImportTable
from core.actors import Actor
from core.formulas import safe_text
from core.jobs import progress_of
from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from core.models import JobState
from core.permissions import require, require_permission

ERRORS_SHOWN = 200


class ImportList(ListPage):
    """Every file that was brought in."""

    name = "imports"
    title = _("Imports")
    permission = "imports.run"
    model = ImportRun
    table_class = ImportTable
    filter_class = ImportFilter
    sorts = {"at": Sort("created_at", desc=True), "refused": Sort("refused", desc=True)}
    default_sort = "at"
    search_placeholder = _("File name")
    tabs = (
        Tab("all", _("All")),
        Tab("running", _("Running"), Q(job__state__in=[JobState.QUEUED, JobState.RUNNING])),
        Tab("refused", _("With refused rows"), Q(refused__gt=0) | Q(job__state=JobState.FAILED)),
    )
    page_actions = (
        PageAction(_("Import a file"), "import-new", "imports.run", primary=True, icon="download"),
        PageAction(_("Import and export"), "exchange", "imports.run"),
    )
    empty = Empty(
        _("No imports yet"),
        _("Bring in products, locations, stock and orders from an export of your shop."),
        _("Import a file"),
        "import-new",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        return ImportRun.objects.select_related("job", "channel")

    def search(self, queryset: QuerySet[ImportRun], q: str) -> QuerySet[ImportRun]:
        return queryset.filter(file_name__icontains=q)


import_list = list_view(ImportList)


@require("imports.run")
@require_safe
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: how far it is, what became of its rows, and why some were refused."""
    run = get_object_or_404(ImportRun.objects.select_related("job", "channel"), pk=pk)
    context = {
        "run": run,
        "job": run.job,
        "progress": progress_of(run.job, now=timezone.now()),
        "finished": not run.job.open,
        "triable": run.kind in TRIABLE,
        "may_apply": run.trial and not run.job.open and run.file_id is not None,
        "errors": list(run.job.errors.order_by("line", "id")[:ERRORS_SHOWN]),
        "shown": ERRORS_SHOWN,
    }
    return render(request, "channels/import.html", context)


@require("imports.run")
@require_POST
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Import the file of a trial for real; pressed twice it is one import."""
    run = get_object_or_404(ImportRun, pk=pk)
    if run.kind in ALSO_NEEDS:
        require_permission(request.user, ALSO_NEEDS[run.kind])
    started = start_for_real(run_id=run.pk, actor=Actor.user(request.user), now=timezone.now())
    return redirect("import", pk=started.pk)


@require("imports.run")
@require_safe
def refused_rows(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The refused rows in their own columns with the reason beside them: mend them and import this file."""
    run = get_object_or_404(ImportRun, pk=pk)
    response = StreamingHttpResponse(_lines(run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{run.pk}-refused.csv"'
    return response


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def _lines(run: ImportRun) -> Iterator[str]:
    writer = csv.writer(_Echo())
    header = run.dialect.get("header", [])
    yield "\ufeff" + writer.writerow([safe_text(name) for name in (*header, *REASON_COLUMNS)])
    for error in run.job.errors.order_by("line", "id").iterator(chunk_size=500):
        reason = [error.line or "", safe_text(error.field), safe_text(error.message)]
        for cells in _rows_of(error.raw):
            own = [cell for _name, cell in zip_longest(header, cells[: len(header)], fillvalue="")]
            yield writer.writerow([*map(safe_text, own), *reason])


def _rows_of(raw: Any) -> list[list[str]]:
    """The rows as they were; a row of which nothing could be read is an empty one with its reason."""
    return raw if isinstance(raw, list) and raw else [[]]
