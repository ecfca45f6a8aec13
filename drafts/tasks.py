"""Periodic work of drafts."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from drafts.operations.sweeping import end_due


@shared_task
def end_due_drafts() -> int:
    """Give back stock whose date has come, and let drafts expire."""
    return end_due(actor=Actor.system("drafts"), now=timezone.now())
