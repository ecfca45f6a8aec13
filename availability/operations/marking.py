"""Say that numbers have to be worked out again: one row for each channel and SKU, however often it is said."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from availability.queries import Pair
from core.outbox import bell

#: What is due is worked out by this task.
PUBLISH_TASK = "availability.tasks.publish_due"

# Marks are inserted in one order, so that two who mark the same wait and never deadlock. Whoever is working on a mark holds its row:
# the insert waits for that end, so a change that came too late for it is a new mark.
_MARK_VARIANTS = """
    INSERT INTO availability_dirtyavailability (channel_id, variant_id, due_at)
    SELECT c.id, v.id, %s FROM orders_channel c CROSS JOIN (
        SELECT unnest(%s::bigint[]) AS id
        UNION SELECT bundle_id FROM inventory_bundlecomponent WHERE component_id = ANY(%s)
    ) v WHERE c.active AND (%s::bigint[] IS NULL OR c.id = ANY(%s)) ORDER BY 1, 2
    ON CONFLICT (channel_id, variant_id) DO NOTHING
"""
_MARK_PAIRS = """
    INSERT INTO availability_dirtyavailability (channel_id, variant_id, due_at)
    SELECT p.channel_id, p.variant_id, %s FROM unnest(%s::bigint[], %s::bigint[]) AS p (channel_id, variant_id)
     GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT (channel_id, variant_id) DO NOTHING
"""


def window() -> timedelta:
    """How long changes of one SKU are gathered before they are told."""
    return timedelta(seconds=settings.AVAILABILITY_MERGE_SECONDS)


def mark_variants(
    variant_ids: Collection[int], *, now: datetime, channel_ids: Collection[int] | None = None, at_once: bool = False
) -> int:
    """Mark these variants, and the bundles made of them, on every active channel (or those named); the number of new marks."""
    if not variant_ids:
        return 0
    ids, channels = sorted(set(variant_ids)), sorted(channel_ids) if channel_ids is not None else None
    return _run(_MARK_VARIANTS, [_due(now, at_once), ids, ids, channels, channels])


def mark_pairs(pairs: Iterable[Pair], *, now: datetime, at_once: bool = False) -> int:
    """Mark these (channel, variant); the number of new marks."""
    pairs = list(pairs)
    if not pairs:
        return 0
    return _run(_MARK_PAIRS, [_due(now, at_once), [channel for channel, _v in pairs], [variant for _c, variant in pairs]])  # fmt: skip


def _due(now: datetime, at_once: bool) -> datetime:
    return now if at_once else now + window()


def _run(statement: str, parameters: list[Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        transaction.on_commit(lambda: bell.ring(PUBLISH_TASK), robust=True)
        return cursor.rowcount
