"""Which orders may miss the day that was promised, before they have: a flag on the order, kept by a sweep and at each hand-over.

In danger is an order with work whose last hand-over for the promised day is near or gone, with a parcel on its way that by its lane may
come after that day, or one that a carrier could not deliver. The flag is none of the statuses: nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection

from fulfillment.delivery.book import Book, current_book
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.purchases import DEFAULT_CARRIER
from fulfillment.promise import latest_hand_over, leaving_day
from fulfillment.states import ACTIVE_STATES

#: So long before its last hand-over unfinished work is a risk.
WARNING = timedelta(hours=3)
#: Work that is looked at in one sweep, the most urgent first.
MOST_LOOKED_AT = 20_000

_MOVING = """
    SELECT DISTINCT s.order_id FROM fulfillment_shipment s LEFT JOIN fulfillment_fulfillmentorder f ON f.id = s.fulfillment_order_id
     WHERE s.state IN ('in_transit', 'out_for_delivery', 'exception') AND s.direction = 'outbound' AND (%(all)s OR s.order_id = ANY(%(ids)s))
       AND (s.state = 'exception' OR f.expected_on IS NOT NULL AND (s.expected_on > f.expected_on OR f.expected_on < %(today)s))
"""
#: Rows that somebody works on just now are left to the next sweep.
_SET = """
    UPDATE orders_order SET at_risk = NOT at_risk WHERE id = ANY (ARRAY(
        SELECT o.id FROM orders_order o
         WHERE (o.at_risk AND NOT (o.id = ANY(%(risky)s)) AND (%(all)s OR o.id = ANY(%(ids)s))
                OR NOT o.at_risk AND o.id = ANY(%(risky)s) AND o.lifecycle <> 'cancelled')
         ORDER BY o.id FOR NO KEY UPDATE SKIP LOCKED))
"""


def sweep_risks(*, now: datetime, order_ids: Iterable[int] | None = None) -> int:
    """Set and clear the flag, of all orders or of these; the number of orders whose flag changed. Four statements, whatever their number."""
    ids = sorted(set(order_ids)) if order_ids is not None else []
    everything = order_ids is None
    risky = _with_urgent_work(now=now, ids=None if everything else ids)
    with connection.cursor() as cursor:
        cursor.execute(_MOVING, {"all": everything, "ids": ids, "today": now.date()})
        risky |= {row[0] for row in cursor.fetchall()}
        return _write(cursor, sorted(risky), everything=everything, ids=ids)


def _write(cursor: object, risky: list[int], *, everything: bool, ids: list[int]) -> int:
    cursor.execute(_SET, {"risky": risky, "all": everything, "ids": ids})  # type: ignore[attr-defined]
    return int(cursor.rowcount)  # type: ignore[attr-defined]


def _with_urgent_work(*, now: datetime, ids: list[int] | None) -> set[int]:
    """Orders with work that has to leave about now."""
    work = FulfillmentOrder.objects.filter(state__in=ACTIVE_STATES, ship_by__lt=now + WARNING)
    if ids is not None:
        work = work.filter(order_id__in=ids)
    rows = work.order_by("ship_by").values_list(
        "order_id", "ship_by", "expected_on", "service", "location__country", "location__cutoff", "location__time_zone",
        "order__ship_country", "order__shipping_address__postal_code",
    )  # fmt: skip
    book = current_book()
    return {row[0] for row in rows[:MOST_LOOKED_AT] if _is_urgent(book, *row[1:], now=now)}


def _is_urgent(
    book: Book, due: datetime, promised, service: str, origin: str, cutoff, zone: str, country: str, postal_code, *, now: datetime
) -> bool:  # fmt: skip
    """True unless a later day than the due one still keeps the promise: a parcel for Friday evening that is picked up on Monday."""
    if promised is None:
        return True
    due_day = leaving_day(due, cutoff=cutoff, zone=zone)
    transit = book.transit(
        carrier=DEFAULT_CARRIER, service=service, from_country=origin, to_country=country, postal_code=postal_code or ""
    )
    latest = latest_hand_over(promised, transit, earliest=due_day)
    spare = (latest - due_day) if latest is not None else timedelta(0)
    return due + spare < now + WARNING
