"""Compare stock with its reorder points: alerts open and resolve by themselves, needs follow. A fixed number of statements.

Whoever evaluates holds the lock of the variants first and reads afterwards, so of two who are at work the later one sees what the
earlier one wrote and whatever stock was committed before; the last word about a variant is always about its newest stock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

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
        SELECT k.variant_id, w.units, (
                   SELECT p.id FROM inventory_reorderpolicy p LEFT JOIN inventory_location l ON l.id = p.location_id
                    WHERE p.variant_id = k.variant_id AND (p.location_id IS NULL OR l.active)
                    ORDER BY p.location_id IS NOT NULL, l.rank, p.id LIMIT 1) AS policy_id
          FROM (SELECT DISTINCT variant_id FROM keys) k
         CROSS JOIN LATERAL (
            SELECT sum(ol.backordered)::int AS units FROM orders_orderline ol WHERE ol.variant_id = k.variant_id AND ol.backordered > 0) w
         WHERE w.units > 0
    ), counted AS (
        SELECT k.variant_id, k.location_id, p.id AS policy_id, p.reorder_point, p.order_up_to,
               v.active AND NOT v.is_bundle AND l.active AS counts, p.alert,
               coalesce(s.available, 0) AS available, coalesce(s.incoming, 0) AS incoming, coalesce(s.reserved, 0) AS reserved
          FROM (SELECT * FROM keys WHERE location_id IS NOT NULL) k
          JOIN LATERAL (SELECT v.active, v.is_bundle FROM inventory_variant v WHERE v.id = k.variant_id LIMIT 1) v ON true
          JOIN inventory_location l ON l.id = k.location_id
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_reorderpolicy p WHERE p.variant_id = k.variant_id AND p.location_id = k.location_id LIMIT 1) p ON true
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_stocklevel s WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id LIMIT 1) s ON true
         UNION ALL
        SELECT k.variant_id, NULL, p.id, p.reorder_point, p.order_up_to, v.active AND NOT v.is_bundle, p.alert,
               t.available, t.incoming, t.reserved
          FROM (SELECT DISTINCT variant_id FROM keys) k
          JOIN LATERAL (SELECT v.active, v.is_bundle FROM inventory_variant v WHERE v.id = k.variant_id LIMIT 1) v ON true
          LEFT JOIN LATERAL (
            SELECT * FROM inventory_reorderpolicy p WHERE p.variant_id = k.variant_id AND p.location_id IS NULL LIMIT 1) p ON true
          LEFT JOIN LATERAL (
            SELECT coalesce(sum(s.available), 0)::int AS available, coalesce(sum(s.incoming), 0)::int AS incoming,
                   coalesce(sum(s.reserved), 0)::int AS reserved
              FROM inventory_stocklevel s JOIN inventory_location l ON l.id = s.location_id AND l.active
             WHERE s.variant_id = p.variant_id) t ON true
    ), measured AS MATERIALIZED (
        SELECT c.*, coalesce(b.units, 0) AS waiting,
               a.id AS alert_id, a.state, a.kind AS known, a.snoozed_until, a.snoozed_below,
               n.id AS need_id, n.available AS need_available, n.incoming AS need_incoming, n.waiting AS need_waiting, n.quantity AS need_quantity,
               CASE WHEN (c.counts AND c.alert) IS NOT TRUE OR c.available > c.reorder_point THEN NULL
                    WHEN c.available <= 0 AND (
                         c.reserved > 0 OR c.variant_id IN (SELECT variant_id FROM backlog)
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

#: Subjects of which something must be written: an alert that opens, resolves or changes, a need that comes, changes or goes.
COMPARE = f"""{_MEASURED}
    SELECT * FROM (
        SELECT m.variant_id, m.location_id, m.policy_id, m.reorder_point, m.available, m.incoming, m.waiting, m.quantity,
               m.kind, m.known, m.alert_id, m.need_id, coalesce({_WAKES}, false) AS wakes, coalesce(m.counts, false) AS counts,
               m.quantity > 0 AND (m.need_id IS NULL OR (m.need_available, m.need_incoming, m.need_waiting, m.need_quantity)
                                   IS DISTINCT FROM (m.available, m.incoming, m.waiting, m.quantity)) AS needed_anew
          FROM measured m) AS d
     WHERE (d.kind IS NULL) <> (d.alert_id IS NULL) OR d.kind <> d.known OR d.kind IS NOT NULL AND d.wakes
        OR d.needed_anew OR d.quantity = 0 AND d.need_id IS NOT NULL
     ORDER BY d.variant_id, d.location_id
