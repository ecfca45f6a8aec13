"""Background jobs: long work in steps, with progress, that survives a killed worker.

A job is a row. A worker takes a lease on it and does one step after another. Each step has a part outside any transaction (`work`:
rendering, reading) and a part inside (`save`), which commits its effects together with the job's cursor: a step happens once.
A sweeper starts jobs whose lease has run out.
"""

from __future__ import annotations

import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import Job, JobError, JobState, StoredFile
from core.outbox import bell
from core.refusals import NotFound, Refusal

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 5
Clock = Callable[[], datetime]


class JobKind(ABC):
    """One kind of background work. Subclass, name it, decorate with @register_job.

    prepare: once, in a transaction, before the first step: set job.total.
    work: outside any transaction; may be slow; must not write. save: inside the transaction of the step; writes the effects, moves
    job.cursor and job.done, reports errors; returns True when there is nothing left.
    """

    name = ""
    permission = "jobs.view"  # who may have the file it made and its errors as a file

    def prepare(self, job: Job, *, now: datetime) -> None:  # noqa: B027 - most kinds know nothing before their first step
        """Set what is known before the first step."""

    def work(self, job: Job) -> Any:
        """The slow part of the next step."""
        return None

    @abstractmethod
    def save(self, job: Job, worked: Any, *, now: datetime) -> bool:
        """The written part of the next step; True when the job is finished."""

    def result_url(self, job: Job) -> str:
        """Where its result can be seen; empty when the job page is all there is."""
        return ""


_kinds: dict[str, JobKind] = {}


def register_job(kind: type[JobKind]) -> type[JobKind]:
    """Class decorator: make the kind known under its name."""
    if not kind.name or kind.name in _kinds:
        raise ValueError(f"job kind {kind.name!r} has no name or is known already")
    _kinds[kind.name] = kind()
    return kind


def kind_of(job: Job) -> JobKind:
    """The kind of a job; LookupError when its code is gone."""
    return _kinds[job.kind]


def start_job(
    *,
    kind: str,
    title: str,
    params: dict[str, Any],
    actor: Actor,
    now: datetime,
    source: StoredFile | None = None,
    dedupe_key: str | None = None,
) -> Job:
    """Queue a job and ring for a worker after the commit. With a dedupe_key an open job of the same key is returned instead."""
    if kind not in _kinds:
        raise LookupError(f"unknown job kind {kind!r}")
    job = Job(
        kind=kind, title=title[:200], params=params, source=source, dedupe_key=dedupe_key, created_at=now,
        actor=actor.ref, actor_label=actor.label[:120],
    )  # fmt: skip
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        return Job.objects.get(dedupe_key=dedupe_key, state__in=[JobState.QUEUED, JobState.RUNNING])
    transaction.on_commit(lambda: bell.ring("core.tasks.run_job", job.pk), robust=True)
    return job


def report_error(
    job: Job, *, reference: str, message: str, line: int | None = None, field: str = "", raw: Any = None
) -> None:
    """Note one item that could not be done; the job goes on."""
    JobError.objects.create(
        job=job,
        reference=reference[:200].replace("\x00", ""),
        message=message.replace("\x00", ""),
        line=line,
        field=field[:100],
        raw=raw,
    )
    job.failed += 1


def cancel_job(*, job_id: int, actor: Actor, now: datetime) -> Job:
    """Ask a job to stop after its present step; a queued one stops at once. What is done stays done."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("no_such_job", _("There is no such job."))
        if not job.open:
            raise Refusal("job_ended", _("It has ended already."))
        job.cancel_requested = True
        if job.state == JobState.QUEUED or job.lease_until is None or job.lease_until < now:
            job.state, job.finished_at, job.lease_until = JobState.CANCELLED, now, None
        job.message = _("Cancelled by {who}.").format(who=actor.label)
        job.save()
    return job


def resume_job(*, job_id: int, actor: Actor, now: datetime) -> Job:
    """Start a failed or cancelled job again where it stopped."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None:
            raise NotFound("no_such_job", _("There is no such job."))
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            raise Refusal("job_not_stopped", _("Only a failed or cancelled job can be resumed."))
        job.state, job.cancel_requested, job.finished_at, job.attempts = JobState.QUEUED, False, None, 0
        job.lease_until, job.message = None, ""
        job.save()
        transaction.on_commit(lambda: bell.ring("core.tasks.run_job", job.pk), robust=True)
    return job


