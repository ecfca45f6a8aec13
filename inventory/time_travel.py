"""Stock as it was: counts at a moment, and what made the difference between two.

A question about the past begins at the last snapshot before the moment and ends at the first one after it, so it reads a few hundred
rows of a level's ledger at most, however long that is (see `inventory.operations.snapshots`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from inventory.models import Bucket

#: (variant id, location id)
Key = tuple[int, int]
BUCKETS = tuple(Bucket.values)


@dataclass(slots=True)
class Counts:
    """The counts of one level, or of several together, at a moment."""

    on_hand: int = 0
    reserved: int = 0
    damaged: int = 0
    quality_control: int = 0
    safety_stock: int = 0
    incoming: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved - self.damaged - self.quality_control - self.safety_stock


@dataclass(frozen=True, slots=True)
class Change:
    """What one kind of business did to one bucket in a period: the sum of its movements, and how many there were."""

    reason: str
    bucket: str
    quantity: int
    movements: int


@dataclass(frozen=True, slots=True)
class CauseChange:
    """What one cause ("order:12") did to one bucket of a level in a period, and when it last did."""

    cause: str
    reason: str
    bucket: str
    quantity: int
    at: datetime


@dataclass(slots=True)
class Difference:
    """Counts at two moments and the movements between them; `before` plus all changes is `after`."""

    before: Counts
    after: Counts
    changes: list[Change] = field(default_factory=list)

    def of(self, bucket: str) -> int:
        return int(getattr(self.after, bucket)) - int(getattr(self.before, bucket))


_FROM_SNAPSHOT = """
      LEFT JOIN LATERAL (
        SELECT s.* FROM inventory_stocksnapshot s
         WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id AND s.at <= %(at)s ORDER BY s.at DESC LIMIT 1
      ) s ON true
      LEFT JOIN LATERAL (
        SELECT n.movement_id FROM inventory_stocksnapshot n
         WHERE n.variant_id = k.variant_id AND n.location_id = k.location_id AND n.at > %(at)s ORDER BY n.at LIMIT 1
      ) n ON true
"""
_SUMS = ", ".join(f"coalesce(sum(m.quantity) FILTER (WHERE m.bucket = '{b}'), 0) AS {b}" for b in BUCKETS)
_TOTALS = ", ".join(f"coalesce(s.{b}, 0) + m.{b}" for b in BUCKETS)
_COUNTS_AT = f"""
    SELECT k.variant_id, k.location_id, {_TOTALS}
      FROM unnest(%(variants)s::bigint[], %(locations)s::bigint[]) AS k (variant_id, location_id)
      {_FROM_SNAPSHOT}
      CROSS JOIN LATERAL (
        SELECT {_SUMS} FROM inventory_stockmovement m
         WHERE m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.at <= %(at)s
           AND m.id > coalesce(s.movement_id, 0) AND m.id <= coalesce(n.movement_id, 9223372036854775807)
      ) m
"""  # noqa: S608 - made of the names of buckets

#: The rows of some levels in a period: from the snapshot before its start to the one after its end.
_BETWEEN = """
    SELECT m.* FROM unnest(%(variants)s::bigint[], %(locations)s::bigint[]) AS k (variant_id, location_id)
      LEFT JOIN LATERAL (
        SELECT s.movement_id FROM inventory_stocksnapshot s
         WHERE s.variant_id = k.variant_id AND s.location_id = k.location_id AND s.at <= %(since)s ORDER BY s.at DESC LIMIT 1
      ) s ON true
      LEFT JOIN LATERAL (
        SELECT n.movement_id FROM inventory_stocksnapshot n
         WHERE n.variant_id = k.variant_id AND n.location_id = k.location_id AND n.at > %(at)s ORDER BY n.at LIMIT 1
      ) n ON true
      JOIN inventory_stockmovement m
        ON m.variant_id = k.variant_id AND m.location_id = k.location_id AND m.at > %(since)s AND m.at <= %(at)s
       AND m.id > coalesce(s.movement_id, 0) AND m.id <= coalesce(n.movement_id, 9223372036854775807)
