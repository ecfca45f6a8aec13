"""The origin's side: reserve what is to go, let it leave whole or in part, or give it back.

| act | at the origin | at the destination |
| --- | --- | --- |
| ready | reserved + | incoming + |
| back to draft, cancel | reserved − | incoming − |
| dispatch | reserved −, on hand − for what leaves; reserved − for what stays | incoming − for what stays |

So what has left is incoming until it is received or settled, and never in neither place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Refusal
from inventory.models import Bucket, MovementReason
from inventory.operations import Claim, Move, apply_moves, release, ship
from inventory.operations.levels import Key, Level
from inventory.operations.reservations import shortages, write_reservations
from transfers.models import Transfer, TransferLine
from transfers.operations.drafting import NewTransfer, create_transfer
from transfers.operations.locking import (
    Locked,
    lock_both_ends,
    lock_transfer,
    lower_incoming,
    record,
    summary,
    write_lines,
    write_transfer,
)
from transfers.operations.serials import send_serials
from transfers.states import TransferState

#: So many lines are named in a sentence; the others are counted.
NAMED = 8


class NotEnoughAtOrigin(Refusal):
    """The origin cannot promise all lines; `lines` has (line, units that can be sent) of those that lack."""

    def __init__(self, locked: Locked, lines: Sequence[tuple[TransferLine, int]]) -> None:
        self.lines = list(lines)
        parts = [
            _("{sku}: {available} of {wanted}").format(sku=line.variant.sku, available=available, wanted=line.quantity)
            for line, available in lines[:NAMED]
        ]
        if len(lines) > NAMED:
            parts.append(_("{count} more").format(count=len(lines) - NAMED))
        super().__init__(
            "not_enough_at_origin",
            _("{location} cannot send everything. It has {lines}.").format(
                location=locked.transfer.origin.name, lines=", ".join(parts)
            ),
            lines=[{"sku": line.variant.sku, "wanted": line.quantity, "available": n} for line, n in lines],
        )


def make_ready(
    *, transfer_id: int, reduce: bool = False, actor: Actor, now: datetime, version: int | None = None
) -> Transfer:
    """Reserve everything at the origin and announce it at the destination. With `reduce` the lines are first cut to what there is.

    Raises NotEnoughAtOrigin, which says how much of which line can be sent; Stale; Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        state = locked.check("ready")
        levels = lock_both_ends(locked, locked.lines)
        lacking = _lacking(locked, levels)
        if lacking and reduce:
            _cut(locked, lacking, actor=actor, now=now)
        elif lacking:
            raise NotEnoughAtOrigin(locked, lacking)
        cause = locked.transfer.subject
        claims = _claims(locked, {line.pk: line.quantity for line in locked.lines})
        write_reservations(claims, {claim.owner: cause for claim in claims}, actor=actor, now=now)
        apply_moves(_incoming(locked, +1), cause=cause, actor=actor, now=now)
        write_transfer(locked, state=state, ready_at=now)
        record(locked, "transfer.ready", actor=actor, now=now, units=locked.transfer.units)
        return locked.transfer


def revise_transfer(*, transfer_id: int, actor: Actor, now: datetime, version: int | None = None) -> Transfer:
    """Give back what was reserved, to edit the transfer again. Raises Stale, Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        state = locked.check("revise")
        _give_back(locked, actor=actor, now=now)
        write_transfer(locked, state=state, ready_at=None)
        record(locked, "transfer.revised", actor=actor, now=now)
        return locked.transfer


def cancel_transfer(
    *, transfer_id: int, reason: str = "", actor: Actor, now: datetime, version: int | None = None
) -> Transfer:
    """Give up a transfer that has not left. Raises Stale, Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        state = locked.check("cancel")
        if locked.transfer.state == TransferState.READY:
            _give_back(locked, actor=actor, now=now)
        write_transfer(locked, state=state, closed_at=now)
        record(locked, "transfer.cancelled", actor=actor, now=now, reason=reason[:200])
        return locked.transfer


