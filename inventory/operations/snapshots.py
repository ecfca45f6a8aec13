"""Snapshots of levels: places in the ledger from which the past is counted.

A level gets one after every few hundred movements, at a *clean cut*: a place between two ledger rows where everything above happened
before everything below. Rows are numbered in the order in which a level's lock was held and carry the time at which their act began, so
two that waited for each other may stand the other way round; such places are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from inventory.models import Bucket
from inventory.time_travel import Key

#: Movements between two snapshots of a level: what a question about the past reads at most, about.
EVERY = 200
#: Younger movements are left alone: an act that began before them may still be on its way.
SETTLED = timedelta(hours=1)
LEVELS_AT_ONCE = 2_000
_MOVES_AT_ONCE = 500_000

_MOVED = """
    SELECT DISTINCT variant_id, location_id FROM inventory_stockmovement WHERE id > %s AND id <= %s ORDER BY 1, 2
"""
_GROWN = """
    SELECT k.variant_id, k.location_id FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
     WHERE EXISTS (
        SELECT FROM inventory_stockmovement m
         WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id
           AND m.id > coalesce((SELECT s.movement_id FROM inventory_stocksnapshot s
                                 WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id ORDER BY s.at DESC LIMIT 1), 0)
        OFFSET %s LIMIT 1)
"""
_RUNNING = ",\n".join(
    f"coalesce(b.{bucket}, 0) + sum(CASE WHEN m.bucket = '{bucket}' THEN m.quantity ELSE 0 END) OVER way AS {bucket}"
    for bucket in Bucket.values
)
_NAMES = ", ".join(Bucket.values)
_TAKE = f"""
    INSERT INTO inventory_stocksnapshot (variant_id, location_id, at, movement_id, {_NAMES})
    SELECT DISTINCT ON (variant_id, location_id, step) variant_id, location_id, latest, id, {_NAMES}
      FROM (
        SELECT m.variant_id, m.location_id, m.id,
               max(m.at) OVER way AS latest,
               min(m.at) OVER (PARTITION BY m.variant_id, m.location_id ORDER BY m.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next,
               row_number() OVER way / %(every)s AS step,
               {_RUNNING}
          FROM unnest(%(variants)s::bigint[], %(locations)s::bigint[]) AS k (variant_id, location_id)
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_stocksnapshot s
             WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id ORDER BY s.at DESC LIMIT 1
          ) b ON true
          JOIN inventory_stockmovement m
            ON m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.id > coalesce(b.movement_id, 0)
        WINDOW way AS (PARTITION BY m.variant_id, m.location_id ORDER BY m.id)
      ) rows
     WHERE step > 0 AND latest < next AND latest <= %(before)s
     ORDER BY variant_id, location_id, step, id
        ON CONFLICT (variant_id, location_id, at) DO NOTHING
"""  # noqa: S608 - made of the names of buckets


def take_snapshots(*, now: datetime, after_id: int = 0) -> tuple[int, int]:
    """Take the snapshots that are due on levels with movements of an id above `after_id`; (how many, the last id looked at).

    Safe to run twice and at once. Each batch of levels is a transaction of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM inventory_stockmovement")
        last: int = cursor.fetchone()[0]
    taken = 0
    for start in range(after_id, last, _MOVES_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(_MOVED, [start, min(start + _MOVES_AT_ONCE, last)])
            moved: list[Key] = cursor.fetchall()
        for index in range(0, len(moved), LEVELS_AT_ONCE):
            taken += _take(moved[index : index + LEVELS_AT_ONCE], now=now)
    return taken, last


def _take(keys: Sequence[Key], *, now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_GROWN, [[key[0] for key in keys], [key[1] for key in keys], EVERY])
        grown = cursor.fetchall()
        if not grown:
            return 0
        columns = {"variants": [key[0] for key in grown], "locations": [key[1] for key in grown]}
        cursor.execute(_TAKE, {**columns, "every": EVERY, "before": now - SETTLED})
        return cursor.rowcount
