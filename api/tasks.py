"""Periodic work of the API."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from api.models import IdempotentRequest

#: How long a repeat of a request with an Idempotency-Key gets the saved answer.
KEEP = timedelta(days=7)


@shared_task
def forget_old_answers() -> int:
    """Delete saved answers that nobody will ask for again; the number deleted."""
    deleted, _by_model = IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEEP).delete()
    return deleted
