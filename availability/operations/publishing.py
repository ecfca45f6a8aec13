"""Work out what is due and tell the channels of differences, in one transaction with taking the marks.

Locks: marks (SKIP LOCKED), then rows of ChannelAvailability by (channel, variant). Stock is read under those locks and not locked
itself: a change that comes later leaves a mark of its own.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from availability.events import AvailabilityChanged
from availability.models import ChannelAvailability
from availability.queries import Pair, counted_variants, load_inputs
from core.actors import Actor
from core.outbox import publish

#: Marks that are taken at once, and SKUs in one message.
BATCH = 500
_AVAILABILITY = Actor.system("availability")

_TAKE = """
    WITH taken AS (
        DELETE FROM availability_dirtyavailability WHERE id = ANY (ARRAY(
            SELECT id FROM availability_dirtyavailability WHERE due_at <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED))
        RETURNING channel_id, variant_id
    )
    SELECT t.channel_id, t.variant_id FROM taken t JOIN orders_channel c ON c.id = t.channel_id ORDER BY 1, 2
"""
_ENSURE = """
    INSERT INTO availability_channelavailability (channel_id, variant_id)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS p (channel_id, variant_id) ORDER BY 1, 2
    ON CONFLICT (channel_id, variant_id) DO NOTHING
"""
_LOCK = """
    SELECT a.channel_id, a.variant_id, a.shown, a.version, a.available, a.withheld, a.extra, a.reason, a.rule_id
      FROM availability_channelavailability a
      JOIN unnest(%s::bigint[], %s::bigint[]) AS p (channel_id, variant_id) ON p.channel_id = a.channel_id AND p.variant_id = a.variant_id
     ORDER BY a.channel_id, a.variant_id FOR UPDATE OF a
"""
_STORE = """
    UPDATE availability_channelavailability a
       SET shown = n.shown, version = n.version, available = n.available, withheld = n.withheld, extra = n.extra, reason = n.reason,
           rule_id = n.rule_id, published_at = CASE WHEN n.version > a.version THEN %s ELSE a.published_at END
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s::text[], %s::bigint[])
           AS n (channel_id, variant_id, shown, version, available, withheld, extra, reason, rule_id)
     WHERE a.channel_id = n.channel_id AND a.variant_id = n.variant_id
"""


@dataclass(frozen=True, slots=True)
class Published:
    """What a batch did: pairs looked at, those that show another number than before."""

    looked_at: int
    changed: int


NOTHING = Published(0, 0)


def publish_due(*, now: datetime, limit: int = BATCH) -> Published:
    """Take marks that are due, work out their numbers, tell of differences. Marks that another worker has are left to it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [now, limit])
            pairs = [(channel_id, variant_id) for channel_id, variant_id in cursor.fetchall()]
        return publish_pairs(pairs, now=now)


def publish_pairs(pairs: Sequence[Pair], *, now: datetime, anyway: bool = False) -> Published:
    """Work out these pairs and tell of differences (`anyway`: of all, with their versions as they are), in the caller's transaction.

    A constant number of statements whatever the number of pairs, and one event for each channel and 500 SKUs.
    """
    if not pairs:
        return NOTHING
    if not connection.in_atomic_block:
        raise RuntimeError("publish_pairs() needs a transaction")
    stored = _lock(_counted(pairs))
    inputs = load_inputs(list(stored), now=now)
    told: dict[int, list[list[int]]] = defaultdict(list)
    rows, changed = [], 0
    for pair, was in stored.items():
        receipt, rule = inputs.receipt_of(pair)
        differs = was[1] == 0 or was[0] != receipt["shown"]
        version = was[1] + differs
        now_is = (receipt["shown"], version, receipt["available"], receipt["withheld"], receipt["extra"], receipt["reason"], rule.pk if rule else None)  # fmt: skip
        changed += differs
        if differs or anyway:
            told[pair[0]].append([pair[1], receipt["shown"], version])
        if now_is != was:
            rows.append((*pair, *now_is))
    _store(rows, now=now)
    for channel_id, items in told.items():
        for start in range(0, len(items), BATCH):
            message_id = f"msg_{uuid.uuid4().hex}"
            publish(AvailabilityChanged(channel_id, message_id, items[start : start + BATCH]), actor=_AVAILABILITY)
    return Published(len(stored), changed)


def _counted(pairs: Collection[Pair]) -> list[Pair]:
    """The pairs whose variant has a number, each once, in the order of locks; of the others nothing is kept."""
    wanted = sorted({pair[1] for pair in pairs})
    known = set(counted_variants().filter(pk__in=wanted).values_list("pk", flat=True))
    if len(known) < len(wanted):
        ChannelAvailability.objects.filter(variant_id__in=[pk for pk in wanted if pk not in known]).delete()
    return sorted({pair for pair in pairs if pair[1] in known})


def _lock(pairs: Sequence[Pair]) -> dict[Pair, tuple[Any, ...]]:
    columns = [[channel for channel, _variant in pairs], [variant for _channel, variant in pairs]]
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE, columns)
        cursor.execute(_LOCK, columns)
        return {(row[0], row[1]): row[2:] for row in cursor.fetchall()}


def _store(rows: Sequence[tuple[Any, ...]], *, now: datetime) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [now, *map(list, zip(*rows, strict=True))])
