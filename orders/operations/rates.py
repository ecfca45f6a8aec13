"""The rate of an order: fixed when it is placed, never changed afterwards; where none was known, set once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal
from core.shop import shop
from core.timeline import record
from orders.events import OrderRateFixed
from orders.models import MissingRate, OrderRate
from orders.operations.refreshing import lock_order
from orders.queries import shop_zone

#: Source of a rate that a person gave one order (the other sources are those of the rates' own table).
BY_HAND = "order"

# One question for each pair of currency and day, however many orders have it. A rate in a currency that is not the shop's any more
# gives way to one in the shop's.
_FIX = """
    WITH wanted AS (
        SELECT o.id, o.currency, (o.placed_at AT TIME ZONE %(zone)s)::date AS day
          FROM orders_order o
         WHERE o.id = ANY(%(ids)s) AND o.currency <> %(own)s
           AND NOT EXISTS (SELECT 1 FROM orders_orderrate r WHERE r.order_id = o.id AND r.currency = %(own)s)
    ), quoted AS (
        SELECT asked.currency, asked.day, q.rate, q.source, q.quoted_on
          FROM (SELECT DISTINCT currency, day FROM wanted) asked
         CROSS JOIN LATERAL oms_exchange_rate(asked.currency, %(own)s, asked.day) q
    ), fixed AS (
        INSERT INTO orders_orderrate (order_id, currency, rate, source, quoted_on)
        SELECT w.id, %(own)s, q.rate, q.source, q.quoted_on FROM wanted w JOIN quoted q USING (currency, day) ORDER BY w.id
            ON CONFLICT (order_id) DO UPDATE
           SET currency = excluded.currency, rate = excluded.rate, source = excluded.source, quoted_on = excluded.quoted_on
         WHERE orders_orderrate.currency <> excluded.currency
        RETURNING order_id
    ), found AS (
        DELETE FROM orders_missingrate WHERE order_id IN (SELECT order_id FROM fixed)
    ), missing AS (
        INSERT INTO orders_missingrate (order_id, currency, placed_on)
        SELECT id, currency, day FROM wanted WHERE id NOT IN (SELECT order_id FROM fixed) ORDER BY id
            ON CONFLICT (order_id) DO NOTHING
    )
    SELECT order_id FROM fixed
"""


def fix_rates(order_ids: Sequence[int], *, own: str) -> list[int]:
    """Fix the rates of new orders in the caller's transaction; the ids of those that have one now. One statement.

    own: the shop's currency; orders in it are left alone. The rate is the newest of the day an order was placed (in the shop's
    zone) or of the seven days before it. An order without one is kept in MissingRate.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIX, {"ids": list(order_ids), "own": own, "zone": shop_zone().key})
        return [row[0] for row in cursor.fetchall()]


def look_up_rate(*, order_id: int, actor: Actor, now: datetime) -> OrderRate:
    """Give an order that has no rate the one that is known by now of the day it was placed on.

    Raises Refusal `no_rate` while there is none, `rate_is_fixed` when it has one, `own_currency` when it needs none.
    """
    own = shop().currency
    with transaction.atomic():
        _check(order_id, own)
        if not fix_rates([order_id], own=own):
            raise Refusal("no_rate", _("No rate is known of that day or of the seven days before it."))
        return _fixed(order_id, actor=actor, now=now)


def set_order_rate(
    *, order_id: int, rate: Decimal, quoted_on: date | None = None, actor: Actor, now: datetime
) -> OrderRate:
    """Give an order that has no rate one by hand, once: units of the shop's currency for one of the order's.

    Raises Invalid (field ``rate``), Refusal `rate_is_fixed` when it has one, `own_currency` when it needs none.
    """
    if not rate.is_finite() or rate <= 0 or rate >= Decimal(10) ** 10 or rate != round(rate, 10):
        raise Invalid("bad_rate", _("Give a rate above zero with at most ten decimals."), field="rate")
    own = shop().currency
    with transaction.atomic():
        placed_on = _check(order_id, own)
        OrderRate.objects.update_or_create(
            order_id=order_id,
            defaults={"currency": own, "rate": rate, "source": BY_HAND, "quoted_on": quoted_on or placed_on},
        )
        MissingRate.objects.filter(order_id=order_id).delete()
        return _fixed(order_id, actor=actor, now=now)


def _check(order_id: int, own: str) -> date:
    """Lock the order; the day of the shop's zone it was placed on."""
    order = lock_order(order_id)
    if order.currency == own:
        raise Refusal("own_currency", _("Order {number} is in the shop's own currency.").format(number=order.number))
    if OrderRate.objects.filter(order_id=order_id, currency=own).exists():
        raise Refusal("rate_is_fixed", _("The rate of order {number} is fixed.").format(number=order.number))
    return order.placed_at.astimezone(shop_zone()).date()


def _fixed(order_id: int, *, actor: Actor, now: datetime) -> OrderRate:
    rate = OrderRate.objects.select_related("order").get(order_id=order_id)
    record(
        rate.order.subject, "order.rate_fixed", actor=actor, at=now, rate=f"{rate.rate.normalize():f}",
        base=rate.order.currency, quote=rate.currency, quoted_on=rate.quoted_on.isoformat(),
    )  # fmt: skip
    publish(OrderRateFixed(order_id), actor=actor)
    return rate
