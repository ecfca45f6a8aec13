"""Background work of availability; safe to run twice, at once, in any order."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from availability.models import DirtyAvailability
from availability.operations import surroundings
from availability.operations.marking import PUBLISH_TASK, window
from availability.operations.publishing import publish_due as publish_batch
from availability.webhooks import posting
from core.outbox import bell

#: Name of the one call that waits for marks to become due.
_AGAIN = "availability.again"


@shared_task
def publish_due() -> int:
    """Tell the channels what is due; come back when the next marks are."""
    bell.answered(PUBLISH_TASK)
    told = 0
    while (done := publish_batch(now=timezone.now())).looked_at:
        told += done.changed
    seconds = window().total_seconds()
    if seconds and DirtyAvailability.objects.exists() and cache.add(_AGAIN, 1, max(1, int(seconds))):
        publish_due.apply_async(countdown=seconds, retry=False, ignore_result=True)
    return told


@shared_task
def watch_surroundings() -> int:
    """Notice what no event tells of: locations, catalogue, sales, ends of budgets."""
    return surroundings.watch_surroundings(now=timezone.now())


@shared_task
def prune_posts() -> int:
    """Forget messages of long ago."""
    return posting.prune_posts(now=timezone.now())