def dispatch_transfer(
    *,
    transfer_id: int,
    units: Mapping[int, int] | None = None,
    serials: Mapping[int, Sequence[str]] | None = None,
    keep_rest: bool = False,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Transfer:
    """Let it leave: all, or `units` (line id → how many; lines left out stay whole). What stays is free again at the origin;
    with `keep_rest` it becomes a draft of its own. serials: line id → serial numbers of what leaves, where these must be told apart.

    Raises Invalid (fields `quantity-`, `serials-<line id>`), Stale, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        state = locked.check("dispatch")
        leaving = _checked_units(locked, units)
        levels = lock_both_ends(locked, locked.lines)
        staying = {line.pk: line.quantity - leaving[line.pk] for line in locked.lines}
        cause = locked.transfer.subject
        send_serials(locked, leaving, serials or {}, levels, actor=actor, now=now)
        ship(_claims(locked, leaving), cause=cause, actor=actor, now=now, reason=MovementReason.TRANSFERRED)
        release(_claims(locked, staying), cause=cause, actor=actor, now=now)
        down = [(line, staying[line.pk], MovementReason.INCOMING) for line in locked.lines]
        apply_moves(lower_incoming(locked, down, levels, actor=actor, now=now), cause=cause, actor=actor, now=now)
        for line in locked.lines:
            line.shipped = leaving[line.pk]
        write_lines(locked.lines, "shipped")
        write_transfer(locked, state=state, dispatched_at=now)
        record(
            locked, "transfer.dispatched", actor=actor, now=now,
            units=locked.transfer.shipped, left=summary((line, staying[line.pk]) for line in locked.lines),
        )  # fmt: skip
        if keep_rest and any(staying.values()):
            _draft_of_the_rest(locked, staying, actor=actor, now=now)
        return locked.transfer


def _checked_units(locked: Locked, units: Mapping[int, int] | None) -> dict[int, int]:
    if units is None:
        return {line.pk: line.quantity for line in locked.lines}
    for line_id, number in units.items():
        field = f"quantity-{line_id}"
        most = locked.line(line_id, field=field).quantity
        if not 0 <= number <= most:
            raise Invalid("too_many", _("At most {most} are reserved.").format(most=most), field=field, most=most)
    if not any(units.values()):
        raise Invalid("nothing_leaves", _("Say what leaves. To send nothing, cancel the transfer."))
    return {line.pk: units.get(line.pk, 0) for line in locked.lines}


def _draft_of_the_rest(locked: Locked, staying: Mapping[int, int], *, actor: Actor, now: datetime) -> None:
    gone = locked.transfer
    rest = NewTransfer(
        gone.origin_id, gone.destination_id, tuple((line.variant_id, staying[line.pk]) for line in locked.lines if staying[line.pk]),
        reference=gone.reference, note=gone.note, key=f"rest-of:{gone.pk}",
    )  # fmt: skip
    made = create_transfer(rest, actor=actor, now=now)
    record(locked, "transfer.rest_kept", actor=actor, now=now, rest=made.number)


def _claims(locked: Locked, units: Mapping[int, int]) -> list[Claim]:
    origin = locked.transfer.origin_id
    return [Claim(line.variant_id, origin, line.owner, units[line.pk]) for line in locked.lines if units[line.pk]]


def _incoming(locked: Locked, sign: int) -> list[Move]:
    place = locked.transfer.destination_id
    return [
        Move(line.variant_id, place, Bucket.INCOMING, sign * line.quantity, MovementReason.INCOMING)
        for line in locked.lines
    ]


def _give_back(locked: Locked, *, actor: Actor, now: datetime) -> None:
    """Undo `make_ready`: nothing is reserved, nothing is announced."""
    levels = lock_both_ends(locked, locked.lines)
    cause = locked.transfer.subject
    down = [(line, line.quantity, MovementReason.INCOMING) for line in locked.lines]
    apply_moves(lower_incoming(locked, down, levels, actor=actor, now=now), cause=cause, actor=actor, now=now)
    release(_claims(locked, {line.pk: line.quantity for line in locked.lines}), cause=cause, actor=actor, now=now)


def _lacking(locked: Locked, levels: Mapping[Key, Level]) -> list[tuple[TransferLine, int]]:
    """Lines of which the origin has less than planned, each with what it can promise."""
    short = shortages(_claims(locked, {line.pk: line.quantity for line in locked.lines}), levels)
    origin = locked.transfer.origin_id
    return [
        (line, line.quantity - short[(line.variant_id, origin)])
        for line in locked.lines
        if (line.variant_id, origin) in short
    ]


def _cut(locked: Locked, lacking: Sequence[tuple[TransferLine, int]], *, actor: Actor, now: datetime) -> None:
    """Plan no more than there is; lines of which there is nothing go."""
    before: dict[str, Any] = {}
    for line, available in lacking:
        before[line.variant.sku] = [line.quantity, available]
        line.quantity = available
    gone = [line for line in locked.lines if not line.quantity]
    if len(gone) == len(locked.lines):
        raise Refusal("nothing_at_origin", _("{location} has none of it.").format(location=locked.transfer.origin.name))
    locked.lines = [line for line in locked.lines if line.quantity]
    write_lines((line for line, available in lacking if available), "quantity")
    TransferLine.objects.filter(pk__in=[line.pk for line in gone]).delete()
    record(locked, "transfer.edited", actor=actor, now=now, changes=before)
