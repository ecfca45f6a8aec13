"""Background work on parcels; safe to run twice, at once, in any order."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from core.actors import Actor
from fulfillment.delivery.measuring import measure_lanes
from fulfillment.operations.label_voids import void_unused_labels
from fulfillment.operations.risk import sweep_risks
from fulfillment.operations.splitting import open_due
from fulfillment.operations.tracking import ask_carriers


@shared_task
def advance_tracking() -> int:
    """Ask the carriers where their parcels are (in a demo the built-in one makes it up)."""
    return ask_carriers(actor=Actor.system("carrier"), now=timezone.now())


@shared_task
def void_labels() -> int:
    """Give back labels that will never travel."""
    return void_unused_labels(actor=Actor.system("labels"), now=timezone.now())


@shared_task
def open_scheduled() -> int:
    """Open the work orders whose day has come."""
    return open_due(actor=Actor.system("schedule"), now=timezone.now())


@shared_task
def sweep_order_risks() -> int:
    """Flag orders whose promised day is in danger, and take the flag away where it is not any more."""
    return sweep_risks(now=timezone.now())


@shared_task
def measure_lane_days() -> int:
    """How long parcels really take, once a night."""
    return measure_lanes(now=timezone.now())
