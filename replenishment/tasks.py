"""Background work of replenishment; safe to run twice, at once, in any order."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from replenishment.operations import ordering
from replenishment.operations.evaluating import evaluate_all, evaluate_due
from replenishment.operations.telling import send_digest, tell_news


@shared_task
def sweep_alerts() -> int:
    """Everything with a reorder point, whatever message was lost."""
    found = evaluate_all(now=timezone.now())
    tell_news(now=timezone.now())
    return len(found.opened) + len(found.resolved) + len(found.changed)


@shared_task
def wake_alerts() -> int:
    """Snoozes that have ended by time, and mail that waited for its pause."""
    evaluate_due(now=timezone.now())
    told = 0
    while count := tell_news(now=timezone.now()):
        told += count
    return told


@shared_task
def mail_digest() -> int:
    """The daily mail, when its hour has come."""
    return send_digest(now=timezone.now())


@shared_task
def order_automatically() -> int:
    """The daily drafts of purchase orders, when they are switched on and their hour has come."""
    return ordering.order_automatically(actor=Actor.system("automatic reorder"), now=timezone.now())
