"""Compare stock with its reorder points: alerts open and resolve by themselves, needs follow. One statement for any number of levels.

Whoever evaluates holds the lock of the variants first and reads afterwards, so of two who are at work the later one sees what the
earlier one wrote and whatever stock was committed before; the last word about a variant is always about its newest stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from replenishment.models import Alert

#: (variant id, location id); None: the variant's total.
Subject = tuple[int, int | None]
#: Class of the advisory locks of alerts, and among how many locks the variants are spread.
LOCK_CLASS, LOCKS = 41_023, 64
#: Something is wanted when it was sold within so many days.
DEMAND_DAYS = 28
#: So many variants are compared by one statement of the sweep.
SWEEP_VARIANTS = 5_000

_LOCK = """
    SELECT pg_advisory_xact_lock(%s, bucket)
      FROM (SELECT DISTINCT (variant %% %s)::int AS bucket FROM unnest(%s::bigint[]) AS v (variant) ORDER BY 1 OFFSET 0) AS wanted
"""

#: The stock of the subjects beside what was decided for it and what is known of it. A changed level is a subject, and so is the total of
#: its variant. Only active variants and locations count. What belongs to a key is looked up for that key (LATERAL … LIMIT 1), which leaves
#: the planner no choice but the index: tables that have just grown have no statistics yet, and a join planned for a hundred rows that meets
#: ten thousand takes minutes.
_MEASURED = """
    WITH keys AS (
        SELECT DISTINCT k.variant_id, k.location_id
          FROM unnest(%(variants)s::bigint[], %(locations)s::bigint[]) AS k (variant_id, location_id)
    ), backlog AS MATERIALIZED (  -- back-ordered units have no place: the total serves them, else the best location with a policy
        SELECT w.variant_id, w.units, (
                   SELECT p.id FROM inventory_reorderpolicy p LEFT JOIN inventory_location l ON l.id = p.location_id
                    WHERE p.variant_id = w.variant_id AND (p.location_id IS NULL OR l.active)
                    ORDER BY p.location_id IS NOT NULL, l.rank, p.id LIMIT 1) AS policy_id
          FROM (SELECT variant_id, sum(backordered)::int AS units FROM orders_orderline
                 WHERE backordered > 0 AND variant_id IN (SELECT variant_id FROM keys) GROUP BY 1) w
    ), counted AS (
        SELECT k.variant_id, k.location_id, p.id AS policy_id, p.reorder_point, p.order_up_to,
               v.active AND NOT v.is_bundle AND l.active AS counts, p.alert,
               coalesce(s.available, 0) AS available, coalesce(s.incoming, 0) AS incoming, coalesce(s.reserved, 0) AS reserved
          FROM (SELECT * FROM keys WHERE location_id IS NOT NULL) k
          JOIN inventory_variant v ON v.id = k.variant_id
          JOIN inventory_location l ON l.id = k.location_id
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_reorderpolicy p WHERE p.variant_id = k.variant_id AND p.location_id = k.location_id LIMIT 1) p ON true
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_stocklevel s WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id LIMIT 1) s ON true
         UNION ALL
        SELECT k.variant_id, NULL, p.id, p.reorder_point, p.order_up_to, v.active AND NOT v.is_bundle, p.alert,
               t.available, t.incoming, t.reserved
          FROM (SELECT DISTINCT variant_id FROM keys) k
          JOIN inventory_variant v ON v.id = k.variant_id
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_reorderpolicy p WHERE p.variant_id = k.variant_id AND p.location_id IS NULL LIMIT 1) p ON true
          LEFT JOIN LATERAL (
            SELECT coalesce(sum(s.available), 0)::int AS available, coalesce(sum(s.incoming), 0)::int AS incoming,
                   coalesce(sum(s.reserved), 0)::int AS reserved
              FROM inventory_stocklevel s JOIN inventory_location l ON l.id = s.location_id AND l.active
             WHERE s.variant_id = p.variant_id) t ON true
    ), measured AS (
        SELECT c.*, coalesce(b.units, 0) AS waiting,
               a.id AS alert_id, a.state, a.kind AS known, a.snoozed_until, a.snoozed_below,
               n.id AS need_id, n.available AS need_available, n.incoming AS need_incoming, n.waiting AS need_waiting, n.quantity AS need_quantity,
               CASE WHEN (c.counts AND c.alert) IS NOT TRUE OR c.available > c.reorder_point THEN NULL
                    WHEN c.available <= 0 AND (
                         c.reserved > 0 OR EXISTS (SELECT FROM backlog bl WHERE bl.variant_id = c.variant_id)
                         OR coalesce((SELECT o.placed_at >= %(wanted_since)s
                                        FROM orders_orderline ol JOIN orders_order o ON o.id = ol.order_id
                                       WHERE ol.sku = (SELECT sku FROM inventory_variant v WHERE v.id = c.variant_id)
                                       ORDER BY ol.order_id DESC LIMIT 1), false)) THEN 'out'
                    ELSE 'low' END AS kind,
               CASE WHEN c.counts AND c.available + c.incoming - coalesce(b.units, 0) <= c.reorder_point
                    THEN greatest(0, c.order_up_to - c.available - c.incoming + coalesce(b.units, 0)) ELSE 0 END AS quantity
          FROM counted c
          LEFT JOIN backlog b ON b.policy_id = c.policy_id
          LEFT JOIN LATERAL (
            SELECT * FROM replenishment_alert a
             WHERE a.state IN ('open', 'snoozed') AND a.variant_id = c.variant_id AND coalesce(a.location_id, 0) = coalesce(c.location_id, 0)
             LIMIT 1) a ON true
          LEFT JOIN LATERAL (SELECT * FROM replenishment_need n WHERE n.policy_id = c.policy_id LIMIT 1) n ON true
    )
