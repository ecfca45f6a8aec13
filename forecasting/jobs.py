"""Making forecasts as a background job: keep the demand, learn the pools from a sample, then one portion of variants after another."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib.util import find_spec

from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.jobs import JobKind, register_job, start_job
from core.models import Job
from core.refusals import Refusal
from forecasting.limits import BACK_DAYS, LIBRARY
from forecasting.operations.demand import mark_changed_orders, refresh_demand
from forecasting.operations.saving import forget_older_forecasts, save_forecasts, settle_past_forecasts
from forecasting.operations.stockouts import refresh_stockouts
from forecasting.portions import Worked
from forecasting.queries import variants_count
from orders.queries import shop_zone

KIND = "make-forecasts"
NIGHT_HOUR = 2


@register_job
class MakeForecasts(JobKind):
    """cursor: stage (demand, pools, series), day (the first forecast), pools, after (the last variant done)."""

    name = KIND
    permission = "replenishment.view"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.cursor = {"stage": "demand", "day": now.astimezone(shop_zone()).date().isoformat(), "after": 0}
        mark_changed_orders(now=now)

    def work(self, job: Job) -> Worked:
        if find_spec(LIBRARY) is None:
            raise Refusal(
                "forecast_library_missing",
                _(
                    "The library of forecasting models is not installed: install the extra “forecast” (requirements/forecast.txt)."
                ),
            )
        from forecasting import running  # with the models: seconds, and memory that no other process wants

        stage, today = job.cursor["stage"], date.fromisoformat(job.cursor["day"])
        if stage == "pools":
            return Worked(pools=running.learn(today))
        return running.forecast_portion(job.cursor, today=today, now=_now_of(job)) if stage == "series" else Worked()

    def save(self, job: Job, worked: Worked, *, now: datetime) -> bool:
        today = date.fromisoformat(job.cursor["day"])
        if job.cursor["stage"] == "demand":
            if not refresh_demand(now=now) + refresh_stockouts():
                settle_past_forecasts(today=today)
                job.total = variants_count(since=_since(today))
                job.cursor = {**job.cursor, "stage": "pools"}
            return False
        if worked.pools is not None:
            job.cursor = {**job.cursor, "stage": "series", "pools": worked.pools}
            return False
        save_forecasts(worked.results, worked.pasts, today=today)
        job.cursor = {**job.cursor, "after": worked.after}
        job.done += worked.variants
        job.result = {"forecasts": job.result.get("forecasts", 0) + len(worked.results)}
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


def _now_of(job: Job) -> datetime:
    """All rows of a run are of the moment it began, so that what it did not renew is known by its age."""
    return job.started_at or job.created_at
