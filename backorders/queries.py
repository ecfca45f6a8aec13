"""Reads of what waits: who is served in what sequence, and what pages and the API show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.contrib.postgres.aggregates import JSONBAgg
from django.db import connection
from django.db.models import F, Func, JSONField, Prefetch, Q, QuerySet, Value

from backorders.models import LinePromise, PromisePart, Strategy
from backorders.reading import INCOMING, waiting_orders
from backorders.sharing import rank
from inventory.models import Variant

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


def listed_promises() -> QuerySet[LinePromise]:
    """Waiting lines with what the list shows; `waits_for` is [[source, number, units], …]."""
    part = Func(
        F("parts__source"),
        F("parts__number"),
        F("parts__units"),
        function="jsonb_build_array",
        output_field=JSONField(),
    )
    waits_for = JSONBAgg(part, filter=Q(parts__isnull=False), default=Value([], JSONField()), order_by="parts__id")
    return (
        LinePromise.objects.select_related("order", "line")
        .only(
            "units", "waiting_since", "promised_on", "first_promised_on", "due_on", "variant_id", "told_at",
            "order__number", "order__customer_name", "line__sku", "line__title",
        )
        .annotate(waits_for=waits_for)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Incoming:
    """Goods on their way, or here, and how many of them are promised."""

    source: str
    number: str
    document: int | None
    place: str
    units: int
    expected_on: date | None
    promised: int

    @property
    def free(self) -> int:
        return self.units - self.promised


_INCOMING = f"""
    SELECT i.source, i.number, i.document_id, loc.name, i.units, i.expected_on,
           coalesce((SELECT sum(p.units) FROM backorders_promisepart p WHERE p.source = i.source), 0)::int
      FROM ({INCOMING}) i JOIN inventory_location loc ON loc.id = i.location_id
     WHERE i.units > 0 ORDER BY i.expected_on NULLS LAST, i.source
"""  # noqa: S608 - our own text


def incoming_for(variant_id: int) -> list[Incoming]:
    """What is on its way of a variant, the earliest first. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_INCOMING, {"variants": [variant_id]})
        return [Incoming(*row) for row in cursor.fetchall()]


def promises_of(order_ids: Iterable[int]) -> dict[int, list[LinePromise]]:
    """order id → the promises of its waiting lines with their parts, in the sequence of the lines. Two statements."""
    parts = Prefetch("parts", PromisePart.objects.order_by("promised_on", "id"))
    rows = LinePromise.objects.filter(order_id__in=list(order_ids)).select_related("line").prefetch_related(parts)
    found: dict[int, list[LinePromise]] = defaultdict(list)
    for row in rows.order_by("order_id", "line__position"):
        found[row.order_id].append(row)
    return found


def to_decide(*, limit: int = 20) -> list[tuple[int, str, str, int]]:
    """Variants that are here and that somebody waits for: (id, SKU, title, units here), most units first."""
    stock = stock_waited_for()
    most = sorted(stock, key=lambda pk: (-stock[pk], pk))[:limit]
    named = {
        pk: (sku, title) for pk, sku, title in Variant.objects.filter(pk__in=most).values_list("pk", "sku", "title")
    }
    return [(pk, *named[pk], stock[pk]) for pk in most]
