"""Goods that are followed by lot arrive as the lots that left: the ledger of the transfer itself says which are on their way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.db.models import Sum

from inventory.models import Bucket, StockMovement, Tracking
from inventory.operations import Move
from inventory.operations.lots import lots_taken

#: Variant → lot → units.
Lots = dict[int, dict[int, int]]


def lots_on_the_way(cause: str) -> Lots:
    """What left and has not been put on a shelf again, of variants that are followed by lot. One statement."""
    return lots_taken(cause)


def lots_brought(cause: str, location_id: int) -> Lots:
    """What this transfer has put on the shelf of a place and not taken back. One statement."""
    rows = (
        StockMovement.objects.filter(
            cause=cause, bucket=Bucket.ON_HAND, location_id=location_id, lot__variant__tracking=Tracking.LOT
        )
        .order_by("variant_id", "lot_id")
        .values_list("variant_id", "lot_id")
        .annotate(units=Sum("quantity"))
    )
    brought: Lots = {}
    for variant_id, lot_id, units in rows:
        if units > 0:
            brought.setdefault(variant_id, {})[lot_id] = units
    return brought


def name_lots(moves: Iterable[Move], lots: Mapping[int, Mapping[int, int]], *, location_id: int) -> list[Move]:
    """The moves with those of on hand at the place split by the lots that are known; what is beyond them stays open."""
    left = {variant_id: dict(by_lot) for variant_id, by_lot in lots.items()}
    named = []
    for move in moves:
        known = left.get(move.variant_id, {})
        if move.bucket != Bucket.ON_HAND or move.location_id != location_id or not known:
            named.append(move)
            continue
        units, sign = abs(move.quantity), 1 if move.quantity > 0 else -1
        for lot_id in sorted(known):
            part = min(units, known[lot_id])
            known[lot_id] -= part
            units -= part
            if part:
                named.append(replace(move, quantity=sign * part, lot_id=lot_id))
        if units:
            named.append(replace(move, quantity=sign * units))
    return named
