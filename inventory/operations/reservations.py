"""Promises on stock: reserve, release, ship. A reservation always has an owner that still needs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from core.actors import Actor
from core.bulk import copy_rows
from core.outbox import publish
from core.refusals import Refusal
from inventory.events import StockIncreased
from inventory.models import MovementReason, Reservation
from inventory.operations.levels import (
    Key,
    Level,
    Move,
    add_to_levels,
    lock_levels,
    names_of,
    write_ledger,
    write_ledger_rows,
)
from inventory.operations.lot_keeping import settle_moves, take_out_picked


@dataclass(frozen=True, slots=True)
class Claim:
    """Units of a variant at a location for one owner ("order_line:12")."""

    variant_id: int
    location_id: int
    owner: str
    quantity: int


class NotEnoughStock(Refusal):
    """Less can be promised than was claimed; `short` has (variant id, location id) → units missing."""

    def __init__(self, short: Mapping[Key, int], level: Level) -> None:
        self.short = short
        super().__init__(
            "not_enough_stock",
            _("{sku} at {location}: only {available} can be promised.").format(
                **names_of(level), available=max(0, level.available)
            ),
            field="quantity",
        )


_UPSERT = """
    INSERT INTO inventory_reservation (variant_id, location_id, owner, quantity, created_at)
    SELECT c.variant_id, c.location_id, c.owner, c.quantity, %s
      FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::int[]) AS c (variant_id, location_id, owner, quantity)
        ON CONFLICT (owner, location_id) DO UPDATE SET quantity = inventory_reservation.quantity + EXCLUDED.quantity
"""
_REDUCE = """
    UPDATE inventory_reservation r SET quantity = r.quantity - c.quantity
      FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS c (location_id, owner, quantity)
     WHERE r.owner = c.owner AND r.location_id = c.location_id AND r.quantity >= c.quantity
"""


def shortages(claims: Sequence[Claim], levels: Mapping[Key, Level]) -> dict[Key, int]:
    """(variant, location) → units that these locked levels cannot promise."""
    wanted = _wanted(claims)
    return {
        key: quantity - available
        for key, quantity in wanted.items()
        if (available := max(0, levels[key].available) if key in levels else 0) < quantity
    }


def reserve(claims: Sequence[Claim], *, cause: str, actor: Actor, now: datetime) -> None:
    """Promise stock to its owners, all or nothing. Raises NotEnoughStock."""
    claims = [claim for claim in claims if claim.quantity > 0]
    levels = lock_levels((claim.variant_id, claim.location_id) for claim in claims)
    short = shortages(claims, levels)
    if short:
        key = next(iter(short))
        raise NotEnoughStock(short, levels.get(key) or Level(*key))
    write_reservations(claims, {claim.owner: cause for claim in claims}, actor=actor, now=now)


def write_reservations(
    claims: Sequence[Claim], causes: Mapping[str, str], *, actor: Actor, now: datetime, new_owners: bool = False
) -> None:
    """Write claims that the caller has checked against locked levels: levels, reservations and ledger, set-based.

    causes: owner → cause of its ledger row. new_owners: no owner has a reservation yet, so plain COPY will do.
    """
    if not claims:
        return
    add_to_levels({key: {"reserved": quantity} for key, quantity in _wanted(claims).items()})
    if new_owners:
        copy_rows(
            Reservation,
            ("variant_id", "location_id", "owner", "quantity", "created_at"),
            ((c.variant_id, c.location_id, c.owner, c.quantity, now) for c in claims),
        )
    else:
        merged: dict[tuple[str, int, int], int] = defaultdict(int)
        for c in claims:
            merged[(c.owner, c.location_id, c.variant_id)] += c.quantity
        with connection.cursor() as cursor:
            cursor.execute(
                _UPSERT,
                [now, [k[2] for k in merged], [k[1] for k in merged], [k[0] for k in merged], list(merged.values())],
            )
    reason = MovementReason.RESERVED.value
    write_ledger_rows(
        ((Move(c.variant_id, c.location_id, "reserved", c.quantity, reason), causes[c.owner]) for c in claims),
        actor=actor,
        now=now,
    )


def release(claims: Sequence[Claim], *, cause: str, actor: Actor, now: datetime, announce: bool = True) -> None:
    """Give promised units back. Raises Refusal `not_reserved` when an owner does not hold that many."""
    claims = [claim for claim in claims if claim.quantity > 0]
    levels = lock_levels((claim.variant_id, claim.location_id) for claim in claims)
    _reduce(claims)
    wanted = _wanted(claims)
    add_to_levels({key: {"reserved": -quantity} for key, quantity in wanted.items()})
    write_ledger(
        [Move(c.variant_id, c.location_id, "reserved", -c.quantity, MovementReason.RELEASED) for c in claims],
        cause=cause, actor=actor, now=now,
    )  # fmt: skip
    risen = sorted(
        {key[0] for key, quantity in wanted.items() if key in levels and levels[key].available + quantity > 0}
    )
    if announce and risen:
        publish(StockIncreased(risen), actor=actor)


def ship(
    claims: Sequence[Claim],
    *,
    cause: str,
    actor: Actor,
    now: datetime,
    reason: str = MovementReason.SHIPPED,
    lots: Mapping[Key, Mapping[int, int]] | None = None,
) -> None:
    """Promised units leave: reservation, reserved and on hand fall together. Raises Refusal `not_reserved`.

    lots: (variant, location) → lot id → units of it that were picked for these claims (`lots.pick_lot_units`); exactly those
    leave. Of units that nobody picked by lot the earliest expiry leaves.
    """
    claims = [claim for claim in claims if claim.quantity > 0]
    wanted = _wanted(claims)
    levels = lock_levels(wanted)
    _reduce(claims)
    for key, level in levels.items():
        level.reserved -= wanted[key]
        level.on_hand -= wanted[key]
    moves = [
        Move(c.variant_id, c.location_id, bucket, -c.quantity, reason)
        for c in claims
        for bucket in ("reserved", "on_hand")
    ]
    moves = settle_moves(take_out_picked(moves, lots) if lots else moves, levels, now=now)
    add_to_levels({key: {"reserved": -quantity, "on_hand": -quantity} for key, quantity in wanted.items()})
    write_ledger(moves, cause=cause, actor=actor, now=now)


def _wanted(claims: Sequence[Claim]) -> dict[Key, int]:
    wanted: dict[Key, int] = defaultdict(int)
    for claim in claims:
        wanted[(claim.variant_id, claim.location_id)] += claim.quantity
    return wanted


def _reduce(claims: Sequence[Claim]) -> None:
    merged: dict[tuple[str, int], int] = defaultdict(int)
    for claim in claims:
        merged[(claim.owner, claim.location_id)] += claim.quantity
    if not merged:
        return
    with connection.cursor() as cursor:
        cursor.execute(_REDUCE, [[k[1] for k in merged], [k[0] for k in merged], list(merged.values())])
        if cursor.rowcount != len(merged):
            raise Refusal(
                "not_reserved", _("These units are no longer reserved: the order was changed in the meantime.")
            )
