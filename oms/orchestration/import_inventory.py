"""Stock counts from a file: what is on hand is set through the ledger, with bins and customs data beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from inventory.models import Bucket, Variant
from inventory.operations.levels import Key, Level, create_levels, lock_levels
from oms.orchestration.import_outcomes import UNCHANGED, Outcome, changed, refused, take_turn
from oms.orchestration.setting_counts import Places, Target, existing, set_counts

_SET_CUSTOMS = """
    UPDATE inventory_variant v SET hs_code = coalesce(d.hs_code, v.hs_code), origin_country = coalesce(d.origin, v.origin_country)
      FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS d (id, hs_code, origin) WHERE v.id = d.id
"""


class CountData(Protocol):
    """What a location holds of a SKU. on_hand None: not stocked there. unavailable: on hand, but not for sale. None: not told."""

    @property
    def sku(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def on_hand(self) -> int | None: ...
    @property
    def unavailable(self) -> int | None: ...
    @property
    def bin(self) -> str | None: ...
    @property
    def hs_code(self) -> str | None: ...
    @property
    def origin_country(self) -> str | None: ...


def import_inventory(records: Sequence[CountData], *, cause: str, actor: Actor, now: datetime) -> list[Outcome]:
    """Set the counts of many levels, set-based, in one transaction; outcomes in the order of the records.

    A record with an unknown SKU or location, or with less than is reserved or set aside, is refused; the others are taken.
    """
    with transaction.atomic():
        take_turn("inventory")
        places = Places(records)
        keys = places.keys_of(records)
        told = {key: record for key, record in zip(keys, records, strict=True) if isinstance(key, tuple)}
        stocked = {key for key, record in told.items() if record.on_hand is not None}
        known = existing(told)
        create_levels(stocked - known)
        levels = lock_levels(stocked | known)
        variants = {variant.pk: variant for variant in places.variants.values()}
        customs = _Customs()
        done: dict[Key, Outcome] = {}
        targets: dict[Key, Target] = {}
        for key, record in told.items():
            counts = _counts(levels[key], record) if key in levels else {}
            if isinstance(counts, Outcome):
                done[key] = counts
                continue
            done[key] = changed(customs.take(record, variants[key[0]]))
            if key in levels:  # else it is not stocked there, and never was
                targets[key] = Target(levels[key], counts, record.bin or None, fresh=key not in known)
        tracking = {pk: variant.tracking for pk, variant in variants.items()}
        outcomes = set_counts(list(targets.values()), tracking=tracking, cause=cause, actor=actor, now=now)
        for key, outcome in zip(targets, outcomes, strict=True):
            done[key] = outcome if outcome.state != UNCHANGED else done[key]
        customs.write()
    return [key if isinstance(key, Outcome) else done[key] for key in keys]


class _Customs:
    """Customs data is of the variant; the first row that tells it counts."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[str | None, str | None]] = {}

    def take(self, record: CountData, variant: Variant) -> bool:
        if variant.pk in self._told:
            return False
        hs_code = record.hs_code if record.hs_code and record.hs_code != variant.hs_code else None
        origin = (
            record.origin_country if record.origin_country and record.origin_country != variant.origin_country else None
        )
        if hs_code is None and origin is None:
            return False
        self._told[variant.pk] = (hs_code, origin)
        return True

    def write(self) -> None:
        if self._told:
            ids = sorted(self._told)
            with connection.cursor() as cursor:
                cursor.execute(_SET_CUSTOMS, [ids, [self._told[i][0] for i in ids], [self._told[i][1] for i in ids]])


def _counts(level: Level, record: CountData) -> dict[str, int] | Outcome:
    """What the level shall be. Units not for sale beyond those known here go to quality control, where a person looks at them."""
    on_hand = record.on_hand or 0
    aside = level.damaged + level.quality_control + level.safety_stock
    quality_control = level.quality_control
    # A file cannot say that more is kept back than there is: where safety stock does, the file's number is what is on hand.
    if record.unavailable is not None and record.unavailable != min(aside, on_hand):
        quality_control += record.unavailable - aside
    if quality_control < 0:
        message = _(
            "{count} units are set aside here as damaged or safety stock, the file has {unavailable}; change it on the stock page."
        )
        return refused(
            message.format(count=aside - level.quality_control, unavailable=record.unavailable), field="unavailable"
        )
    return {Bucket.ON_HAND.value: on_hand, Bucket.QUALITY_CONTROL.value: quality_control}
