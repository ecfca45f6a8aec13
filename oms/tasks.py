"""Periodic work of the use cases."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from oms.orchestration.hold_order import release_due
from oms.orchestration.route_order import fill_backorders, route_waiting


@shared_task
def release_due_holds() -> int:
    """Release holds whose time has come."""
    return release_due(actor=Actor.system("holds"), now=timezone.now())


@shared_task
def fill_all_backorders() -> int:
    """Catch what an event may have missed: fill back-orders, and route what no location could ship before."""
    actor, now = Actor.system("routing"), timezone.now()
    return fill_backorders(actor=actor, now=now) + route_waiting(actor=actor, now=now)