"""
_WAKES = "m.state = 'snoozed' AND (m.snoozed_until <= %(now)s OR m.available <= m.snoozed_below)"
_OPENS = "m.kind IS NOT NULL AND m.alert_id IS NULL"
_RESOLVES = "m.kind IS NULL AND m.alert_id IS NOT NULL"
_CHANGES = f"m.kind IS NOT NULL AND m.alert_id IS NOT NULL AND (m.kind <> m.known OR {_WAKES})"
_NEEDS_ANEW = """m.quantity > 0 AND (m.need_id IS NULL OR (m.need_available, m.need_incoming, m.need_waiting, m.need_quantity)
                 IS DISTINCT FROM (m.available, m.incoming, m.waiting, m.quantity))"""
_NEEDS_NO_MORE = "m.quantity = 0 AND m.need_id IS NOT NULL"

EVALUATE = f"""{_MEASURED}, opened AS (
        INSERT INTO replenishment_alert (variant_id, location_id, state, kind, threshold, available, incoming, opened_at, out_at, news, version)
        SELECT m.variant_id, m.location_id, 'open', m.kind, m.reorder_point, m.available, m.incoming, %(now)s,
               CASE m.kind WHEN 'out' THEN %(now)s::timestamptz END, m.kind, 1
          FROM measured m WHERE {_OPENS} ORDER BY m.variant_id, m.location_id
            ON CONFLICT DO NOTHING
        RETURNING id
    ), resolved AS (
        UPDATE replenishment_alert a
           SET state = 'resolved', resolved_at = %(now)s, snoozed_until = NULL, snoozed_below = NULL, version = a.version + 1,
               back_at = CASE WHEN a.kind = 'out' AND m.available > 0 THEN %(now)s ELSE a.back_at END,
               news = CASE WHEN a.kind = 'out' AND m.available > 0 AND a.told_at IS NOT NULL AND m.policy_id IS NOT NULL AND m.counts THEN 'back' ELSE '' END
          FROM measured m WHERE a.id = m.alert_id AND {_RESOLVES}
        RETURNING a.id
    ), changed AS (
        UPDATE replenishment_alert a
           SET kind = m.kind, version = a.version + 1,
               state = CASE WHEN {_WAKES} THEN 'open' ELSE a.state END,
               snoozed_until = CASE WHEN {_WAKES} THEN NULL ELSE a.snoozed_until END,
               snoozed_below = CASE WHEN {_WAKES} THEN NULL ELSE a.snoozed_below END,
               out_at = CASE WHEN m.kind = 'out' AND a.kind <> 'out' THEN %(now)s ELSE a.out_at END,
               back_at = CASE WHEN m.kind = 'low' AND a.kind = 'out' AND m.available > 0 THEN %(now)s ELSE a.back_at END,
               news = CASE WHEN {_WAKES} THEN m.kind
                           WHEN m.kind = 'out' THEN 'out'
                           WHEN a.kind = 'out' AND a.told_at IS NOT NULL AND m.available > 0 THEN 'back' ELSE a.news END
          FROM measured m WHERE a.id = m.alert_id AND {_CHANGES}
        RETURNING a.id
    ), needed AS (
        INSERT INTO replenishment_need (policy_id, available, incoming, waiting, quantity, since)
        SELECT m.policy_id, m.available, m.incoming, m.waiting, m.quantity, %(now)s FROM measured m WHERE {_NEEDS_ANEW}
            ON CONFLICT (policy_id) DO UPDATE SET available = excluded.available, incoming = excluded.incoming, waiting = excluded.waiting,
                                                  quantity = excluded.quantity
        RETURNING id
    ), served AS (
        DELETE FROM replenishment_need n USING measured m WHERE n.id = m.need_id AND {_NEEDS_NO_MORE} RETURNING n.id
    )
    SELECT 'opened', id FROM opened UNION ALL SELECT 'resolved', id FROM resolved UNION ALL SELECT 'changed', id FROM changed
     UNION ALL SELECT 'needed', id FROM needed UNION ALL SELECT 'served', id FROM served
