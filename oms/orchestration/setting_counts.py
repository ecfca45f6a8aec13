"""Many stock levels become what a file says: looked up, locked, checked one by one, written through the ledger in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from core.timeline import record_many
from inventory.models import Bucket, Location, MovementReason, StockLevel, Tracking, Variant
from inventory.operations.levels import Key, Level, Move, apply_moves
from inventory.operations.many_levels import fault_of
from oms.orchestration.import_outcomes import CREATED, UNCHANGED, UPDATED, Change, Outcome, refused

_SET_BINS = """
    UPDATE inventory_stocklevel s SET bin = d.bin
      FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS d (variant_id, location_id, bin)
     WHERE s.variant_id = d.variant_id AND s.location_id = d.location_id
"""
_OF_DOCUMENTS = """
    SELECT m.variant_id, m.location_id, sum(m.quantity)
      FROM unnest(%s::bigint[], %s::bigint[]) AS k (variant_id, location_id)
      JOIN inventory_stockmovement m ON m.variant_id = k.variant_id AND m.location_id = k.location_id
     WHERE m.bucket = 'incoming' AND (m.cause LIKE 'transfer:%%' OR m.cause LIKE 'purchase:%%')
     GROUP BY m.variant_id, m.location_id
"""


class PlaceData(Protocol):
    """A record that is of one SKU at one location."""

    @property
    def sku(self) -> str: ...
    @property
    def location(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Target:
    """What a level shall be: its counts by bucket and its bin; what is not told stays. fresh: it did not exist before the file."""

    level: Level
    counts: Mapping[str, int]
    bin: str | None = None
    fresh: bool = False


class Places:
    """Variants by SKU and locations by name or code, of the records of one portion; three statements."""

    def __init__(self, records: Iterable[PlaceData]) -> None:
        skus = {record.sku for record in records}
        chosen = Variant.objects.only("pk", "sku", "hs_code", "origin_country", "is_bundle", "tracking")
        self.variants = {variant.sku: variant for variant in chosen.filter(sku__in=skus)}
        self.locations = locations_by_name()

    def key_of(self, record: PlaceData) -> Key | Outcome:
        """The record's level, or why there can be none."""
        variant = self.variants.get(record.sku)
        if variant is None:
            return refused(no_such_sku(record.sku), field="sku")
        if variant.is_bundle:
            message = _("{sku} is a bundle: it has no stock of its own, count its components.")
            return refused(message.format(sku=record.sku), field="sku")
        location_id = self.locations.get(record.location)
        if location_id is None:
            return refused(no_such_location(record.location), field="location")
        return (variant.pk, location_id)

    def keys_of(self, records: Iterable[PlaceData]) -> list[Key | Outcome]:
        """The level of each record; one that is named a second time (by its location's name and by its code) is refused."""
        seen: set[Key] = set()
        found: list[Key | Outcome] = []
        for record in records:
            key = self.key_of(record)
            if isinstance(key, tuple) and key in seen:
                key = refused(_("Another row is of the same SKU and location, by its code or name."), field="location")
            elif isinstance(key, tuple):
                seen.add(key)
            found.append(key)
        return found


def no_such_sku(sku: str) -> str:
    return _("There is no SKU “{sku}”; import its product first.").format(sku=sku)


def no_such_location(name: str) -> str:
    return _("There is no location “{name}”; import or create it first.").format(name=name)


def locations_by_name() -> dict[str, int]:
    """Name or code → location; a name counts more than another location's code. Blanks in names count once, as in files."""
    rows = list(Location.objects.order_by("pk").values_list("pk", "name", "code"))
    codes = {code: pk for pk, _name, code in rows}
    return codes | {" ".join(name.split()): pk for pk, name, _code in rows}


def existing(keys: Iterable[Key]) -> set[Key]:
    """Those of the levels that are there."""
    wanted = set(keys)
    rows = StockLevel.objects.filter(variant_id__in={v for v, _l in wanted}).values_list("variant_id", "location_id")
    return wanted & set(rows)


