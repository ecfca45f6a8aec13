"""The destination's side: what arrived, whole or damaged, too much or too little, and taking back a mistaken receipt.

A receipt of n units, of which o are more than was on its way and d are damaged, moves at the destination on hand +n, damaged +d and
incoming −(n − o); when more was sent than was noted, also on hand −o at the origin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal, Stale
from inventory.models import Bucket, MovementReason
from inventory.operations import Move, apply_moves
from transfers.models import LONGEST_NOTE, Arrival, Transfer, TransferLine
from transfers.operations.drafting import MAX_QUANTITY
from transfers.operations.locking import (
    Locked,
    close_if_settled,
    lock_both_ends,
    lock_transfer,
    lower_incoming,
    record,
    summary,
    write_lines,
)
from transfers.operations.lots import lots_brought, lots_on_the_way, name_lots
from transfers.operations.serials import leave_the_way, put_in_stock, return_unnoted, take_back_serials, take_unnoted
from transfers.states import DamageReason, OverReason

LONGEST_KEY = 80


@dataclass(frozen=True, slots=True)
class Arrived:
    """Units of a line that arrived, damaged ones among them, with the reasons for what is not as it should be, and their serial
    numbers where these must be told apart (`serials.py`)."""

    line_id: int
    quantity: int
    damaged: int = 0
    over_reason: str = ""
    damage_reason: str = ""
    note: str = ""
    serials: tuple[str, ...] = ()


def receive_transfer(
    *,
    transfer_id: int,
    arrived: Sequence[Arrived],
    key: str,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Transfer:
    """Put what arrived into stock at the destination. The same `key` again changes nothing and answers the transfer as it is.

    Raises Invalid (fields `quantity-`, `damaged-`, `over-`, `damage-`, `serials-<line id>`), Stale, Refusal `wrong_state`, or what the origin's
    stock refuses where more was sent than was noted.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        raise Invalid("bad_key", _("Open the page anew and try again."), field="key")
    with transaction.atomic():
        locked = lock_transfer(transfer_id)
        if Arrival.objects.filter(line__transfer=locked.transfer, key=key).exists():
            return locked.transfer
        if version is not None and locked.transfer.version != version:
            raise Stale(
                "transfer_changed", _("{number} was changed in the meantime.").format(number=locked.transfer.number)
            )
        _post(locked, arrived, key=key, actor=actor, now=now)
        return locked.transfer


def receive_counted(
    *,
    transfer_id: int,
    reasons: Mapping[int, Arrived],
    key: str,
    actor: Actor,
    now: datetime,
) -> Transfer:
    """Put what was counted at the dock into stock; of `reasons` (line id → Arrived) only reasons, notes and serial numbers are read.

    Idempotent and refused as `receive_transfer`; Invalid `nothing_counted` when there are no counts.
    """
    with transaction.atomic():
        locked = lock_transfer(transfer_id)
        if Arrival.objects.filter(line__transfer=locked.transfer, key=key).exists():
            return locked.transfer
        arrived = []
        for line in locked.lines:
            if line.counted:
                why = reasons.get(line.pk, Arrived(line.pk, 0))
                arrived.append(replace(why, quantity=line.counted, damaged=line.counted_damaged))
        if not arrived:
            raise Invalid("nothing_counted", _("Nothing is counted yet."))
        return receive_transfer(transfer_id=transfer_id, arrived=arrived, key=key, actor=actor, now=now)


def _post(locked: Locked, arrived: Sequence[Arrived], *, key: str, actor: Actor, now: datetime) -> None:
    locked.check("receive")
    rows = _arrivals(locked, arrived, key=key, actor=actor, now=now)
    lines = [row.line for row in rows]
    levels = lock_both_ends(locked, lines)
    named = {item.line_id: item.serials for item in arrived}
    leaving = [
        leave_the_way(locked, row.line, row.quantity - row.over, named[row.line_id], over=row.over, over_reason=row.over_reason)
        for row in rows
    ]  # fmt: skip
    take_unnoted(locked, leaving, actor=actor, now=now)
    down = [(row.line, row.quantity - row.over, MovementReason.TRANSFERRED) for row in rows]
    moves = lower_incoming(locked, down, levels, actor=actor, now=now)
    moves += [move for row in rows for move in _moves_of(locked.transfer, row, +1)]
    cause = locked.transfer.subject
    moves = name_lots(moves, lots_on_the_way(cause), location_id=locked.transfer.destination_id)
    apply_moves(moves, cause=cause, actor=actor, now=now)
    for row in rows:
        _count(row, +1)
        row.line.counted = row.line.counted_damaged = 0
    write_lines(lines, "received", "over", "damaged", "counted", "counted_damaged")
    Arrival.objects.bulk_create(rows)
    for one, row in zip(leaving, rows, strict=True):
        put_in_stock(locked, one, locked.transfer.destination_id, arrival=row, actor=actor, now=now)
    record(
        locked, "transfer.received", actor=actor, now=now, lines=summary((row.line, row.quantity) for row in rows),
        damaged=summary((row.line, row.damaged) for row in rows), over=summary((row.line, row.over) for row in rows),
    )  # fmt: skip
    close_if_settled(locked, actor=actor, now=now, received_at=locked.transfer.received_at or now)


