"""Stock that is moved through the ledger, and the events that follow it, as the running system delivers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from core.models import OutboxDelivery, OutboxEvent
from core.outbox import deliver, relay
from inventory.models import Location, ReorderPolicy, Variant
from inventory.operations import Move, apply_moves
from replenishment.operations import PolicyWish, set_policies
from tests.factories.shop import ACTOR, NOW

HANDLER = "replenishment.handlers.stock_changed"


def move(variant: Variant, location: Location, quantity: int, *, bucket: str = "on_hand", now: datetime = NOW) -> None:
    """Move units through the ledger; raises Refusal where the level cannot follow."""
    with transaction.atomic():
        apply_moves(
            [Move(variant.pk, location.pk, bucket, quantity, "correction")], cause="test:1", actor=ACTOR, now=now
        )


def set_point(
    variant: Variant,
    location: Location | None,
    point: int,
    up_to: int | None = None,
    *,
    now: datetime = NOW,
    **fields: Any,
) -> ReorderPolicy:
    """Set a policy through the operation."""
    wish = PolicyWish(variant.pk, location.pk if location else None, point, up_to or point * 2, **fields)
    outcome = set_policies(wishes=[wish], actor=ACTOR, now=now)
    assert not outcome.refused, outcome.refused
    return ReorderPolicy.objects.get(variant=variant, location=location)


def follow(*, now: datetime = NOW) -> int:
    """Deliver what happened to replenishment, as the worker does; the number of events. What others do with it is theirs."""
    relay(now=now)
    mine = list(OutboxDelivery.objects.filter(handler=HANDLER, done_at__isnull=True).values_list("pk", flat=True))
    for pk in mine:
        deliver(pk, now=now)
    return len(mine)


def lose_messages() -> None:
    """What happened is never told: as if every message were lost."""
    relay(now=NOW)
    OutboxDelivery.objects.all().delete()
    OutboxEvent.objects.all().delete()
