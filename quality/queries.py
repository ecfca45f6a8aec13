"""Reads of nonconformances: what the cases explain of a bucket, what no case explains, who holds units."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet, Sum

from inventory.models import Reservation
from inventory.operations.levels import Key
from quality.models import NonConformance
from quality.states import CaseState

HOLDERS_SHOWN = 20


def listed_cases() -> QuerySet[NonConformance]:
    """Cases with what a row of the list shows."""
    return NonConformance.objects.select_related("variant", "location", "reason").defer(
        "variant__search", "variant__search_text", "note"
    )


def explained(key: Key) -> dict[str, int]:
    """Bucket → units of a level that open cases account for."""
    rows = NonConformance.objects.filter(variant_id=key[0], location_id=key[1], state=CaseState.OPEN).order_by()
    return dict(rows.values_list("bucket").annotate(units=Sum("open_quantity")))


def holders_of(key: Key) -> list[tuple[str, int]]:
    """(owner, units) of a level's open reservations, oldest first."""
    rows = Reservation.objects.filter(variant_id=key[0], location_id=key[1], quantity__gt=0)
    return list(rows.order_by("created_at", "id").values_list("owner", "quantity")[:HOLDERS_SHOWN])


@dataclass(frozen=True, slots=True)
class Rest:
    """Units in a bucket of a level that no case explains."""

    level_id: int
    variant_id: int
    sku: str
    title: str
    location_id: int
    location: str
    bucket: str
    units: int


_RESTS = """
    SELECT s.id, v.id, v.sku, v.title, p.id, p.name, b.bucket, b.units - coalesce(c.units, 0)
      FROM inventory_stocklevel s
     CROSS JOIN LATERAL (VALUES ('damaged', s.damaged), ('quality_control', s.quality_control)) AS b (bucket, units)
      LEFT JOIN (SELECT variant_id, location_id, bucket, sum(open_quantity) AS units FROM quality_nonconformance
                  WHERE state = 'open' GROUP BY 1, 2, 3) c
        ON c.variant_id = s.variant_id AND c.location_id = s.location_id AND c.bucket = b.bucket
      JOIN inventory_variant v ON v.id = s.variant_id JOIN inventory_location p ON p.id = s.location_id
     WHERE (s.damaged > 0 OR s.quality_control > 0) AND b.units > coalesce(c.units, 0)
     ORDER BY v.sku, p.name, b.bucket LIMIT %s
"""


def unexplained(*, limit: int) -> list[Rest]:
    """Units set aside that no case explains (older adjustments, returns not inspected yet), by SKU. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_RESTS, [limit])
        return [Rest(*row) for row in cursor.fetchall()]


def rest_of(key: Key, bucket: str) -> int:
    """Units in one bucket of a level that no case explains."""
    statement = (
        f"SELECT {'damaged' if bucket == 'damaged' else 'quality_control'} FROM inventory_stocklevel "  # noqa: S608 - one of two columns
        "WHERE variant_id = %s AND location_id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, list(key))
        row = cursor.fetchone()
    return max(0, (row[0] if row else 0) - explained(key).get(bucket, 0))
