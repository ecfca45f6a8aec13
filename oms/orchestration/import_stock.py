"""Stock from a plain file: each bucket that the file tells is set through the ledger, and the bin beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import transaction

from core.actors import Actor
from inventory.operations.levels import Key, create_levels, lock_levels
from oms.orchestration.import_outcomes import UNCHANGED, Outcome, take_turn
from oms.orchestration.setting_counts import PlaceData, Places, Target, existing, set_counts

BUCKETS = ("on_hand", "safety_stock", "damaged", "quality_control", "incoming")


class StockData(PlaceData, Protocol):
    """Counts of one SKU at one location; None is not told, an empty bin takes the bin away."""

    @property
    def on_hand(self) -> int | None: ...
    @property
    def safety_stock(self) -> int | None: ...
    @property
    def damaged(self) -> int | None: ...
    @property
    def quality_control(self) -> int | None: ...
    @property
    def incoming(self) -> int | None: ...
    @property
    def bin(self) -> str | None: ...


def import_stock(records: Sequence[StockData], *, cause: str, actor: Actor, now: datetime) -> list[Outcome]:
    """Set the counts of many levels in one transaction; outcomes in the order of the records.

    A record with an unknown SKU or location, or with counts that cannot be, is refused; the others are taken. A level that is missing
    is made when the file gives it a count or a bin.
    """
    with transaction.atomic():
        take_turn("inventory")
        places = Places(records)
        keys = places.keys_of(records)
        told = {key: record for key, record in zip(keys, records, strict=True) if isinstance(key, tuple)}
        known = existing(told)
        wanted = known | {key for key, record in told.items() if _counts(record) or record.bin}
        create_levels(wanted - known)
        levels = lock_levels(wanted)
        targets: dict[Key, Target] = {
            key: Target(levels[key], _counts(told[key]), told[key].bin, fresh=key not in known) for key in levels
        }
        tracking = {variant.pk: variant.tracking for variant in places.variants.values()}
        done = dict(
            zip(
                targets,
                set_counts(list(targets.values()), tracking=tracking, cause=cause, actor=actor, now=now),
                strict=True,
            )
        )
        return [key if isinstance(key, Outcome) else done.get(key, Outcome(UNCHANGED)) for key in keys]


def _counts(record: StockData) -> dict[str, int]:
    return {bucket: count for bucket in BUCKETS if (count := getattr(record, bucket)) is not None}
