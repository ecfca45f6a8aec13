"""From the marks that the ledger leaves to one event: who follows stock hears of a burst once."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from core.actors import Actor
from core.outbox import publish
from inventory.events import StockChanged

#: Marks merged into one event at most; the rest is the next one's.
MARKS_AT_ONCE = 20_000
_LEDGER = Actor.system("ledger")

_TAKE = """
    WITH taken AS (
        DELETE FROM inventory_changedlevel WHERE id = ANY (ARRAY(
            SELECT id FROM inventory_changedlevel ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
        RETURNING variant_id, location_id
    )
    SELECT DISTINCT variant_id, location_id FROM taken ORDER BY 1, 2
"""


def gather_changes(*, now: datetime) -> int:
    """Merge the marks of changed levels into one `StockChanged`, in one transaction with taking them; the number of levels."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [MARKS_AT_ONCE])
        keys = [[variant_id, location_id] for variant_id, location_id in cursor.fetchall()]
        if keys:
            publish(StockChanged(keys), actor=_LEDGER)
    return len(keys)
