"""Tasks of the forecasts."""

from __future__ import annotations

from importlib.util import find_spec

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from forecasting.jobs import night_run_due, start_forecasts
from forecasting.limits import LIBRARY
from forecasting.operations.demand import mark_changed_orders, refresh_demand
from forecasting.operations.stockouts import refresh_stockouts


@shared_task
def refresh_daily_demand() -> int:
    """Make marked days and levels anew until none is left."""
    mark_changed_orders(now=timezone.now())
    made = 0
    while count := refresh_demand(now=timezone.now()) + refresh_stockouts():
        made += count
    return made


@shared_task
def make_forecasts_nightly() -> int | None:
    """Start the run of the night, once after the small hours of the shop's day, however often it is asked; its job."""
    now = timezone.now()
    if find_spec(LIBRARY) is None or not night_run_due(now=now):
        return None
    return start_forecasts(actor=Actor.system("forecast"), now=now).pk
