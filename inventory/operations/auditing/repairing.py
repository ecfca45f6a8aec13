"""Repairs of what the audit finds in stock itself. Each looks again under the level's lock and does nothing where all is well by then.

| what is wrong | which side is the truth | what is done |
| --- | --- | --- |
| a level is not the sum of its ledger | the ledger, which only grows | the level is set to the sum |
| … where that sum cannot be (below zero, or less than is promised) | the level | a correcting movement |
| reserved is not the sum of reservations | the reservations, each of which has an owner | level and ledger are brought to that sum |
| a count is below zero | nobody knows it; it is none | a correcting movement up to zero |
| a lot's level is not the sum of its ledger | the ledger | the lot's level is set to the sum |
| the lots of a level are not its units | the level | the units pass into the lot without a code, or out of it, and out of the lots that expire last |
| more serial numbers than units | the level | the oldest that lie in no parcel are written off |
| a bundle has stock | it has none | correcting movements to zero; the empty level goes |
| a snapshot is not the ledger | the ledger | the snapshot is deleted; the next run takes it anew |
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Sum

from core.actors import Actor
from core.refusals import Refusal
from core.timeline import record
from inventory.models import (
    LotLevel,
    MovementReason,
    Reservation,
    StockLevel,
    StockMovement,
    StockSnapshot,
    Tracking,
    Variant,
)
from inventory.operations.auditing.findings import Finding
from inventory.operations.levels import (
    Key,
    Level,
    Move,
    apply_moves,
    check_levels,
    create_levels,
    lock_levels,
    write_ledger,
)
from inventory.operations.lot_keeping import LotStock, lots_at, write_lot_levels
from inventory.operations.serials import give_up_serials

ACTOR = Actor("command", "audit_stock", "audit_stock")
CAUSE = ACTOR.ref
NOTE = "found by audit_stock"


class CannotRepair(Refusal):
    """Only a person can know what is right; the sentence says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("cannot_repair", message)


def repair_level(finding: Finding, *, now: datetime) -> list[str]:
    """`level_is_sum_of_ledger`, and for reserved units `reserved_is_sum_of_reservations` at once; what was done, in sentences."""
    key, bucket = _key(finding), finding.bucket
    create_levels([key])
    level = lock_levels([key])[key]
    total, is_now = ledger_sum(key, bucket), getattr(level, bucket)
    target = open_reservations(key) if bucket == "reserved" else total
    if bucket != "reserved" and not _can_be(level, bucket, total):
        target = is_now
    elif not _can_be(level, bucket, target):
        raise CannotRepair(
            f"{finding.where}: {target} units are reserved and only {level.on_hand} on hand. Count it, or give reservations back."
        )
    done = []
    if target != is_now:
        StockLevel.objects.filter(variant_id=key[0], location_id=key[1]).update(**{bucket: target})
        record(finding.subject, "stock.level_repaired", actor=ACTOR, at=now, bucket=bucket, before=is_now, after=target)
        done.append(f"{finding.where}: the level says {target} {bucket} instead of {is_now}, as the ledger does" if bucket != "reserved"
                    else f"{finding.where}: the level says {target} reserved instead of {is_now}, as the reservations do")  # fmt: skip
    if target != total:
        write_ledger([_move(key, bucket, target - total)], cause=CAUSE, actor=ACTOR, now=now)
        done.append(
            f"{finding.where}: a correcting movement of {target - total:+d} {bucket}, for the ledger says {total}"
        )
    return done


def repair_negative(finding: Finding, *, now: datetime) -> list[str]:
    """`no_count_is_negative`: up to zero."""
    key = _key(finding)
    level = lock_levels([key])[key]
    missing = -getattr(level, finding.bucket)
    if missing <= 0:
        return []
    if finding.bucket == "reserved":
        return repair_level(finding, now=now)
    apply_moves([_move(key, finding.bucket, missing)], cause=CAUSE, actor=ACTOR, now=now)
    return [f"{finding.where}: a correcting movement of +{missing} {finding.bucket}"]


def repair_oversold(finding: Finding, *, now: datetime) -> list[str]:
    """`nothing_is_oversold`: which of the counts is wrong only somebody who looks can say."""
    raise CannotRepair(f"{finding.where}: count the units there, or route orders again so that fewer are reserved.")


def repair_lot(finding: Finding, *, now: datetime) -> list[str]:
    """`lot_level_is_sum_of_ledger`."""
    key = _key(finding)
    lock_levels([key])
    rows = StockMovement.objects.filter(lot_id=finding.lot_id, location_id=key[1], bucket=finding.bucket)
    total = rows.aggregate(n=Sum("quantity", default=0))["n"]
    level = LotLevel.objects.get_or_create(lot_id=finding.lot_id, location_id=key[1])[0]
    before = getattr(level, finding.bucket)
    if before == total:
        return []
    setattr(level, finding.bucket, total)
    if min(level.on_hand, total) < 0 or level.on_hand < level.damaged + level.quality_control + level.picked:
        raise CannotRepair(
            f"{finding.where}: the ledger of this lot says {total} {finding.bucket}, which cannot be. Say of which lot the units are."
        )
    level.save(update_fields=[finding.bucket])
    record(
        finding.subject,
        "lot.level_repaired",
        actor=ACTOR,
        at=now,
        location=finding.location,
        bucket=finding.bucket,
        before=before,
        after=total,
    )
    return [f"{finding.where}: the lot's level says {total} {finding.bucket} instead of {before}, as the ledger does"]