def run_job(job_id: int, *, clock: Clock, until: datetime | None = None) -> Job | None:
    """Take the lease of a job and do its steps to the end; None when another worker has it. Stops after `until` (resumed later)."""
    lease = uuid.uuid4().hex
    if not _claim(job_id, lease, now=clock()):
        return None
    try:
        while True:
            job = Job.objects.get(pk=job_id)
            if job.lease != lease or not job.open:
                return job
            kind = kind_of(job)
            if job.started_at is None:
                _prepare(job_id, lease, kind, now=clock())
                continue
            worked = kind.work(job)
            if _step(job_id, lease, kind, worked, clock=clock):
                return Job.objects.get(pk=job_id)
            if until is not None and clock() > until:
                Job.objects.filter(pk=job_id, lease=lease).update(lease_until=clock())
                bell.ring("core.tasks.run_job", job_id)
                return Job.objects.get(pk=job_id)
    except Refusal as refusal:
        return _fail(job_id, lease, str(refusal), now=clock(), final=True)
    except Exception as error:
        _fail(job_id, lease, f"{type(error).__name__}: {error}"[:2000], now=clock(), final=False)
        raise


def _claim(job_id: int, lease: str, *, now: datetime) -> bool:
    with transaction.atomic():
        job = (
            Job.objects.select_for_update()
            .filter(
                Q(lease_until__isnull=True) | Q(lease_until__lte=now),
                pk=job_id,
                state__in=[JobState.QUEUED, JobState.RUNNING],
            )
            .first()
        )
        if job is None:
            return False
        job.state, job.lease, job.lease_until = JobState.RUNNING, lease, now + LEASE
        job.save()
    return True


def _prepare(job_id: int, lease: str, kind: JobKind, *, now: datetime) -> None:
    """The first look at the work, once; a refusal here ends the job like one in a step."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.lease == lease:
            kind.prepare(job, now=now)
            job.started_at = now
            job.save()


def _step(job_id: int, lease: str, kind: JobKind, worked: Any, *, clock: Clock) -> bool:
    """One written step under the job's row lock; True when the job has ended. A stolen lease writes nothing."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.lease != lease:
            return True
        now = clock()
        job.attempts = 0  # it is getting somewhere: only failures in a row end a job
        if job.cancel_requested:
            job.state, job.finished_at = JobState.CANCELLED, now
        elif kind.save(job, worked, now=now):
            job.state = JobState.DONE_WITH_ERRORS if job.failed else JobState.DONE
            job.finished_at = now
        job.lease_until = None if job.finished_at else now + LEASE
        job.save()
        return job.finished_at is not None


def _fail(job_id: int, lease: str, message: str, *, now: datetime, final: bool) -> Job:
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.lease != lease or not job.open:
            return job
        job.attempts += 1
        job.message = message
        if final or job.attempts >= MAX_ATTEMPTS:
            job.state, job.finished_at, job.lease_until = JobState.FAILED, now, None
        else:
            job.lease_until = now + timedelta(seconds=5 * 2**job.attempts)
        job.save()
        return job


def sweep(*, now: datetime) -> int:
    """Ring again for open jobs that nobody works on: lost messages, killed workers; the number found."""
    ids = list(
        Job.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING])
        .filter(Q(lease_until__lte=now) | Q(lease_until__isnull=True, created_at__lte=now - timedelta(seconds=5)))
        .values_list("pk", flat=True)[:100]
    )
    for job_id in ids:
        bell.ring("core.tasks.run_job", job_id)
    return len(ids)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a person wants to know of a job: how far, how fast, how long still. rate is items a second."""

    done: int
    total: int | None
    failed: int
    rate: float | None
    seconds_left: float | None


def progress_of(job: Job, *, now: datetime) -> Progress:
    """The progress of a job as of now."""
    end = job.finished_at or now
    seconds = (end - job.started_at).total_seconds() if job.started_at else 0
    rate = job.done / seconds if seconds > 0 and job.done else None
    left = (job.total - job.done) / rate if rate and job.total is not None and job.open else None
    return Progress(job.done, job.total, job.failed, rate, left)
