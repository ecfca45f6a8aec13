"""Pre-orders: goods that nobody gets before their release day, though they may lie on the shelf.

Routing reads a flag and no clock: it stands from the moment a later day is set until somebody (beat, on the day) takes it away. So a
variant without a release day costs those who place orders nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction

from core.actors import Actor
from core.models import Shop
from core.outbox import publish
from core.timeline import record
from inventory.events import StockIncreased
from inventory.models import Variant


def shop_day(now: datetime) -> date:
    """The day it is for the shop."""
    name = Shop.objects.values_list("time_zone", flat=True).first() or "UTC"
    try:
        return now.astimezone(ZoneInfo(name)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return now.astimezone(UTC).date()


def await_release(variant: Variant, *, now: datetime) -> bool:
    """Set whether a variant awaits its day, by the day it has; not saved. True when it waited and may be given from now on."""
    waited = variant.awaits_release
    if variant.released_on is None and not waited:
        return False
    variant.awaits_release = variant.released_on is not None and variant.released_on > shop_day(now)
    return waited and not variant.awaits_release


def release_due(*, actor: Actor, now: datetime) -> int:
    """Release what its day has come for, one variant in a transaction: whoever waits for it hears of it as stock that rose."""
    due = Variant.objects.filter(awaits_release=True, released_on__lte=shop_day(now)).order_by("id")
    released = 0
    for pk in list(due.values_list("pk", flat=True)):
        with transaction.atomic():
            variant = Variant.objects.select_for_update(of=("self",), no_key=True).get(pk=pk)
            if not variant.awaits_release or variant.released_on is None or variant.released_on > shop_day(now):
                continue
            variant.awaits_release, variant.updated_at = False, now
            variant.save(update_fields=["awaits_release", "updated_at"])
            record(variant.subject, "variant.released", actor=actor, at=now, sku=variant.sku)
            publish(StockIncreased([variant.pk]), actor=actor)
            released += 1
    return released
