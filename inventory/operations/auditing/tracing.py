"""From which row of the ledger on a sum is wrong: the first one after the sum was last what it should be."""

from __future__ import annotations

from django.db import connection

_FIRST = """
    WITH way AS (
        SELECT id, sum(quantity) OVER (ORDER BY id) AS total FROM inventory_stockmovement
         WHERE variant_id = %(variant)s AND location_id = %(location)s AND bucket = %(bucket)s
           AND (%(lot)s::bigint IS NULL OR lot_id = %(lot)s) AND (%(cause)s::text IS NULL OR cause = %(cause)s)
    )
    SELECT min(id) FROM way
     WHERE id > (SELECT max(id) FROM (SELECT id FROM way WHERE total = %(sum)s UNION ALL SELECT 0 WHERE %(sum)s = 0) AS right_until)
"""


def first_wrong_row(
    *, variant_id: int, location_id: int, bucket: str, total: int, cause: str | None = None, lot_id: int | None = None
) -> int | None:
    """Id of the first ledger row after which the sum of a level's bucket (of one cause, of one lot) was never `total` again; None
    when it never was, or when there is no such row (the last rows are missing). Reads that level's ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FIRST, {"variant": variant_id, "location": location_id, "bucket": bucket, "sum": total, "cause": cause, "lot": lot_id}
        )  # fmt: skip
        found: int | None = cursor.fetchone()[0]
        return found
