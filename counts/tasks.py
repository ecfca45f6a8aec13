"""Tasks of counts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from counts.operations.scheduling import make_due_counts


@shared_task
def make_scheduled_counts() -> int:
    """Make the counts whose day has come; how many."""
    return len(make_due_counts(actor=Actor.system("schedule"), now=timezone.now()))
