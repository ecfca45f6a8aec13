"""Jobs: each step once, whatever is killed, stolen, cancelled or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import jobs
from core.actors import Actor
from core.jobs import (
    JobKind,
    cancel_job,
    progress_of,
    register_job,
    report_error,
    resume_job,
    run_job,
    start_job,
    sweep,
)
from core.models import Job, JobState, TimelineEntry
from core.refusals import Refusal

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class Steps(JobKind):
    """Writes one history line a step; params say which step breaks and how."""

    name = "test-steps"

    def prepare(self, job: Job, *, now: datetime) -> None:
        if job.params.get("refuse_at") == "start":
            raise Refusal("no", "There is nothing to do.")
        job.total = job.params["steps"]

    def work(self, job: Job) -> int:
        step = job.cursor.get("next", 0)
        if job.params.get("break_at") == step and job.attempts < job.params.get("times", 1):
            raise RuntimeError("power cut")
        if job.params.get("refuse_at") == step:
            raise Refusal("no", "This file is not readable.")
        return step

    def save(self, job: Job, worked: int, *, now: datetime) -> bool:
        TimelineEntry.objects.create(
            subject=f"test:{job.pk}", kind="step", data={"n": worked}, actor="t", actor_label="t", at=now
        )
        if worked in job.params.get("bad", []):
            report_error(job, reference=f"row {worked}", message="It is broken.", line=worked)
        job.cursor = {"next": worked + 1}
        job.done += 1
        return job.done >= (job.total or 0)


@pytest.fixture(autouse=True)
def kind():
    register_job(Steps)
    yield
    jobs._kinds.pop(Steps.name)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def start(**params) -> Job:
    return start_job(kind=Steps.name, title="Steps", params={"steps": 3, **params}, actor=ACTOR, now=NOW)


def steps_of(job: Job) -> list[int]:
    return [entry.data["n"] for entry in TimelineEntry.objects.filter(subject=f"test:{job.pk}").order_by("pk")]


def test_a_job_does_its_steps_in_order_and_says_how_far_it_is():
    job = start()
    done = run_job(job.pk, clock=Clock())
    assert (done.state, done.done, done.total, steps_of(job)) == ("done", 3, 3, [0, 1, 2])
    assert progress_of(done, now=NOW + timedelta(minutes=1)).rate > 0


def test_a_broken_step_is_done_again_and_the_others_are_not():
    job, clock = start(break_at=1), Clock()
    with pytest.raises(RuntimeError):
        run_job(job.pk, clock=clock)
    clock.now += timedelta(minutes=5)
    assert sweep(now=clock.now) == 1
    assert run_job(job.pk, clock=clock).state == "done"
    assert steps_of(job) == [0, 1, 2]


def test_a_job_that_breaks_again_and_again_ends_with_the_reason_and_can_be_resumed():
    job, clock = start(break_at=1, times=jobs.MAX_ATTEMPTS), Clock()
    for _ in range(jobs.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            run_job(job.pk, clock=clock)
        clock.now += timedelta(hours=1)
    job.refresh_from_db()
    assert job.state == "failed" and "power cut" in job.message
    Job.objects.filter(pk=job.pk).update(params={"steps": 3})
    resume_job(job_id=job.pk, actor=ACTOR, now=clock())
    assert run_job(job.pk, clock=clock).state == "done" and steps_of(job) == [0, 1, 2]


@pytest.mark.parametrize("at", ["start", 1])
def test_a_refusal_ends_a_job_with_its_sentence(at):
    job = start(refuse_at=at)
    assert run_job(job.pk, clock=Clock()).state == "failed"
    job.refresh_from_db()
    assert job.message in ("There is nothing to do.", "This file is not readable.")
    assert sweep(now=NOW + timedelta(days=1)) == 0


def test_bad_rows_are_listed_and_the_rest_goes_on():
    job = start(bad=[1])
    done = run_job(job.pk, clock=Clock())
    assert (done.state, done.failed, steps_of(job)) == (JobState.DONE_WITH_ERRORS, 1, [0, 1, 2])
    assert job.errors.get().reference == "row 1"


def test_a_worker_whose_lease_was_taken_writes_nothing_more():
    job, clock = start(), Clock()
    taken = {}

    class Stolen(Steps):
        name = "test-stolen"

        def work(self, job: Job) -> int:
            if not taken:
                taken["yes"] = True
                Job.objects.filter(pk=job.pk).update(lease="somebody else", lease_until=NOW + timedelta(hours=1))
            return super().work(job)

    jobs._kinds[Steps.name] = Stolen()
    run_job(job.pk, clock=clock)
    assert steps_of(job) == []
    assert run_job(job.pk, clock=clock) is None, "the lease is somebody else's until it runs out"


def test_cancelling_keeps_what_is_done():
    job = start()
    cancel_job(job_id=job.pk, actor=ACTOR, now=NOW)
    assert run_job(job.pk, clock=Clock()) is None
    job.refresh_from_db()
    assert job.state == "cancelled" and steps_of(job) == []
    with pytest.raises(Refusal):
        cancel_job(job_id=job.pk, actor=ACTOR, now=NOW)


def test_the_same_work_is_not_queued_twice_while_it_is_open():
    first = start_job(kind=Steps.name, title="a", params={"steps": 1}, actor=ACTOR, now=NOW, dedupe_key="k")
    again = start_job(kind=Steps.name, title="b", params={"steps": 1}, actor=ACTOR, now=NOW, dedupe_key="k")
    assert first.pk == again.pk
    run_job(first.pk, clock=Clock())
    assert (
        start_job(kind=Steps.name, title="c", params={"steps": 1}, actor=ACTOR, now=NOW, dedupe_key="k").pk != first.pk
    )


@pytest.mark.django_db(transaction=True)
def test_eight_workers_on_one_job_do_each_step_once(threads):
    job = start(steps=6)
    threads(8, lambda i: run_job(job.pk, clock=Clock()))
    assert steps_of(job) == list(range(6))
