"""Tasks of the figures."""

from __future__ import annotations

from celery import shared_task

from reports.operations import refresh_figures


@shared_task
def refresh_daily_figures() -> int:
    """Make the figures of all marked days anew."""
    made = 0
    while count := refresh_figures():
        made += count
    return made
