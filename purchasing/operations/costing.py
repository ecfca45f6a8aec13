"""Costs follow the ledger: every on-hand movement of a variant is costed once, in its order, behind the business and never in its way.

A follower of `StockChanged` locks the variant's pool (no stock level, no order), reads the movements beyond its cursors in one statement
and writes an entry for each. Two workers at once wait for each other; a second run finds nothing.

| movement | what happens to the pool |
| --- | --- |
| received on a purchase order | in, at the landed cost of its line |
| returned by a customer | in, at the cost with which these units left |
| other rises (found, counted up, opening stock) | in, at what units here are worth, else the last cost, else the cost typed on the variant |
| shipped | out, as cost of goods sold |
| other falls | out, as a loss; to the supplier: out, and nobody's expense |
| transferred | nothing: units between our locations stay ours. What a closed transfer lost leaves the pool as a loss |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from core.actors import Actor
from inventory.models import StockLevel
from purchasing.models import CostCursor
from purchasing.operations.pools import Row, lock_pools, save_pools

ACTOR = Actor.system("costing")
ROWS_AT_ONCE = 5000
#: Pools that one transaction holds: few statements for each, and a short wait for who wants one of them.
VARIANTS_AT_ONCE = 200
#: A cursor is moved on over rows that cost nothing (reservations) when so many lie behind it.
SKIPPED_AT_MOST = 500

#: One statement sees one moment of all locations: what caused a row is in it too, with a smaller id. Of a variant that the limit
#: cuts off come the rows with the smallest ids, for a level alone never gives fewer than the limit.
_ROWS = """
    SELECT m.id, m.variant_id, m.location_id, m.bucket, m.quantity, m.reason, m.cause, m.at
      FROM inventory_stocklevel s
      LEFT JOIN purchasing_costcursor c ON c.variant_id = s.variant_id AND c.location_id = s.location_id
      CROSS JOIN LATERAL (
        SELECT * FROM inventory_stockmovement m
         WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id AND m.id > coalesce(c.movement_id, 0)
           AND (m.bucket = 'on_hand' OR (m.bucket = 'incoming' AND m.cause LIKE 'transfer:%%'))
         ORDER BY m.id LIMIT %s
      ) m
     WHERE s.variant_id = ANY(%s)
     ORDER BY m.variant_id, m.id LIMIT %s
"""
_CURSORS = """
    INSERT INTO purchasing_costcursor (variant_id, location_id, movement_id)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
        ON CONFLICT (variant_id, location_id) DO UPDATE SET movement_id = EXCLUDED.movement_id
"""
#: Of the levels that changed: whether something is to be costed, and where the cursor may go that fell far behind rows that cost nothing.
_WAITING = """
    SELECT k.variant_id, k.location_id,
           EXISTS (SELECT FROM inventory_stockmovement m
                    WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.id > coalesce(c.movement_id, 0)
                      AND (m.bucket = 'on_hand' OR (m.bucket = 'incoming' AND m.cause LIKE 'transfer:%%'))),
           (SELECT m.id FROM inventory_stockmovement m
             WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.id > coalesce(c.movement_id, 0)
             ORDER BY m.id OFFSET %s LIMIT 1)
      FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
      LEFT JOIN purchasing_costcursor c USING (variant_id, location_id)
"""


def cost_levels(keys: Iterable[Sequence[int]], *, now: datetime) -> int:
    """Cost what the levels' variants have waiting; the number of entries. One transaction for some variants, in their order."""
    pairs = sorted({(key[0], key[1]) for key in keys})
    if not pairs:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [SKIPPED_AT_MOST, [pair[0] for pair in pairs], [pair[1] for pair in pairs]])
        waiting = cursor.fetchall()
    variants = sorted({row[0] for row in waiting if row[2]})
    written = 0
    for first in range(0, len(variants), VARIANTS_AT_ONCE):
        written += _cost_variants(variants[first : first + VARIANTS_AT_ONCE], now=now)
    _skip([row for row in waiting if not row[2] and row[3] is not None])
    return written


def _skip(rows: Sequence[Sequence[int]]) -> None:
    """Move cursors over rows that cost nothing. A row that costs something and is written meanwhile has a higher id."""
    for variant_id, location_id, _costs, far in rows:
        with transaction.atomic():
            lock_pools([variant_id])
            known = CostCursor.objects.filter(variant_id=variant_id, location_id=location_id).first()
            if known is None or known.movement_id < far:
                _write_cursors({(variant_id, location_id): far})


def cost_everything(*, now: datetime) -> int:
    """Cost whatever waits anywhere: for stock that was there before costs were followed; the number of entries."""
    written, last = 0, 0
    levels = StockLevel.objects.order_by("variant_id", "location_id")
    while found := list(
        levels.filter(variant_id__gt=last)
        .order_by("variant_id")
        .values_list("variant_id", flat=True)
        .distinct()[:VARIANTS_AT_ONCE]
    ):
        last = found[-1]
        written += cost_levels(levels.filter(variant_id__in=found).values_list("variant_id", "location_id"), now=now)
    return written


def cost_variant(variant_id: int, *, now: datetime) -> int:
    """Cost all movements of a variant that are not costed yet; the number of entries. Safe to run twice and at once."""
    return _cost_variants([variant_id], now=now)


def _cost_variants(variant_ids: Sequence[int], *, now: datetime) -> int:
    written, more = 0, True
    while more:
        with transaction.atomic():
            costings = {costing.variant_id: costing for costing in lock_pools(variant_ids)}
            rows = _waiting_rows(variant_ids)
            more = len(rows) == ROWS_AT_ONCE
            by_variant: dict[int, list[Row]] = defaultdict(list)
            for row in rows:
                by_variant[row.variant_id].append(row)
            for variant_id, own in by_variant.items():
                for row in own:
                    costings[variant_id].cost(row)
                costings[variant_id].settle_transfers(now=now)
            if rows:
                written += save_pools([costings[variant_id] for variant_id in by_variant])
                _write_cursors({(row.variant_id, row.location_id): row.id for row in rows})
    return written


def _waiting_rows(variant_ids: Sequence[int]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [ROWS_AT_ONCE, list(variant_ids), ROWS_AT_ONCE])
        return [Row(*row) for row in cursor.fetchall()]


def _write_cursors(newest: dict[tuple[int, int], int]) -> None:
    variants, locations = [key[0] for key in newest], [key[1] for key in newest]
    with connection.cursor() as cursor:
        cursor.execute(_CURSORS, [variants, locations, list(newest.values())])
