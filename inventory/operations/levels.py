"""Stock levels and their ledger: lock in one order, check, move, write both together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import copy_rows
from core.outbox import publish, ring_at_commit
from core.refusals import Refusal
from inventory.events import StockIncreased
from inventory.models import Bucket, Location, StockMovement, Variant
from inventory.operations.lot_keeping import settle_moves

#: (variant id, location id): the key of a stock level and the order in which levels are locked.
Key = tuple[int, int]
BUCKETS = ("on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming")


@dataclass(slots=True)
class Level:
    """The counts of one variant at one location, as read under lock."""

    variant_id: int
    location_id: int
    on_hand: int = 0
    reserved: int = 0
    damaged: int = 0
    quality_control: int = 0
    safety_stock: int = 0
    incoming: int = 0
    bin: str = ""

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.damaged - self.quality_control - self.safety_stock

    @property
    def key(self) -> Key:
        return (self.variant_id, self.location_id)


@dataclass(frozen=True, slots=True)
class Move:
    """A signed change of one bucket at one location, with its reason; `lot_id` for goods (on hand, damaged, quality control) that are
    told apart by lot, None where it is open."""

    variant_id: int
    location_id: int
    bucket: str
    quantity: int
    reason: str
    note: str = ""
    lot_id: int | None = None


_LOCK = """
    SELECT s.variant_id, s.location_id, s.on_hand, s.reserved, s.damaged, s.quality_control, s.safety_stock, s.incoming,
           s.bin
      FROM inventory_stocklevel s
      JOIN unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
        ON s.variant_id = k.variant_id AND s.location_id = k.location_id
     ORDER BY s.variant_id, s.location_id
       FOR UPDATE OF s
"""
_CREATE = """
    INSERT INTO inventory_stocklevel (variant_id, location_id)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
     WHERE NOT EXISTS (SELECT FROM inventory_stocklevel s WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id)
        ON CONFLICT (variant_id, location_id) DO NOTHING
"""
_ADD = """
    UPDATE inventory_stocklevel s
       SET on_hand = s.on_hand + d.on_hand, reserved = s.reserved + d.reserved, damaged = s.damaged + d.damaged,
           quality_control = s.quality_control + d.quality_control, safety_stock = s.safety_stock + d.safety_stock,
           incoming = s.incoming + d.incoming
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[])
           AS d (variant_id, location_id, on_hand, reserved, damaged, quality_control, safety_stock, incoming)
     WHERE s.variant_id = d.variant_id AND s.location_id = d.location_id
"""


def lock_levels(keys: Iterable[Key]) -> dict[Key, Level]:
    """Lock these levels in (variant, location) order, so that concurrent writers wait and never deadlock; absent ones are left out."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [[key[0] for key in wanted], [key[1] for key in wanted]])
        return {(row[0], row[1]): Level(*row) for row in cursor.fetchall()}


def create_levels(keys: Iterable[Key]) -> None:
    """Make the levels that are missing, empty. Raises Refusal `bundle_is_not_stocked`. Comes before any lock on levels and in lock order: an insert of a key that another
    transaction inserts waits for that one."""
    wanted = sorted(set(keys))
    if not wanted:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CREATE, [[key[0] for key in wanted], [key[1] for key in wanted]])
    except IntegrityError as error:
        if "bundle_holds_no_stock" not in str(error):
            raise
        message = _("A bundle has no stock of its own; change that of its components.")
        raise Refusal("bundle_is_not_stocked", message, field="sku") from None


def apply_moves(
    moves: Sequence[Move],
    *,
    cause: str,
    actor: Actor,
    now: datetime,
    announce: bool = True,
    levels: dict[Key, Level] | None = None,
) -> dict[Key, Level]:
    """Apply moves to the ledger and the levels in the caller's transaction; returns the levels as they are then.

    Raises Refusal `stock_would_be_negative` or `stock_is_reserved`, naming SKU and location, and changes nothing; so do those of
    `lot_keeping.settle_moves`, which decides the lots that moves leave open (one move may become several rows of the ledger).
    With `announce`, levels that can promise more than before are told to those who wait for stock. levels: those of all moves, as the
    caller has made and locked them in this transaction.
    """
    moves = [move for move in moves if move.quantity]
    if levels is None:
        keys = {(move.variant_id, move.location_id) for move in moves}
        create_levels(keys)
        levels = lock_levels(keys)
    before = {key: level.available for key, level in levels.items()}
    deltas: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(BUCKETS, 0))
    for move in moves:
        key = (move.variant_id, move.location_id)
        deltas[key][move.bucket] += move.quantity
        level = levels[key]
        setattr(level, move.bucket, getattr(level, move.bucket) + move.quantity)
    check_levels(levels.values())
    moves = settle_moves(moves, levels, now=now)
    add_to_levels(deltas)
    write_ledger(moves, cause=cause, actor=actor, now=now)
    risen = sorted({key[0] for key, level in levels.items() if level.available > max(0, before[key])})
    if announce and risen:
        publish(StockIncreased(risen), actor=actor)
    return levels


def check_levels(levels: Iterable[Level]) -> None:
    """Refuse counts that cannot be; the database's own constraints hold the same."""
    for level in levels:
        for bucket in BUCKETS:
            if getattr(level, bucket) < 0:
                raise Refusal(
                    "stock_would_be_negative",
                    _("{sku} at {location}: “{bucket}” would fall below zero ({count}).").format(
                        **names_of(level), bucket=Bucket(bucket).label, count=getattr(level, bucket)
                    ),
                    field="quantity",
                )
        held = level.reserved + level.damaged + level.quality_control
        if held > level.on_hand:
            raise Refusal(
                "stock_is_reserved",
                _(
                    "{sku} at {location}: {held} units are reserved or set aside, so no fewer than that can be on hand."
                ).format(**names_of(level), held=held),
                field="quantity",
            )


def names_of(level: Level) -> dict[str, str]:
    """SKU and location name of a level, for a sentence."""
    return {
        "sku": Variant.objects.values_list("sku", flat=True).get(pk=level.variant_id),
        "location": Location.objects.values_list("name", flat=True).get(pk=level.location_id),
    }


def add_to_levels(deltas: Mapping[Key, Mapping[str, int]]) -> None:
    """Add signed counts to levels that the caller has locked, in one statement."""
    if not deltas:
        return
    keys = list(deltas)
    columns = [
        [key[0] for key in keys],
        [key[1] for key in keys],
        *([deltas[key].get(b, 0) for key in keys] for b in BUCKETS),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, columns)


def write_ledger(moves: Iterable[Move], *, cause: str, actor: Actor, now: datetime) -> None:
    """Write the ledger rows of moves that all have one cause."""
    write_ledger_rows(((move, cause) for move in moves), actor=actor, now=now)


def write_ledger_rows(rows: Iterable[tuple[Move, str]], *, actor: Actor, now: datetime) -> None:
    """Write ledger rows, each with its own cause; who follows stock hears of it at the commit."""
    ref = actor.ref
    ring_at_commit()
    copy_rows(
        StockMovement,
        ("variant_id", "location_id", "bucket", "quantity", "lot_id", "reason", "cause", "note", "actor", "at"),
        (
            (m.variant_id, m.location_id, m.bucket, m.quantity, m.lot_id, m.reason, cause, m.note[:200], ref, now)
            for m, cause in rows
        ),
    )
