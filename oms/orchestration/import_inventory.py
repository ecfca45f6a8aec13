"""Stock counts from a file: what is on hand is set through the ledger, with bins and customs data beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from inventory.models import Bucket, Location, MovementReason, StockLevel, Variant
from inventory.operations.levels import Key, Level, Move, apply_moves, create_levels, lock_levels
from oms.orchestration.import_outcomes import CREATED, Outcome, changed, refused, take_turn

_SET_BINS = """
    UPDATE inventory_stocklevel s SET bin = d.bin
      FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS d (variant_id, location_id, bin)
     WHERE s.variant_id = d.variant_id AND s.location_id = d.location_id
"""
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
        variants = {
            v.sku: v
            for v in Variant.objects.only("pk", "sku", "hs_code", "origin_country", "is_bundle").filter(
                sku__in={r.sku for r in records}
            )
        }
        locations = dict(Location.objects.values_list("name", "pk"))
        keys: list[Key | Outcome] = [_key(record, variants, locations) for record in records]
        stocked = {
            key
            for key, record in zip(keys, records, strict=True)
            if isinstance(key, tuple) and record.on_hand is not None
        }
        known = _existing(key for key in keys if isinstance(key, tuple))
        create_levels(stocked - known)
        levels = lock_levels(stocked | known)
        run = _Run(levels, known, {variant.pk: variant for variant in variants.values()})
        outcomes = [
            key if isinstance(key, Outcome) else run.take(record, key)
            for key, record in zip(keys, records, strict=True)
        ]
        run.write(cause=cause, actor=actor, now=now)
    return outcomes


def _key(record: CountData, variants: dict[str, Variant], locations: dict[str, int]) -> Key | Outcome:
    if record.sku not in variants:
        return refused(_("There is no SKU “{sku}”; import its product first.").format(sku=record.sku), field="sku")
    if variants[record.sku].is_bundle:
        message = _("{sku} is a bundle: it has no stock of its own, count its components.")
        return refused(message.format(sku=record.sku), field="sku")
    if record.location not in locations:
        return refused(
            _("There is no location “{name}”; import or create it first.").format(name=record.location),
            field="location",
        )
    return (variants[record.sku].pk, locations[record.location])


def _existing(keys: Iterable[Key]) -> set[Key]:
    wanted = set(keys)
    rows = StockLevel.objects.filter(variant_id__in={v for v, _l in wanted}).values_list("variant_id", "location_id")
    return wanted & set(rows)


class _Run:
    """Collects what a batch changes, so that it is written in a few statements."""

    def __init__(self, levels: dict[Key, Level], known: set[Key], variants: dict[int, Variant]) -> None:
        self._levels, self._known, self._variants = levels, known, variants
        self._moves: list[Move] = []
        self._bins: dict[Key, str] = {}
        self._customs: dict[int, tuple[str | None, str | None]] = {}

    def take(self, record: CountData, key: Key) -> Outcome:
        level = self._levels.get(key)
        customs = self._take_customs(record, self._variants[key[0]])
        if level is None:
            return changed(customs)  # not stocked there, and never was
        moves = _moves(level, record)
        if isinstance(moves, Outcome):
            return moves
        self._moves += moves
        other_bin = bool(record.bin) and record.bin != level.bin
        if other_bin:
            self._bins[key] = record.bin or ""
        return Outcome(CREATED) if key not in self._known else changed(bool(moves), other_bin, customs)

    def _take_customs(self, record: CountData, variant: Variant) -> bool:
        """Customs data is of the variant; the first row that tells it counts."""
        if variant.pk in self._customs:
            return False
        hs_code = record.hs_code if record.hs_code and record.hs_code != variant.hs_code else None
        origin = (
            record.origin_country if record.origin_country and record.origin_country != variant.origin_country else None
        )
        if hs_code is None and origin is None:
            return False
        self._customs[variant.pk] = (hs_code, origin)
        return True

    def write(self, *, cause: str, actor: Actor, now: datetime) -> None:
        apply_moves(self._moves, cause=cause, actor=actor, now=now)
        with connection.cursor() as cursor:
            if self._bins:
                cursor.execute(
                    _SET_BINS,
                    [[key[0] for key in self._bins], [key[1] for key in self._bins], list(self._bins.values())],
                )
            if self._customs:
                ids = sorted(self._customs)
                cursor.execute(
                    _SET_CUSTOMS, [ids, [self._customs[i][0] for i in ids], [self._customs[i][1] for i in ids]]
                )


def _moves(level: Level, record: CountData) -> list[Move] | Outcome:
    """What brings the level in line. Units not for sale beyond those known here go to quality control, where a person looks at them."""
    on_hand = record.on_hand or 0
    aside = level.damaged + level.quality_control + level.safety_stock
    quality_control = level.quality_control
    if record.unavailable is not None:
        quality_control += record.unavailable - aside
    if quality_control < 0:
        message = _(
            "{count} units are set aside here as damaged or safety stock, the file has {unavailable}; change it on the stock page."
        )
        return refused(
            message.format(count=aside - level.quality_control, unavailable=record.unavailable), field="unavailable"
        )
    held = level.reserved + level.damaged + quality_control
    if on_hand < held:
        message = _("{held} units are reserved or set aside here, so {on_hand} cannot be all that is on hand.")
        return refused(message.format(held=held, on_hand=on_hand), field="on_hand")
    changes = (
        (Bucket.ON_HAND, on_hand - level.on_hand),
        (Bucket.QUALITY_CONTROL, quality_control - level.quality_control),
    )
    variant_id, location_id = level.key
    return [
        Move(variant_id, location_id, bucket, change, MovementReason.IMPORTED) for bucket, change in changes if change
    ]