"""  # noqa: S608 - our own text

_OPEN = """
    INSERT INTO replenishment_alert (variant_id, location_id, state, kind, threshold, available, incoming, opened_at, out_at, news, version)
    SELECT variant_id, location_id, 'open', kind, threshold, available, incoming, %(now)s, CASE kind WHEN 'out' THEN %(now)s::timestamptz END, kind, 1
      FROM unnest(%(variants)s::bigint[], %(locations)s::bigint[], %(kinds)s::text[], %(points)s::int[], %(available)s::int[], %(incoming)s::int[])
           AS d (variant_id, location_id, kind, threshold, available, incoming)
        ON CONFLICT DO NOTHING RETURNING id
"""
_RESOLVE = """
    UPDATE replenishment_alert
       SET state = 'resolved', resolved_at = %(now)s, snoozed_until = NULL, snoozed_below = NULL, version = version + 1,
           back_at = CASE WHEN kind = 'out' AND %(back)s THEN %(now)s ELSE back_at END,
           news = CASE WHEN kind = 'out' AND %(back)s AND told_at IS NOT NULL THEN 'back' ELSE '' END
     WHERE id = ANY(%(ids)s)
"""
_CHANGE = """
    UPDATE replenishment_alert
       SET kind = %(kind)s, version = version + 1,
           state = CASE WHEN %(wakes)s THEN 'open' ELSE state END,
           snoozed_until = CASE WHEN %(wakes)s THEN NULL ELSE snoozed_until END,
           snoozed_below = CASE WHEN %(wakes)s THEN NULL ELSE snoozed_below END,
           out_at = CASE WHEN %(kind)s = 'out' AND kind <> 'out' THEN %(now)s ELSE out_at END,
           back_at = CASE WHEN %(back)s AND kind = 'out' THEN %(now)s ELSE back_at END,
           news = CASE WHEN %(wakes)s OR %(kind)s = 'out' THEN %(kind)s
                       WHEN %(back)s AND kind = 'out' AND told_at IS NOT NULL THEN 'back' ELSE news END
     WHERE id = ANY(%(ids)s)
"""
_NEED = """
    INSERT INTO replenishment_need (policy_id, available, incoming, waiting, quantity, since)
    SELECT d.*, %(now)s FROM unnest(%(policies)s::bigint[], %(available)s::int[], %(incoming)s::int[], %(waiting)s::int[], %(quantities)s::int[]) AS d
        ON CONFLICT (policy_id) DO UPDATE SET available = excluded.available, incoming = excluded.incoming, waiting = excluded.waiting,
                                              quantity = excluded.quantity
    RETURNING id
