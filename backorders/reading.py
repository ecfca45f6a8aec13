"""What promises are computed from, read set-based: waiting lines, what is on its way for them, and what is here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

from backorders.sharing import Source, Waiting, WaitingLine
from fulfillment.delivery.book import Book

#: Units of goods that are in the house already; units of a pre-order that only the release day is known for.
STOCK, RELEASE = "stock", "release"

_WAITING = """
    WITH orders AS (
        SELECT DISTINCT ol.order_id FROM orders_orderline ol JOIN orders_order o ON o.id = ol.order_id
         WHERE ol.variant_id = ANY(%s) AND ol.backordered > 0 AND o.lifecycle = 'open')
    SELECT o.id, o.placed_at, o.ship_country, coalesce(c.priority, 0), ol.id, ol.variant_id, ol.backordered, p.first_promised_on
      FROM orders w
      JOIN orders_order o ON o.id = w.order_id
      JOIN orders_orderline ol ON ol.order_id = o.id AND ol.backordered > 0
      LEFT JOIN customers_customer c ON c.id = o.customer_id
      LEFT JOIN backorders_linepromise p ON p.line_id = ol.id
     ORDER BY o.id, ol.position
"""
#: Goods that are firm and not here: open purchase orders, transfers that are ready or on their way. Only places that ship to customers.
INCOMING = """
    SELECT 'purchase_line:' || l.id AS source, l.variant_id, l.outstanding AS units, coalesce(l.confirmed_on, p.expected_on) AS expected_on,
           p.location_id, p.number, p.id AS document_id
      FROM purchasing_purchaseline l JOIN purchasing_purchaseorder p ON p.id = l.order_id
     WHERE l.variant_id = ANY(%(variants)s) AND l.outstanding > 0 AND p.state IN ('sent', 'confirmed', 'partly_received')
     UNION ALL
    SELECT 'transfer_line:' || l.id, l.variant_id,
           CASE t.state WHEN 'ready' THEN l.quantity ELSE l.shipped - l.received - l.lost - l.returned END, t.expected_on,
           t.destination_id, t.number, t.id
      FROM transfers_transferline l JOIN transfers_transfer t ON t.id = l.transfer_id
     WHERE l.variant_id = ANY(%(variants)s) AND t.state IN ('ready', 'in_transit')
"""
_SOURCES = f"""
    SELECT i.source, i.variant_id, i.units, i.expected_on, i.location_id, loc.handling_days, i.document_id, i.number, loc.ships_to
      FROM ({INCOMING}) i JOIN inventory_location loc ON loc.id = i.location_id AND loc.active AND loc.ships_online
     WHERE i.units > 0
     UNION ALL
    SELECT '{STOCK}', s.variant_id, s.available, NULL, s.location_id, loc.handling_days, NULL, '', loc.ships_to
      FROM inventory_stocklevel s JOIN inventory_location loc ON loc.id = s.location_id AND loc.active AND loc.ships_online
     WHERE s.variant_id = ANY(%(variants)s) AND s.available > 0
"""  # noqa: S608 - our own text


@dataclass(slots=True)
class Facts:
    """What is known of some variants at one moment."""

    orders: dict[int, Waiting]
    lines: dict[int, list[WaitingLine]]  # by variant
    sources: dict[int, list[Source]]


def waiting_orders(variant_ids: Sequence[int]) -> tuple[dict[int, Waiting], dict[int, list[WaitingLine]]]:
    """Open orders with units of these variants that wait, with all that waits in them; and the lines by variant. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [list(variant_ids)])
        rows = cursor.fetchall()
    needs: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    heads: dict[int, tuple[datetime, int]] = {}
    first: dict[int, date] = {}
    wanted, lines = set(variant_ids), defaultdict(list)
    for order_id, placed_at, country, priority, line_id, variant_id, units, promised in rows:
        heads[order_id] = (placed_at, priority)
        needs[order_id][variant_id] += units
        if promised is not None:
            first[order_id] = min(first.get(order_id, promised), promised)
        if variant_id in wanted:
            lines[variant_id].append(WaitingLine(line_id, order_id, units, country))
    orders = {
        pk: Waiting(pk, placed_at, dict(needs[pk]), first.get(pk), priority)
        for pk, (placed_at, priority) in heads.items()
    }
    return orders, dict(lines)


def read_facts(variant_ids: Sequence[int], *, book: Book, today: date) -> Facts:
    """Everything about these variants. Three statements."""
    orders, lines = waiting_orders(variant_ids)
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, {"variants": list(variant_ids)})
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT id, released_on FROM inventory_variant WHERE id = ANY(%s) AND awaits_release", [list(variant_ids)]
        )
        releases: dict[int, date] = dict(cursor.fetchall())
    sources: dict[int, list[Source]] = defaultdict(list)
    for key, variant_id, units, expected, location_id, handling, document, number, ships_to in rows:
        calendar, day = book.calendar_of(location_id), None
        if key == STOCK:
            day = calendar.after(today, max(0, handling - 1))
        elif expected is not None:
            # What should have come already comes tomorrow at the earliest, as long as nobody says otherwise.
            day = calendar.after(expected if expected >= today else today + timedelta(days=1), handling)
        if day is not None and variant_id in releases:
            day = max(day, releases[variant_id])
        sources[variant_id].append(Source(key, units, day, document, number, frozenset(ships_to)))
    for variant_id, release in releases.items():
        # What is not on its way yet: the shop's word, the release day, unless what is on its way comes later than that.
        days = [source.ready_on for source in sources[variant_id] if source.ready_on is not None]
        sources[variant_id].append(Source(RELEASE, None, max([release, today, *days])))
    return Facts(orders, lines, dict(sources))