def _arrivals(locked: Locked, arrived: Sequence[Arrived], *, key: str, actor: Actor, now: datetime) -> list[Arrival]:
    """The checked rows of a receipt."""
    rows: list[Arrival] = []
    for item in arrived:
        line = locked.line(item.line_id, field=f"quantity-{item.line_id}")
        if item.quantity or item.damaged:
            rows.append(_checked(line, item, key=key, actor=actor, now=now))
    if not rows or len({row.line_id for row in rows}) < len(rows):
        raise Invalid("nothing_chosen", _("Say what has arrived."))
    return rows


def _checked(line: TransferLine, item: Arrived, *, key: str, actor: Actor, now: datetime) -> Arrival:
    if not 0 <= item.quantity <= MAX_QUANTITY:
        raise Invalid("bad_quantity", _("This is no number of units."), field=f"quantity-{line.pk}")
    if not 0 <= item.damaged <= item.quantity:
        raise Invalid("bad_quantity", _("More are damaged than arrived."), field=f"damaged-{line.pk}")
    over = max(0, item.quantity - line.outstanding)
    if over and item.over_reason not in OverReason.values:
        sentence = _("{sku}: {over} more than was on its way. Say why.").format(sku=line.variant.sku, over=over)
        raise Invalid("over_receipt", sentence, field=f"over-{line.pk}", over=over)
    if item.damaged and item.damage_reason not in DamageReason.values:
        sentence = _("{sku}: say how it was damaged.").format(sku=line.variant.sku)
        raise Invalid("damage_without_reason", sentence, field=f"damage-{line.pk}")
    return Arrival(
        line=line, key=key, quantity=item.quantity, over=over, over_reason=item.over_reason if over else "", damaged=item.damaged,
        damage_reason=item.damage_reason if item.damaged else "", note=item.note[:LONGEST_NOTE], actor=actor.ref, at=now,
    )  # fmt: skip


def _moves_of(transfer: Transfer, row: Arrival, sign: int) -> list[Move]:
    """What a receipt (sign +1) or its undoing (−1) moves besides incoming."""
    variant_id, place = row.line.variant_id, transfer.destination_id
    reason = MovementReason.TRANSFERRED if sign > 0 else MovementReason.CORRECTION
    damage = MovementReason.DAMAGED if sign > 0 else MovementReason.CORRECTION
    moves = [
        Move(variant_id, place, Bucket.ON_HAND, sign * row.quantity, reason, row.note),
        Move(variant_id, place, Bucket.DAMAGED, sign * row.damaged, damage, row.note),
    ]
    if row.over_reason == OverReason.SENT_MORE:
        moves.append(Move(variant_id, transfer.origin_id, Bucket.ON_HAND, -sign * row.over, reason, row.note))
    return moves


def _count(row: Arrival, sign: int) -> None:
    row.line.received += sign * (row.quantity - row.over)
    row.line.over += sign * row.over
    row.line.damaged += sign * row.damaged


def undo_arrival(*, arrival_id: int, actor: Actor, now: datetime, version: int | None = None) -> Transfer:
    """Take a mistaken receipt of one line back: its units are on their way again. Only the newest of a line, so that what counted as
    over stays true.

    Raises NotFound, Stale (undone already, or not the newest), and what stock refuses: units that were promised since stay.
    """
    transfer_id = Arrival.objects.filter(pk=arrival_id).values_list("line__transfer_id", flat=True).first()
    if transfer_id is None:
        raise NotFound("no_such_arrival", _("There is no such receipt."))
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        locked.check("undo")
        row = Arrival.objects.get(pk=arrival_id)
        if row.undone_at is not None:
            raise Stale("already_undone", _("This receipt was undone already."))
        if Arrival.objects.filter(line_id=row.line_id, pk__gt=row.pk, undone_at__isnull=True).exists():
            raise Refusal("not_the_newest", _("Undo the newer receipts of this line first."))
        row.line = locked.line(row.line_id)
        _take_back(locked, row, actor=actor, now=now)
        row.undone_at = now
        row.save(update_fields=["undone_at"])
        record(locked, "transfer.receipt_undone", actor=actor, now=now, lines=summary([(row.line, row.quantity)]))
        close_if_settled(locked, actor=actor, now=now)
        return locked.transfer


def _take_back(locked: Locked, row: Arrival, *, actor: Actor, now: datetime) -> None:
    lock_both_ends(locked, [row.line])
    place, cause = locked.transfer.destination_id, locked.transfer.subject
    unnoted = take_back_serials(locked, row, actor=actor, now=now)
    back = Move(row.line.variant_id, place, Bucket.INCOMING, row.quantity - row.over, MovementReason.CORRECTION)
    moves = name_lots(_moves_of(locked.transfer, row, -1), lots_brought(cause, place), location_id=place)
    apply_moves([*moves, back], cause=cause, actor=actor, now=now)
    return_unnoted(locked, unnoted, actor=actor, now=now)
    _count(row, -1)
    write_lines([row.line], "received", "over", "damaged")
