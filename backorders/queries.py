"""Reads of what waits: who is served in what sequence, and what pages and the API show."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from backorders.models import Strategy
from backorders.reading import waiting_orders
from backorders.sharing import rank

#: Variants that somebody waits for and that can be given, with their units.
_STOCK = """
    SELECT s.variant_id, sum(s.available)::int FROM inventory_stocklevel s
      JOIN inventory_location loc ON loc.id = s.location_id AND loc.active
      JOIN inventory_variant v ON v.id = s.variant_id AND NOT v.awaits_release
     WHERE s.available > 0 AND s.variant_id = ANY (
           SELECT DISTINCT ol.variant_id FROM orders_orderline ol
            WHERE ol.backordered > 0 AND (%(all)s OR ol.variant_id = ANY(%(variants)s)))
     GROUP BY s.variant_id
"""
_OLDEST = """
    SELECT o.id FROM orders_order o
     WHERE o.lifecycle = 'open' AND o.backordered
       AND EXISTS (SELECT FROM orders_orderline ol WHERE ol.order_id = o.id AND ol.backordered > 0 AND ol.variant_id = ANY(%s))
     ORDER BY o.placed_at, o.id LIMIT %s
"""


def stock_waited_for(variant_ids: Iterable[int] | None = None) -> dict[int, int]:
    """variant id → units that can be given, of variants that somebody waits for. variant_ids: only these."""
    wanted = sorted(set(variant_ids)) if variant_ids is not None else []
    with connection.cursor() as cursor:
        cursor.execute(_STOCK, {"all": variant_ids is None, "variants": wanted})
        return dict(cursor.fetchall())


def waiting_for_stock(variant_ids: Iterable[int] | None, *, strategy: str, limit: int) -> list[int]:
    """Ids of open orders that wait for units which are here, in the sequence in which they are served. Two statements."""
    stock = stock_waited_for(variant_ids)
    if not stock:
        return []
    if strategy == Strategy.OLDEST:  # the database knows this sequence by an index, however many wait
        with connection.cursor() as cursor:
            cursor.execute(_OLDEST, [sorted(stock), limit])
            return [row[0] for row in cursor.fetchall()]
    orders, _lines = waiting_orders(sorted(stock))
    return rank(orders.values(), strategy, stock)[:limit]
