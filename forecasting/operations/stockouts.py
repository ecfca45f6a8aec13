"""Keep the days without stock, from the ledger: levels are marked by `StockChanged` and their days made anew."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from forecasting.models import DemandState, StaleLevel, Stockout
from orders.queries import shop_zone

#: Levels made anew in one go.
LEVELS_AT_ONCE = 2_000

_MARK = """
    INSERT INTO forecasting_stalelevel (variant_id, location_id)
    SELECT DISTINCT * FROM unnest(%s::bigint[], %s::bigint[]) AS level (variant_id, location_id) ORDER BY 1, 2
        ON CONFLICT (variant_id, location_id) DO NOTHING
"""
# What can be promised after each moment of the ledger (one operation is one moment); the moments at which there is nothing, or something
# again; from those the days that lie wholly between. Before a level's first movement nothing is known.
_MAKE = """
    INSERT INTO forecasting_stockout (variant_id, location_id, first_day, last_day)
    WITH moment AS (
        SELECT variant_id, location_id, at, sum(CASE bucket WHEN 'on_hand' THEN quantity WHEN 'incoming' THEN 0 ELSE -quantity END) AS change
          FROM inventory_stockmovement
         {where}
         GROUP BY variant_id, location_id, at
        HAVING sum(CASE bucket WHEN 'on_hand' THEN quantity WHEN 'incoming' THEN 0 ELSE -quantity END) <> 0
    ), balance AS (
        SELECT variant_id, location_id, at, sum(change) OVER level <= 0 AS gone
          FROM moment WINDOW level AS (PARTITION BY variant_id, location_id ORDER BY at)
    ), turn AS (
        SELECT * FROM (SELECT *, lag(gone) OVER (PARTITION BY variant_id, location_id ORDER BY at) AS before FROM balance) b
         WHERE before IS DISTINCT FROM gone
    ), span AS (
        SELECT variant_id, location_id, gone, at AT TIME ZONE %(zone)s AS since,
               lead(at) OVER (PARTITION BY variant_id, location_id ORDER BY at) AT TIME ZONE %(zone)s AS until
          FROM turn
    ), days AS (
        SELECT variant_id, location_id, since::date + CASE WHEN since::time = '00:00' THEN 0 ELSE 1 END AS first_day, until::date - 1 AS last_day
          FROM span WHERE gone
    )
    SELECT * FROM days WHERE last_day IS NULL OR last_day >= first_day
"""
_FORGET = """
    DELETE FROM forecasting_stockout s
     USING unnest(%(variants)s::bigint[], %(locations)s::bigint[]) AS level (variant_id, location_id)
     WHERE s.variant_id = level.variant_id AND s.location_id = level.location_id
"""
_OF_LEVELS = "JOIN unnest(%(variants)s::bigint[], %(locations)s::bigint[]) AS level (variant_id, location_id) USING (variant_id, location_id)"


def mark_levels(keys: Sequence[Sequence[int]]) -> None:
    """Mark levels (variant id, location id) whose ledger grew. In ascending order, so that concurrent handlers never deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [[key[0] for key in keys], [key[1] for key in keys]])


def refresh_stockouts() -> int:
    """Make the days without stock of some marked levels anew; the number of levels, 0 when nothing is left."""
    with transaction.atomic():
        DemandState.objects.select_for_update().first()  # one at a time, like kept demand
        marked = list(
            StaleLevel.objects.select_for_update(skip_locked=True).order_by("variant_id", "location_id")[
                :LEVELS_AT_ONCE
            ]
        )
        if not marked:
            return 0
        StaleLevel.objects.filter(pk__in=[mark.pk for mark in marked]).delete()
        levels = {
            "variants": [mark.variant_id for mark in marked],
            "locations": [mark.location_id for mark in marked],
        }
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, levels)
            cursor.execute(_MAKE.format(where=_OF_LEVELS), {"zone": shop_zone().key, **levels})
    return len(marked)


def rebuild_stockouts() -> int:
    """Make the days without stock of every level anew; the number of spans."""
    with transaction.atomic():
        StaleLevel.objects.all().delete()
        Stockout.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(_MAKE.format(where=""), {"zone": shop_zone().key})
            return cursor.rowcount
