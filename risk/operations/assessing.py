"""Assess orders: their traces first, then what the rules say of them, set-based."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from core.actors import Actor
from core.bulk import to_json
from core.timeline import record_many
from orders.models import Order
from orders.states import Lifecycle
from risk.models import RiskTrace
from risk.queries import TRACES_KEPT, active_rules, current_settings, facts_of, findings_of, source_keys
from risk.rules import level_of
from risk.states import Level


@dataclass(frozen=True, slots=True)
class Assessed:
    """An order as it stands now. decided: a person's decision that still holds."""

    id: int
    order_id: int
    score: int
    level: str
    decided: str

    @property
    def must_wait(self) -> bool:
        """True when the order waits for a person."""
        return self.level == Level.HOLD and not self.decided


def trace_orders(order_ids: Collection[int]) -> None:
    """Write down who placed these orders, as hashes. Committed before the orders are assessed, so that of two batches that are
    looked at together at least the later one sees both. Two statements."""
    fields = ("id", "email", "phone", "shipping_address", "placed_at")
    rows = Order.objects.filter(pk__in=order_ids, historic=False).order_by("pk").values(*fields)
    traces = [(row["id"], kind, key, row["placed_at"]) for row in rows for kind, key in source_keys(row).items()]
    if traces:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TRACE, [list(column) for column in zip(*traces, strict=True)])


def forget_traces(*, now: datetime) -> int:
    """Delete traces that no rule looks at any more; the number."""
    deleted, _by_model = RiskTrace.objects.filter(at__lt=now - TRACES_KEPT).delete()
    return deleted


_TRACE = """
    INSERT INTO risk_risktrace (order_id, kind, key, at) SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
    ON CONFLICT (order_id, kind) DO UPDATE SET key = EXCLUDED.key, at = EXCLUDED.at
     WHERE risk_risktrace.key <> EXCLUDED.key
"""
# A decision of a person holds until the order scores higher than it did then.
_SAVE = """
    INSERT INTO risk_riskassessment AS a (order_id, score, level, findings, rules_version, at, decision, decided_score, decided_by, decided_label, reason)
    SELECT n.order_id, n.score, n.level, n.findings, %s, %s, '', 0, '', '', ''
      FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::jsonb[]) AS n (order_id, score, level, findings)
    ON CONFLICT (order_id) DO UPDATE
       SET score = EXCLUDED.score, level = EXCLUDED.level, findings = EXCLUDED.findings, rules_version = EXCLUDED.rules_version, at = EXCLUDED.at,
           decision = CASE WHEN EXCLUDED.score > a.decided_score THEN '' ELSE a.decision END
    RETURNING a.id, a.order_id, a.score, a.level, a.decision
"""


def assess_orders(order_ids: Collection[int], *, actor: Actor, now: datetime) -> list[Assessed]:
    """Say of each open order what the active rules say, in at most eight statements whatever their number.

    Nothing is written while no rule is active, but about an order that was assessed before. Their traces must be written.
    """
    rules, settings = active_rules(), current_settings()
    open_ids = Order.objects.filter(pk__in=order_ids, lifecycle=Lifecycle.OPEN, historic=False)
    if not rules:
        open_ids = open_ids.filter(risk__isnull=False)
    ids = list(open_ids.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return []
    rows, flagged = [], []
    for order_id, facts in facts_of(ids, rules).items():
        score, found = findings_of(facts, rules)
        level = level_of(score, review_at=settings.review_at, hold_at=settings.hold_at)
        rows.append((order_id, score, level, to_json([finding.as_json() for finding in found])))
        if level != Level.LOW:
            flagged.append((f"order:{order_id}", "risk.assessed", {"score": score, "level": level}))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SAVE, [settings.version, now, *(list(column) for column in zip(*rows, strict=True))])
        saved = [Assessed(*row) for row in cursor.fetchall()]
        record_many(flagged, actor=actor, at=now)
    return saved
