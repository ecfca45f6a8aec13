"""The same change on many stock levels at once: one lock, one ledger write, each level that cannot follow named with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outcomes import BulkOutcome
from core.refusals import Invalid
from core.timeline import record_many
from inventory.models import Bucket, Location, MovementReason, Variant
from inventory.operations.adjusting import ADJUSTABLE, MAX_COUNT
from inventory.operations.levels import BUCKETS, Key, Level, Move, apply_moves, lock_levels

_SET_BIN = """
    UPDATE inventory_stocklevel s SET bin = %s FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
     WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id
"""
LONGEST_BIN = 40


def adjust_many(
    *,
    keys: Iterable[Key],
    bucket: str,
    quantity: int | None = None,
    set_to: int | None = None,
    reason: str,
    note: str = "",
    actor: Actor,
    now: datetime,
) -> BulkOutcome:
    """Change a bucket of existing levels by `quantity`, or set it to `set_to`, in one transaction.

    Levels that cannot follow (below zero, reserved) are refused one by one and the others are changed. Raises Invalid for a wrong input.
    """
    if bucket not in ADJUSTABLE:
        raise Invalid("bad_bucket", _("This count cannot be set by hand."), field="bucket")
    if reason not in MovementReason.values:
        raise Invalid("bad_reason", _("Choose a reason."), field="reason")
    number = quantity if quantity is not None else set_to
    if (quantity is None) == (set_to is None) or number is None or abs(number) > MAX_COUNT:
        raise Invalid("bad_quantity", _("Give either a change or a new count."), field="quantity")
    outcome = BulkOutcome()
    with transaction.atomic():
        levels = lock_levels(keys)
        names = _labels(levels)
        moves = []
        for key, level in levels.items():
            change = quantity if quantity is not None else number - getattr(level, bucket)
            if fault := fault_of(replace(level, **{bucket: getattr(level, bucket) + change})):
                outcome.refuse(names[key], fault)
            else:
                outcome.done.append(names[key])
                moves.append(Move(*key, bucket, change, reason, note))
        apply_moves(moves, cause=actor.ref, actor=actor, now=now)
    return outcome


def set_bins(*, keys: Iterable[Key], bin_name: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Say in which bin these variants lie at their locations (empty: in none); the difference goes into the level's history."""
    name = " ".join(bin_name.split())
    if len(name) > LONGEST_BIN or not name.isprintable():
        raise Invalid(
            "bad_bin", _("A bin's name has at most {most} characters.").format(most=LONGEST_BIN), field="bin_name"
        )
    with transaction.atomic():
        levels = lock_levels(keys)
        moved = [level for level in levels.values() if level.bin != name]
        with connection.cursor() as cursor:
            cursor.execute(
                _SET_BIN, [name, [level.variant_id for level in moved], [level.location_id for level in moved]]
            )
        rows = (
            (f"stock:{v.variant_id}:{v.location_id}", "stock.bin_set", {"before": v.bin, "after": name}) for v in moved
        )
        record_many(rows, actor=actor, at=now)
        return BulkOutcome(done=list(_labels(levels).values()))


def fault_of(level: Level) -> str:
    """Why these counts cannot be, in a sentence; empty when they can (as `levels.check_levels` and the database hold)."""
    for bucket in BUCKETS:
        if getattr(level, bucket) < 0:
            return _("“{bucket}” would fall below zero ({count}).").format(
                bucket=Bucket(bucket).label, count=getattr(level, bucket)
            )
    held = level.reserved + level.damaged + level.quality_control
    if held > level.on_hand:
        return _("{held} units are reserved or set aside, so no fewer than that can be on hand.").format(held=held)
    return ""


def _labels(levels: Mapping[Key, Level]) -> dict[Key, str]:
    """Each level's SKU and location name. Two statements."""
    skus = dict(Variant.objects.filter(pk__in={v for v, _l in levels}).values_list("pk", "sku"))
    places = dict(Location.objects.filter(pk__in={place for _v, place in levels}).values_list("pk", "name"))
    return {key: f"{skus[key[0]]} · {places[key[1]]}" for key in levels}
