"""How many working days parcels really took, lane by lane: counted once a night, for who sets lanes to look at."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

#: Parcels delivered within so many days are counted.
MEASURED = timedelta(days=120)

#: Working days between two days, Monday to Friday, by arithmetic: those before a day are 5 for each week and at most 5 of the rest,
#: counted from a Monday (3 January 2000).
_MEASURE = """
    WITH way AS (
        SELECT carrier, service, ship_from ->> 'country' AS f, ship_to ->> 'country' AS t,
               handed_over_at::date - DATE '2000-01-03' + 1 AS a, delivered_at::date - DATE '2000-01-03' + 1 AS b
          FROM fulfillment_shipment
         WHERE direction = 'outbound' AND delivered_at >= %(since)s AND handed_over_at IS NOT NULL AND delivered_at >= handed_over_at
    ), took AS (
        SELECT carrier, service, f, t,
               least(999, (b / 7) * 5 + least(b %% 7, 5) - (a / 7) * 5 - least(a %% 7, 5)) AS days
          FROM way WHERE length(f) = 2 AND length(t) = 2
    )
    INSERT INTO fulfillment_laneperformance (carrier, service, from_country, to_country, parcels, half, nine_tenths, counted_at)
    SELECT coalesce(carrier, ''), coalesce(service, ''), f, t, count(*),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY days), percentile_disc(0.9) WITHIN GROUP (ORDER BY days), %(now)s
      FROM took GROUP BY GROUPING SETS ((carrier, service, f, t), (carrier, f, t), (service, f, t), (f, t))
"""


def measure_lanes(*, now: datetime) -> int:
    """Count anew; the number of lanes with parcels."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE fulfillment_laneperformance IN SHARE ROW EXCLUSIVE MODE", [])
        cursor.execute("DELETE FROM fulfillment_laneperformance", [])
        cursor.execute(_MEASURE, {"since": now - MEASURED, "now": now})
        return int(cursor.rowcount)
