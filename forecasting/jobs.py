"""Making forecasts as a background job: keep the demand, learn the pools from a sample, then one portion of variants after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.jobs import JobKind, register_job, start_job
from core.models import Job
from core.refusals import Refusal
from forecasting.engine.candidates import LibraryMissing, library
from forecasting.engine.forecast import BACK_DAYS
from forecasting.engine.pools import Pools
from forecasting.evaluation import sample_pools
from forecasting.history import load_histories, variants_after, variants_count, variants_sample
from forecasting.making import Made, make_forecasts
from forecasting.operations.demand import mark_changed_orders, refresh_demand
from forecasting.operations.saving import forget_older_forecasts, save_forecasts, settle_past_forecasts
from forecasting.operations.stockouts import refresh_stockouts
from forecasting.queries import forecast_settings
from orders.queries import shop_zone

KIND = "make-forecasts"
#: Variants of a step, unless its time is over before; a step ends well within a job's lease.
PORTION = 200
STEP_SECONDS = 20.0
#: Variants from which the pools are learned.
SAMPLE = 900
NIGHT_HOUR = 2


@dataclass(slots=True)
class _Worked:
    """What a step found out: pools, or rows and the last variant they reach to."""

    pools: Pools | None = None
    made: list[Made] = field(default_factory=list)
    variants: int = 0
    after: int = 0
    last: bool = False


@register_job
class MakeForecasts(JobKind):
    """cursor: stage (demand, pools, series), day (the first forecast), pools, after (the last variant done)."""

    name = KIND
    permission = "replenishment.view"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.cursor = {"stage": "demand", "day": now.astimezone(shop_zone()).date().isoformat(), "after": 0}
        mark_changed_orders(now=now)

    def work(self, job: Job) -> _Worked:
        try:
            library()
        except LibraryMissing:
            raise Refusal(
                "forecast_library_missing",
                _(
                    "The library of forecasting models is not installed: install the extra “forecast” (requirements/forecast.txt)."
                ),
            ) from None
        stage, today = job.cursor["stage"], date.fromisoformat(job.cursor["day"])
        if stage == "pools":
            return _Worked(pools=_learn(today))
        return _forecast(job, today) if stage == "series" else _Worked()

    def save(self, job: Job, worked: _Worked, *, now: datetime) -> bool:
        today = date.fromisoformat(job.cursor["day"])
        if job.cursor["stage"] == "demand":
            if not refresh_demand(now=now) + refresh_stockouts():
                settle_past_forecasts(today=today)
                job.total = variants_count(since=_since(today))
                job.cursor = {**job.cursor, "stage": "pools"}
            return False
        if worked.pools is not None:
            job.cursor = {**job.cursor, "stage": "series", "pools": worked.pools.as_json()}
            return False
        save_forecasts([made.result for made in worked.made], [made.past for made in worked.made], today=today)
        job.cursor = {**job.cursor, "after": worked.after}
        job.done += worked.variants
        job.result = {"forecasts": job.result.get("forecasts", 0) + len(worked.made)}
        if worked.last:
            forget_older_forecasts(made_before=job.started_at or now)
        return worked.last

    def result_url(self, job: Job) -> str:
        return reverse("forecast")


def start_forecasts(*, actor: Actor, now: datetime) -> Job:
    """Queue a run over everything; an open one is returned instead of a second."""
    return start_job(kind=KIND, title=_("Make forecasts"), params={}, actor=actor, now=now, dedupe_key=KIND)


def night_run_due(*, now: datetime) -> bool:
    """Whether no run began since two o'clock of the shop's night, and it is later than that."""
    local = now.astimezone(shop_zone())
    begin = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return local >= begin and not Job.objects.filter(kind=KIND, created_at__gte=begin).exists()


def _since(today: date) -> date:
    return today - timedelta(days=BACK_DAYS)


def _learn(today: date) -> Pools:
    """Pools from a sample that changes from day to day."""
    settings = forecast_settings()
    ids = variants_sample(SAMPLE, since=_since(today), seed=today.isoformat())
    end = monotonic() + STEP_SECONDS * 2

    def until_time_is_up() -> Any:
        for start in range(0, len(ids), PORTION):
            for history in load_histories(ids[start : start + PORTION], today=today, settings=settings):
                if monotonic() > end:
                    return
                yield history.total

    return sample_pools(until_time_is_up())


def _forecast(job: Job, today: date) -> _Worked:
    """A portion of variants, or as many of it as the time of a step allows; one at least."""
    after, settings = job.cursor["after"], forecast_settings()
    ids = variants_after(after, PORTION, since=_since(today))
    pools = Pools.from_json(job.cursor["pools"])
    worked = _Worked(after=after)
    end = monotonic() + STEP_SECONDS
    histories = load_histories(ids, today=today, settings=settings)
    for made in make_forecasts(histories, pools, settings, today=today, now=_now_of(job)):
        worked.made += made
        worked.variants += 1
        worked.after = made[0].result.variant_id
        if monotonic() > end:
            return worked
    worked.last = len(ids) < PORTION
    worked.after = ids[-1] if ids else after
    worked.variants = len(ids)
    return worked


def _now_of(job: Job) -> datetime:
    """All rows of a run are of the moment it began, so that what it did not renew is known by its age."""
    return job.started_at or job.created_at
