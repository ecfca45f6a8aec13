"""Background work of payments; safe to run twice, at once, in any order."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from payments.operations import asking, credit, messages


@shared_task
def ask_gateways() -> int:
    """Ask for what is not known, and look after what is held."""
    return asking.sweep(now=timezone.now())


@shared_task
def prune_webhooks() -> int:
    """Forget messages of long ago."""
    return messages.prune(now=timezone.now())


@shared_task
def expire_store_credit() -> int:
    """Take away store credit whose last day is over."""
    return credit.expire_credit(now=timezone.now())