def set_counts(
    targets: Sequence[Target], *, tracking: Mapping[int, str], cause: str, actor: Actor, now: datetime
) -> list[Outcome]:
    """Bring locked levels in line with their targets, in the caller's transaction; outcomes in their order.

    A level that cannot become what it should is refused with the column at fault, and the others are written. tracking: how variants
    are followed; levels of those that are followed by lot or serial number are written one by one, for units may have to be named.
    """
    on_their_way = _incoming_of_documents(targets)
    moves: list[Move] = []
    outcomes: list[Outcome] = []
    bins: dict[Key, tuple[str, str]] = {}
    for target in targets:
        level = target.level
        fault = _fault(target, on_their_way.get(level.key, 0))
        mine = [] if fault else _moves(target)
        if not fault and mine and tracking.get(level.variant_id, Tracking.NONE) != Tracking.NONE:
            fault, mine = _write_alone(mine, cause=cause, actor=actor, now=now), []
        if fault:
            outcomes.append(fault)
            continue
        moves += mine
        if target.bin is not None and target.bin != level.bin:
            bins[level.key] = (level.bin, target.bin)
        outcomes.append(_outcome(target))
    apply_moves(moves, cause=cause, actor=actor, now=now)
    _set_bins(bins, actor=actor, now=now)
    return outcomes


def _moves(target: Target) -> list[Move]:
    level = target.level
    return [
        Move(level.variant_id, level.location_id, bucket, count - getattr(level, bucket), MovementReason.IMPORTED)
        for bucket, count in target.counts.items()
        if count != getattr(level, bucket)
    ]


def _outcome(target: Target) -> Outcome:
    changes: list[Change] = [
        (bucket, "" if target.fresh else str(getattr(target.level, bucket)), str(count))
        for bucket, count in target.counts.items()
        if count != getattr(target.level, bucket) or target.fresh
    ]
    if target.bin is not None and target.bin != target.level.bin:
        changes.append(("bin", target.level.bin, target.bin))
    if target.fresh:
        return Outcome(CREATED, changes=tuple(changes))
    return Outcome(UPDATED if changes else UNCHANGED, changes=tuple(changes))


def _fault(target: Target, on_its_way: int) -> Outcome | None:
    level, counts = target.level, target.counts
    wanted = replace(level, **counts)
    held = wanted.reserved + wanted.damaged + wanted.quality_control
    if wanted.on_hand < held:
        message = _("{held} units are reserved or set aside here, so {on_hand} cannot be all that is on hand.")
        field = "on_hand" if "on_hand" in counts else next((bucket for bucket in counts), "on_hand")
        return refused(message.format(held=held, on_hand=wanted.on_hand), field=field)
    if fault := fault_of(wanted):
        return refused(fault, field=next(iter(counts), ""))
    if counts.get(Bucket.INCOMING, level.incoming) < min(level.incoming, on_its_way):
        message = _("{count} units are on their way here by transfers and purchase orders; change those.")
        return refused(message.format(count=on_its_way), field="incoming")
    return None


def _incoming_of_documents(targets: Iterable[Target]) -> dict[Key, int]:
    """Level → units that transfers and purchase orders bring, for levels whose incoming would fall."""
    keys = [t.level.key for t in targets if t.counts.get(Bucket.INCOMING, t.level.incoming) < t.level.incoming]
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_DOCUMENTS, [[key[0] for key in keys], [key[1] for key in keys]])
        return {(row[0], row[1]): int(row[2]) for row in cursor.fetchall()}


def _write_alone(moves: Sequence[Move], *, cause: str, actor: Actor, now: datetime) -> Outcome | None:
    """Write the moves of one level, or say why they cannot be."""
    try:
        with transaction.atomic():
            apply_moves(moves, cause=cause, actor=actor, now=now)
    except Refusal as refusal:
        return refused(refusal.message, field=moves[0].bucket)
    return None


def _set_bins(bins: Mapping[Key, tuple[str, str]], *, actor: Actor, now: datetime) -> None:
    if not bins:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SET_BINS, [[key[0] for key in bins], [key[1] for key in bins], [after for _before, after in bins.values()]]
        )
    rows = (
        (f"stock:{key[0]}:{key[1]}", "stock.bin_set", {"before": before, "after": after})
        for key, (before, after) in bins.items()
    )
    record_many(rows, actor=actor, at=now)
