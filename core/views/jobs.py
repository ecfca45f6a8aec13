"""Background jobs: the list, one job with its progress and errors, cancel, resume, and the file it made."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.formats import active_locale
from core.formulas import safe_text
from core.jobs import JobKind, cancel_job, kind_of, progress_of, resume_job
from core.listing.keyset import BadCursor, Keyset
from core.models import Job, JobState
from core.permissions import require, require_permission

PAGE_SIZE = 50
ERRORS_SHOWN = 200
_OPEN = [JobState.QUEUED, JobState.RUNNING]
_TABS = {
    "all": None,
    "open": _OPEN,
    "failed": [JobState.FAILED, JobState.DONE_WITH_ERRORS],
}


@dataclass(frozen=True, slots=True)
class JobCard:
    """A job as its card and page show it."""

    pk: int
    title: str
    state: str
    state_label: str
    total: int | None
    done: int
    rate_label: str
    eta_label: str
    error_count: int
    result_url: str
    result_label: str
    finished: bool


def job_card(job: Job, *, now: datetime) -> JobCard:
    """The card of a job as of now."""
    progress = progress_of(job, now=now)
    url, label = _result_of(job)
    return JobCard(
        pk=job.pk,
        title=job.title,
        state=job.state,
        state_label=job.get_state_display(),
        total=progress.total,
        done=progress.done,
        rate_label=_rate(progress.rate),
        eta_label=_time_left(progress.seconds_left),
        error_count=progress.failed,
        result_url=url,
        result_label=label,
        finished=not job.open,
    )


def _result_of(job: Job) -> tuple[str, str]:
    if job.output_id:
        return reverse("job-output", args=[job.pk]), _("Download")
    kind = _kind_or_none(job)
    url = kind.result_url(job) if kind and not job.open else ""
    return (url, _("See the result")) if url else ("", "")


def _kind_or_none(job: Job) -> JobKind | None:
    """None for a job whose kind of work this version no longer knows: its page still opens."""
    try:
        return kind_of(job)
    except LookupError:
        return None


def _rate(rate: float | None) -> str:
    if rate is None:
        return ""
    if rate >= 1:
        return _("{number} a second").format(number=format_decimal(round(rate), locale=active_locale()))
    return _("{number} a minute").format(number=format_decimal(round(rate * 60, 1), locale=active_locale()))


def _time_left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    span = format_timedelta(max(1, round(seconds)), threshold=1.2, locale=active_locale())
    return _("about {time} left").format(time=span)


@require("jobs.view")
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """Every job, newest first."""
    tab = request.GET.get("tab", "all")
    if tab not in _TABS:
        raise Http404(tab)
    jobs = Job.objects.filter(state__in=_TABS[tab]) if _TABS[tab] else Job.objects.all()
    try:
        page = Keyset(("created_at", "id"), desc=True).page(
            jobs, size=PAGE_SIZE, after=request.GET.get("after"), before=request.GET.get("before")
        )
    except BadCursor:
        return redirect("jobs")
    tabs = [("all", _("All")), ("open", _("Running")), ("failed", _("With errors"))]
    return render(request, "core/jobs.html", {"page": page, "tab": tab, "tabs": tabs})


@require("jobs.view")
@require_safe
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """One job; for its own polling card only the card."""
    found = get_object_or_404(Job, pk=pk)
    card = job_card(found, now=timezone.now())
    if (request.htmx.target or "").startswith("job-"):
        return render(request, "components/job_card.html", {"job": card})
    context = {
        "job": found,
        "card": card,
        "errors": list(found.errors.order_by("id")[:ERRORS_SHOWN]),
        "may_cancel": found.open and not found.cancel_requested and request.user.can("jobs.cancel"),
        "may_resume": found.state in (JobState.FAILED, JobState.CANCELLED) and request.user.can("jobs.cancel"),
    }
    return render(request, "core/job.html", context)


@require("jobs.cancel")
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a job after its present step."""
    cancel_job(job_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.info(request, _("It stops after its present step. What is done stays done."))
    return redirect("job", pk=pk)


@require("jobs.cancel")
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a failed or cancelled job where it stopped."""
    resume_job(job_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.info(request, _("It goes on where it stopped."))
    return redirect("job", pk=pk)


def _with_output(request: HttpRequest, pk: int) -> Job:
    """The job, if the person may see what it made: its kind may ask for more than the right to see jobs."""
    found = get_object_or_404(Job.objects.select_related("output"), pk=pk)
    kind = _kind_or_none(found)
    require_permission(request.user, kind.permission if kind else JobKind.permission)
    return found


@require("jobs.view")
@require_safe
def output(request: HttpRequest, pk: int) -> HttpResponse:
    """The file that the job made."""
    found = _with_output(request, pk)
    if found.output is None:
        raise Http404("no output")
    inline = found.output.content_type == "application/pdf"
    return file_response(found.output.name, found.output.content_type, found.output.data, inline=inline)


@require("jobs.view")
@require_safe
def errors(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every error of the job as CSV, with the refused rows' own fields where they were kept."""
    found = _with_output(request, pk)
    response = StreamingHttpResponse(_error_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{found.pk}-errors.csv"'
    return response


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def _error_lines(found: Job) -> Iterator[str]:
    writer = csv.writer(_Echo())
    raw_keys = _raw_keys(found)
    yield "\ufeff" + writer.writerow([_("Line"), _("What"), _("Field"), _("Reason"), *map(safe_text, raw_keys)])
    for error in found.errors.order_by("id").iterator(chunk_size=500):
        raw: dict[str, Any] = error.raw if isinstance(error.raw, dict) else {}
        cells = [error.reference, error.field, error.message, *(raw.get(key, "") for key in raw_keys)]
        yield writer.writerow([error.line or "", *(safe_text(cell) for cell in cells)])


def _raw_keys(found: Job) -> list[str]:
    """The field names of refused rows, as the first of them has them: all come from one file."""
    first = found.errors.filter(raw__isnull=False).order_by("id").values_list("raw", flat=True).first()
    return list(first) if isinstance(first, dict) else []
