"""Periodic work of risk."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from risk.operations.assessing import forget_traces


@shared_task
def forget_old_traces() -> int:
    """Delete fingerprints that no rule looks at any more."""
    return forget_traces(now=timezone.now())