"""


def counts_at(keys: Iterable[Key], at: datetime) -> dict[Key, Counts]:
    """The counts of these levels as they were at a moment: every movement up to and at it. One statement."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS_AT, {"at": at, **_columns(wanted)})
        return {(row[0], row[1]): Counts(*row[2:]) for row in cursor.fetchall()}


def changes_between(keys: Iterable[Key], since: datetime, at: datetime) -> list[Change]:
    """What happened to these levels after `since`, up to and at `at`, by reason and bucket. One statement."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    statement = f"SELECT reason, bucket, sum(quantity), count(*) FROM ({_BETWEEN}) AS m GROUP BY 1, 2 ORDER BY 1, 2"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, {"since": since, "at": at, **_columns(wanted)})
        return [Change(*row) for row in cursor.fetchall()]


def causes_between(key: Key, since: datetime, at: datetime, *, limit: int) -> list[CauseChange]:
    """What moved a level in a period, the largest change first. One statement."""
    statement = f"""
        SELECT cause, reason, bucket, sum(quantity), max(at) FROM ({_BETWEEN}) AS m GROUP BY 1, 2, 3
         ORDER BY abs(sum(quantity)) DESC, max(at) DESC, cause, reason, bucket LIMIT %(limit)s
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, {"since": since, "at": at, "limit": limit, **_columns([key])})
        return [CauseChange(*row) for row in cursor.fetchall()]


def difference(keys: Sequence[Key], since: datetime, at: datetime) -> Difference:
    """Counts of some levels together at two moments and what lies between. Three statements."""
    return Difference(total(counts_at(keys, since)), total(counts_at(keys, at)), changes_between(keys, since, at))


def total(counts: Mapping[Key, Counts]) -> Counts:
    """The sum over levels."""
    return Counts(*(sum(getattr(one, bucket) for one in counts.values()) for bucket in BUCKETS))


# ---- a whole location, or all of them --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SkuChange:
    """How much of a SKU came and went in a period, over the levels asked for."""

    variant_id: int
    sku: str
    title: str
    came: int
    went: int

    @property
    def net(self) -> int:
        return self.came - self.went


_PERIOD = "m.at > %(since)s AND m.at <= %(at)s AND (%(location)s::bigint IS NULL OR m.location_id = %(location)s)"
_BY_REASON = f"""
    SELECT m.reason, m.bucket, sum(m.quantity), count(*) FROM inventory_stockmovement m WHERE {_PERIOD} GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608
_BY_SKU = f"""
    SELECT v.id, v.sku, v.title, d.came, d.went
      FROM (SELECT m.variant_id, coalesce(sum(m.quantity) FILTER (WHERE m.quantity > 0), 0) AS came,
                   coalesce(-sum(m.quantity) FILTER (WHERE m.quantity < 0), 0) AS went
              FROM inventory_stockmovement m WHERE m.bucket = 'on_hand' AND {_PERIOD} GROUP BY 1) d
      JOIN inventory_variant v ON v.id = d.variant_id
     ORDER BY abs(d.came - d.went) DESC, d.came + d.went DESC, v.sku LIMIT %(limit)s
"""  # noqa: S608


def changes_of_period(since: datetime, at: datetime, *, location_id: int | None = None) -> list[Change]:
    """What happened at a location (None: at all) in a period, by reason and bucket: reads the ledger of that period alone."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_REASON, {"since": since, "at": at, "location": location_id})
        return [Change(*row) for row in cursor.fetchall()]


def skus_of_period(
    since: datetime, at: datetime, *, location_id: int | None = None, limit: int = 50
) -> list[SkuChange]:
    """The SKUs whose units on hand changed most in a period."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_SKU, {"since": since, "at": at, "location": location_id, "limit": limit})
        return [SkuChange(*row) for row in cursor.fetchall()]


def _columns(keys: Sequence[Key]) -> dict[str, list[int]]:
    return {"variants": [key[0] for key in keys], "locations": [key[1] for key in keys]}
