"""Background work on promises; safe to run twice, at once, in any order."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from backorders.operations.promising import recompute_all
from core.actors import Actor
from inventory.operations.releases import release_due


@shared_task
def sweep_promises() -> int:
    """Every promise anew: a day that has passed without the goods moves it."""
    return recompute_all(now=timezone.now())


@shared_task
def release_variants() -> int:
    """Give pre-orders their goods on the day."""
    return release_due(actor=Actor.system("releases"), now=timezone.now())