"""  # noqa: S608 - our own text

#: What an evaluation would change: looked for by the sweep, which so locks almost nothing.
_FIND = f"""{_MEASURED}
    SELECT DISTINCT m.variant_id FROM measured m
     WHERE {_OPENS} OR {_RESOLVES} OR ({_CHANGES}) OR ({_NEEDS_ANEW}) OR ({_NEEDS_NO_MORE})
"""  # noqa: S608

#: The subjects of some variants: what was decided, what is live, what is needed.
_SUBJECTS = """
    SELECT variant_id, location_id FROM inventory_reorderpolicy WHERE variant_id = ANY(%(ids)s)
     UNION SELECT variant_id, location_id FROM replenishment_alert WHERE state IN ('open', 'snoozed') AND variant_id = ANY(%(ids)s)
     ORDER BY 1, 2
"""
_NEXT_VARIANTS = """
    SELECT variant_id FROM (
        (SELECT DISTINCT variant_id FROM inventory_reorderpolicy WHERE variant_id > %(after)s ORDER BY 1 LIMIT %(limit)s)
        UNION
        (SELECT DISTINCT variant_id FROM replenishment_alert WHERE state IN ('open', 'snoozed') AND variant_id > %(after)s ORDER BY 1 LIMIT %(limit)s)
    ) AS next ORDER BY 1 LIMIT %(limit)s
"""


@dataclass(slots=True)
class Evaluation:
    """Keys of the alerts that opened, resolved or changed, and of the needs that came, changed or went."""

    opened: list[int] = field(default_factory=list)
    resolved: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    needed: list[int] = field(default_factory=list)
    served: list[int] = field(default_factory=list)

    def add(self, other: Evaluation) -> None:
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))


def lock_variants(variant_ids: Iterable[int]) -> None:
    """Be the only one who decides about alerts, needs and policies of these variants until the transaction ends.

    Variants share a fixed number of locks, which are taken in ascending order: no deadlock, and no more of them for 10,000 than for 64.
    """
    wanted = sorted(set(variant_ids))
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [LOCK_CLASS, LOCKS, wanted])


def evaluate_subjects(subjects: Iterable[Subject], *, now: datetime) -> Evaluation:
    """Bring alerts and needs of these subjects, and of their variants' totals, in line with the stock. Two statements in all."""
    wanted = sorted(set(subjects), key=lambda subject: (subject[0], subject[1] or 0))
    found = Evaluation()
    if not wanted:
        return found
    with transaction.atomic(), connection.cursor() as cursor:
        lock_variants(variant for variant, _place in wanted)
        cursor.execute(EVALUATE, parameters_for(wanted, now))
        for what, key in cursor.fetchall():
            getattr(found, what).append(key)
    return found


def evaluate_all(*, now: datetime) -> Evaluation:
    """The same for everything that has a policy or a live alert: what was missed is found, whatever was lost.

    Looks without locks and evaluates only the variants where something would change, each portion in a transaction of its own.
    """
    found, last = Evaluation(), 0
    while variant_ids := _rows(_NEXT_VARIANTS, {"after": last, "limit": SWEEP_VARIANTS}):
        ids = [row[0] for row in variant_ids]
        last = ids[-1]
        subjects = subjects_of(ids)
        differing = {row[0] for row in _rows(_FIND, parameters_for(subjects, now))}
        found.add(evaluate_subjects((one for one in subjects if one[0] in differing), now=now))
    return found


def evaluate_due(*, now: datetime) -> Evaluation:
    """Wake the alerts whose snooze has ended by time."""
    due = Alert.objects.filter(snoozed_until__lte=now).values_list("variant_id", "location_id")
    return evaluate_subjects(list(due), now=now)


def subjects_of(variant_ids: Sequence[int]) -> list[Subject]:
    """Every subject of these variants that has a policy or a live alert."""
    return [(row[0], row[1]) for row in _rows(_SUBJECTS, {"ids": list(variant_ids)})]


def parameters_for(subjects: Sequence[Subject], now: datetime) -> dict[str, Any]:
    """What the statements above are asked with."""
    return {
        "variants": [variant for variant, _place in subjects],
        "locations": [place for _variant, place in subjects],
        "now": now,
        "wanted_since": now - timedelta(days=DEMAND_DAYS),
    }


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
