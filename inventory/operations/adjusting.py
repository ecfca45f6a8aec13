"""A person or a program sets a count, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound
from inventory.models import Bucket, MovementReason, StockLevel, StockMovement
from inventory.operations.levels import Move, apply_moves, create_levels, lock_levels

#: Buckets that people may set; reserved follows from orders alone.
ADJUSTABLE = frozenset({Bucket.ON_HAND, Bucket.DAMAGED, Bucket.QUALITY_CONTROL, Bucket.SAFETY_STOCK, Bucket.INCOMING})
MAX_COUNT = 100_000_000
#: What the cause of an adjustment by a person begins with; the key of its form follows.
BY_HAND = "adjustment:"
_EXIST = """
    SELECT EXISTS (SELECT FROM inventory_variant WHERE id = %s), EXISTS (SELECT FROM inventory_location WHERE id = %s)
"""
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What an adjustment by hand did. movement: None when the count was so already, else its last row in the ledger (of several lots
    there are several). change: units in all. repeated: it was done before, and not again."""

    level: StockLevel
    movement: StockMovement | None
    repeated: bool
    change: int = 0


def adjust_stock(
    *,
    variant_id: int,
    location_id: int,
    bucket: str = Bucket.ON_HAND,
    quantity: int | None = None,
    set_to: int | None = None,
    reason: str,
    note: str = "",
    actor: Actor,
    now: datetime,
    cause: str | None = None,
) -> StockLevel:
    """Change a bucket by `quantity` (signed) or set it to `set_to` (exactly one of them), through the ledger.

    Raises Invalid (bad bucket, reason, number), NotFound, or a Refusal naming SKU and location when the count cannot be.
    """
    cause = cause or actor.ref
    return _adjust(variant_id, location_id, bucket, quantity, set_to, reason, note, cause=cause, actor=actor, now=now)[
        0
    ]


def adjust_by_hand(
    *,
    variant_id: int,
    location_id: int,
    bucket: str = Bucket.ON_HAND,
    quantity: int | None = None,
    set_to: int | None = None,
    reason: str,
    note: str = "",
    key: str,
    actor: Actor,
    now: datetime,
) -> Adjustment:
    """Adjust as `adjust_stock` does, once for each `key` (made with the form): sending it again changes nothing and answers what it did.

    The ledger's cause is then "adjustment:<key>", by which it can be undone.
    """
    check_key(key)
    level, repeated = _adjust(
        variant_id,
        location_id,
        bucket,
        quantity,
        set_to,
        reason,
        note,
        cause=f"{BY_HAND}{key}",
        actor=actor,
        now=now,
        once=True,
    )
    rows = list(
        StockMovement.objects.filter(
            cause=f"{BY_HAND}{key}", variant_id=variant_id, location_id=location_id, bucket=bucket
        ).order_by("-id")
    )
    return Adjustment(level, rows[0] if rows else None, repeated, sum(row.quantity for row in rows))


def _adjust(
    variant_id: int,
    location_id: int,
    bucket: str,
    quantity: int | None,
    set_to: int | None,
    reason: str,
    note: str,
    *,
    cause: str,
    actor: Actor,
    now: datetime,
    once: bool = False,
) -> tuple[StockLevel, bool]:
    """The level as it is then, and whether this cause had moved it before (with `once`)."""
    _check_input(bucket, quantity, set_to, reason)
    _check_that_they_exist(variant_id, location_id)
    key = (variant_id, location_id)
    with transaction.atomic():
        create_levels([key])
        levels = lock_levels([key])
        # Under the lock: of two that arrive at once the second one sees what the first did.
        repeated = once and StockMovement.objects.filter(cause=cause).exists()
        if not repeated:
            change = quantity if quantity is not None else (set_to or 0) - getattr(levels[key], bucket)
            apply_moves(
                [Move(variant_id, location_id, bucket, change, reason, note)],
                cause=cause,
                actor=actor,
                now=now,
                levels=levels,
            )
        found = StockLevel.objects.select_related("variant", "location").get(
            variant_id=variant_id, location_id=location_id
        )
        return found, repeated


def check_key(key: str) -> None:
    """Refuse a key that no form of ours was made with. Raises Invalid `bad_key`."""
    if not _KEY.fullmatch(key):
        raise Invalid("bad_key", _("Open the page anew and try again."), field="key")


def _check_that_they_exist(variant_id: int, location_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_EXIST, [variant_id, location_id])
        known_variant, known_location = cursor.fetchone()
    if not known_variant:
        raise NotFound("no_such_variant", _("There is no such SKU."), field="sku")
    if not known_location:
        raise NotFound("no_such_location", _("There is no such location."), field="location")


def _check_input(bucket: str, quantity: int | None, set_to: int | None, reason: str) -> None:
    if bucket not in ADJUSTABLE:
        raise Invalid("bad_bucket", _("This count cannot be set by hand."), field="bucket")
    if reason not in MovementReason.values:
        raise Invalid("bad_reason", _("Choose a reason."), field="reason")
    if (quantity is None) == (set_to is None):
        raise Invalid("bad_quantity", _("Give either a change or a new count."), field="quantity")
    if set_to is not None and not 0 <= set_to <= MAX_COUNT:
        raise Invalid("bad_quantity", _("A count lies between 0 and {most}.").format(most=MAX_COUNT), field="set_to")
    if quantity is not None and abs(quantity) > MAX_COUNT:
        raise Invalid("bad_quantity", _("A change is at most {most} units.").format(most=MAX_COUNT), field="quantity")