def repair_lots_of_level(finding: Finding, *, now: datetime) -> list[str]:
    """`lots_sum_to_level`: units pass between no lot and the lot without a code, and out of lots that expire last."""
    key, bucket = _key(finding), finding.bucket
    level = lock_levels([key])[key]
    variant = Variant.objects.only("tracking").get(pk=key[0])
    by_lot = variant.tracking == Tracking.LOT
    stock = list(lots_at([key], (), {}, now=now).values())
    target = getattr(level, bucket) if by_lot else 0
    missing = target - sum(getattr(lot, bucket) for lot in stock)
    if not missing:
        return []
    latest_first = sorted(
        stock, key=lambda lot: (lot.code == "", lot.turn), reverse=True
    )  # the one without a code before all
    moves, done = [], []
    for lot in latest_first:
        units = missing if missing > 0 else max(missing, -_spare(lot, bucket))
        if units:
            lot.move(bucket, units)
            moves += [_move(key, bucket, -units), _move(key, bucket, units, lot.lot_id)]
            done.append(f"{finding.where}: {units:+d} {bucket} of lot {lot.code or '(none)'}")
            missing -= units
        if not missing:
            break
    if missing or any(lot.free < 0 for lot in stock):
        raise CannotRepair(
            f"{finding.where}: say by hand of which lots the units are; some lie in totes or are set aside."
        )
    write_lot_levels(lot for lot in stock if lot.changed)
    write_ledger(moves, cause=CAUSE, actor=ACTOR, now=now)
    return done


def repair_serials(finding: Finding, *, now: datetime) -> list[str]:
    """`serials_are_at_most_on_hand`: the oldest beyond the units that lie in no parcel are gone."""
    key = _key(finding)
    create_levels([key])
    rows = give_up_serials(variant_id=key[0], location_id=key[1], units=0, cause=CAUSE, actor=ACTOR, now=now)
    return [f"{finding.where}: {row.serial} is written off" for row in rows]


def repair_bundle(finding: Finding, *, now: datetime) -> list[str]:
    """`a_bundle_has_no_stock`."""
    key = _key(finding)
    level = lock_levels([key]).get(key)
    if open_reservations(key) or (level and level.reserved):
        raise CannotRepair(
            f"{finding.where}: orders or transfers have units of this bundle reserved. Give these back first."
        )
    if level is None:
        return []
    buckets = [b for b in ("damaged", "quality_control", "safety_stock", "incoming", "on_hand") if getattr(level, b)]
    moves = [_move(key, bucket, -getattr(level, bucket)) for bucket in buckets]
    done = [f"{finding.where}: a correcting movement of {move.quantity:+d} {move.bucket}" for move in moves]
    if moves:
        apply_moves(moves, cause=CAUSE, actor=ACTOR, now=now, levels={key: level})
    StockLevel.objects.filter(variant_id=key[0], location_id=key[1]).delete()
    return [*done, f"{finding.where}: the empty level goes"]


def repair_components(finding: Finding, *, now: datetime) -> list[str]:
    """`a_bundle_is_made_of_plain_variants`: what is in it only its maker knows."""
    raise CannotRepair(f"{finding.where}: set what this bundle is made of, or make it a plain variant.")


def repair_snapshot(finding: Finding, *, now: datetime) -> list[str]:
    """`a_snapshot_is_the_ledger_up_to_it`, `a_snapshot_is_a_clean_cut`."""
    pk = int(finding.subject.partition(":")[2])
    deleted, _rows = StockSnapshot.objects.filter(pk=pk).delete()
    return [f"{finding.where}: the snapshot is deleted; the ledger has it all"] if deleted else []


def ledger_sum(key: Key, bucket: str) -> int:
    """What the ledger says of a level's bucket."""
    rows = StockMovement.objects.filter(variant_id=key[0], location_id=key[1], bucket=bucket)
    return int(rows.aggregate(n=Sum("quantity", default=0))["n"])


def open_reservations(key: Key) -> int:
    """Units of a level that are promised to somebody."""
    rows = Reservation.objects.filter(variant_id=key[0], location_id=key[1])
    return int(rows.aggregate(n=Sum("quantity", default=0))["n"])


def _can_be(level: Level, bucket: str, count: int) -> bool:
    before = getattr(level, bucket)
    setattr(level, bucket, count)
    try:
        check_levels([level])
        return True
    except Refusal:
        return False
    finally:
        setattr(level, bucket, before)


def _spare(lot: LotStock, bucket: str) -> int:
    """Units of a lot's bucket that may leave it: of those on hand none that lie in a tote or are set aside."""
    return max(0, lot.free) if bucket == "on_hand" else int(getattr(lot, bucket))


def _key(finding: Finding) -> Key:
    if finding.variant_id is None or finding.location_id is None:
        raise CannotRepair(f"{finding.where}: this is of no level.")
    return (finding.variant_id, finding.location_id)


def _move(key: Key, bucket: str, units: int, lot_id: int | None = None) -> Move:
    return Move(*key, bucket, units, MovementReason.CORRECTION, NOTE, lot_id)
