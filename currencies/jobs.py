"""A file of rates as a background job, a portion of days at a time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from core.actors import Actor
from core.files import store_file
from core.jobs import JobKind, register_job, start_job
from core.models import Job
from currencies.ecb import Quoted, newest_day, read_ecb
from currencies.operations import take_rates

PORTION = 50_000


@register_job
class ImportRates(JobKind):
    """Keeps the rates of an uploaded file of the European Central Bank."""

    name = "rates"
    permission = "rates.edit"

    def prepare(self, job: Job, *, now: datetime) -> None:
        job.total = len(_rates(job))

    def work(self, job: Job) -> list[Quoted]:
        return _rates(job)[job.done : job.done + PORTION]

    def save(self, job: Job, worked: list[Quoted], *, now: datetime) -> bool:
        take_rates(worked)
        job.done += len(worked)
        return job.done >= (job.total or 0)

    def result_url(self, job: Job) -> str:
        return reverse("rates")


def _rates(job: Job) -> list[Quoted]:
    return read_ecb(bytes(job.source.data)) if job.source else []


def start_rates_import(*, data: bytes, name: str, actor: Actor, now: datetime) -> Job:
    """Queue the import of a file. Raises Invalid (field ``file``) for one that is not the bank's."""
    rates = read_ecb(data)
    with transaction.atomic():
        source = store_file(name=name, content_type="application/xml", data=data)
        title = _("Exchange rates up to {day}").format(day=newest_day(rates).isoformat())
        return start_job(kind=ImportRates.name, title=title, params={}, actor=actor, now=now, source=source)