"""

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


class Difference(NamedTuple):
    """A subject whose alert or need is not what its stock says. kind: what the alert should be, None for none; known: what it is."""

    variant_id: int
    location_id: int | None
    policy_id: int | None
    reorder_point: int | None
    available: int | None
    incoming: int | None
    waiting: int
    quantity: int
    kind: str | None
    known: str | None
    alert_id: int | None
    need_id: int | None
    wakes: bool
    counts: bool
    needed_anew: bool

    @property
    def is_back(self) -> bool:
        """There is something again, for a policy that counts."""
        return self.counts and self.policy_id is not None and (self.available or 0) > 0


def lock_variants(variant_ids: Iterable[int]) -> None:
    """Be the only one who decides about alerts, needs and policies of these variants until the transaction ends.

    Variants share a fixed number of locks, which are taken in ascending order: no deadlock, and no more of them for 10,000 than for 64.
    """
    wanted = sorted(set(variant_ids))
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [LOCK_CLASS, LOCKS, wanted])


def evaluate_subjects(subjects: Iterable[Subject], *, now: datetime) -> Evaluation:
    """Bring alerts and needs of these subjects, and of their variants' totals, in line with the stock.

    One statement compares them all; what differs is written with one statement for each kind of change.
    """
    wanted = sorted(set(subjects), key=lambda subject: (subject[0], subject[1] or 0))
    found = Evaluation()
    if not wanted:
        return found
    with transaction.atomic():
        lock_variants(variant for variant, _place in wanted)
        differences = _differences(wanted, now)
        _write_alerts(differences, found, now=now)
        _write_needs(differences, found, now=now)
    return found


def _differences(subjects: Sequence[Subject], now: datetime) -> list[Difference]:
    return [Difference(*row) for row in _rows(COMPARE, parameters_for(subjects, now))]


def _write_alerts(differences: Sequence[Difference], found: Evaluation, *, now: datetime) -> None:
    if opens := [d for d in differences if d.kind and d.alert_id is None]:
        columns = {
            "variants": [d.variant_id for d in opens], "locations": [d.location_id for d in opens], "kinds": [d.kind for d in opens],
            "points": [d.reorder_point for d in opens], "available": [d.available for d in opens], "incoming": [d.incoming for d in opens],
        }  # fmt: skip
        found.opened = [row[0] for row in _rows(_OPEN, columns | {"now": now})]
    resolves: dict[bool, list[int]] = defaultdict(list)
    changes: dict[tuple[str, bool, bool], list[int]] = defaultdict(list)
    for d in differences:
        if d.alert_id is None:
            continue
        if d.kind is None:
            resolves[d.is_back].append(d.alert_id)
        elif d.kind != d.known or d.wakes:
            changes[(d.kind, d.wakes, d.kind == "low" and d.is_back)].append(d.alert_id)
    for back, ids in resolves.items():
        _run(_RESOLVE, {"ids": ids, "back": back, "now": now})
        found.resolved += ids
    for (kind, wakes, back), ids in changes.items():
        _run(_CHANGE, {"ids": ids, "kind": kind, "wakes": wakes, "back": back, "now": now})
        found.changed += ids


def _write_needs(differences: Sequence[Difference], found: Evaluation, *, now: datetime) -> None:
    if needs := [d for d in differences if d.needed_anew]:
        columns = {
            "policies": [d.policy_id for d in needs], "available": [d.available for d in needs], "incoming": [d.incoming for d in needs],
            "waiting": [d.waiting for d in needs], "quantities": [d.quantity for d in needs],
        }  # fmt: skip
        found.needed = [row[0] for row in _rows(_NEED, columns | {"now": now})]
    if served := [d.need_id for d in differences if d.need_id is not None and not d.quantity]:
        _run("DELETE FROM replenishment_need WHERE id = ANY(%(ids)s)", {"ids": served})
        found.served = served


def evaluate_all(*, now: datetime) -> Evaluation:
    """The same for everything that has a policy or a live alert: what was missed is found, whatever was lost.

    Looks without locks and evaluates only the variants where something would change, each portion in a transaction of its own.
    """
    found, last = Evaluation(), 0
    while variant_ids := _rows(_NEXT_VARIANTS, {"after": last, "limit": SWEEP_VARIANTS}):
        ids = [row[0] for row in variant_ids]
        last = ids[-1]
        subjects = subjects_of(ids)
        differing = {d.variant_id for d in _differences(subjects, now)}
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
    """What `COMPARE` is asked with."""
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


def _run(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
