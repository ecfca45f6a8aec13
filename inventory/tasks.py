"""Tasks of inventory: a few lines each; safe to run twice, in any order, at once."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from core.actors import Actor
from inventory.operations.lots import set_expired_aside
from inventory.operations.snapshots import take_snapshots

_LOOKED_AT = "inventory.snapshots.last_movement"


@shared_task(soft_time_limit=1500, time_limit=1600)
def snapshot_levels() -> int:
    """Take the snapshots of levels whose ledger has grown; where the cache was lost, the whole ledger is looked at once."""
    taken, last = take_snapshots(now=timezone.now(), after_id=cache.get(_LOOKED_AT, 0))
    cache.set(_LOOKED_AT, last, None)
    return taken


@shared_task
def set_expired_lots_aside() -> int:
    """Set units aside whose lot may not be shipped any more: each location's day ends at its own midnight."""
    return set_expired_aside(actor=Actor.system("lots"), now=timezone.now())
