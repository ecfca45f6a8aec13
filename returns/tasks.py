"""Background work on returns; safe to run twice, at once, in any order."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from returns.operations import create_return_label, create_waiting_labels, follow_return_parcels

LABELS = Actor.system("return labels")


@shared_task
def make_return_label(return_id: int) -> None:
    """Buy and draw the label of one approved return."""
    create_return_label(return_id=return_id, actor=LABELS, now=timezone.now())


@shared_task
def make_return_labels() -> int:
    """Sweep: labels that were asked for and are not there yet."""
    return create_waiting_labels(actor=LABELS, now=timezone.now())


@shared_task
def follow_parcels() -> int:
    """Ask the carriers which return parcels have begun to move."""
    return follow_return_parcels(actor=Actor.system("carrier"), now=timezone.now())
