"""What never came: given up, back at the origin, or found after all; each with a reason and through the ledger.

| act | moves |
| --- | --- |
| lost, stolen | incoming − at the destination |
| back at the origin | incoming − at the destination, on hand + at the origin |
| found again | on hand + where it was found |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid
from inventory.models import Bucket, MovementReason
from inventory.operations import Move, apply_moves
from transfers.models import LONGEST_NOTE, Settlement, Transfer, TransferLine
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
from transfers.operations.lots import lots_on_the_way, name_lots
from transfers.operations.serials import find_given_up, give_up, leave_the_way, put_in_stock
from transfers.states import FoundPlace, MissingReason


@dataclass(frozen=True, slots=True)
class Settled:
    """Units of a line that did not arrive, and why; their serial numbers where these must be told apart (`serials.py`)."""

    line_id: int
    quantity: int
    reason: str
    note: str = ""
    serials: tuple[str, ...] = ()


def settle_missing(
    *, transfer_id: int, settled: Sequence[Settled], actor: Actor, now: datetime, version: int | None = None
) -> Transfer:
    """Say what became of units that are still on their way; when nothing is left the transfer is received.

    Raises Invalid (fields `missing-`, `reason-`, `serials-<line id>`), Stale, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        locked.check("settle")
        chosen = _checked(locked, settled)
        lines = [line for line, _item in chosen]
        levels = lock_both_ends(locked, lines)
        down = [
            (
                line,
                item.quantity,
                MovementReason.TRANSFERRED if item.reason == MissingReason.BACK else MovementReason.LOST,
            )
            for line, item in chosen
        ]
        leaving = [leave_the_way(locked, line, item.quantity, item.serials) for line, item in chosen]
        moves = lower_incoming(locked, down, levels, actor=actor, now=now)
        for line, item in chosen:
            if item.reason == MissingReason.BACK:
                origin = locked.transfer.origin_id
                moves.append(
                    Move(line.variant_id, origin, Bucket.ON_HAND, item.quantity, MovementReason.TRANSFERRED, item.note)
                )
                line.returned += item.quantity
            else:
                line.lost += item.quantity
        cause = locked.transfer.subject
        moves = name_lots(moves, lots_on_the_way(cause), location_id=locked.transfer.origin_id)
        apply_moves(moves, cause=cause, actor=actor, now=now)
        for one, (_line, item) in zip(leaving, chosen, strict=True):
            if item.reason == MissingReason.BACK:
                put_in_stock(locked, one, locked.transfer.origin_id, actor=actor, now=now)
            else:
                give_up(locked, one, actor=actor, now=now)
        write_lines(lines, "lost", "returned")
        Settlement.objects.bulk_create(
            Settlement(line=line, quantity=item.quantity, reason=item.reason, note=item.note[:LONGEST_NOTE], actor=actor.ref, at=now)
            for line, item in chosen
        )  # fmt: skip
        for reason in dict.fromkeys(item.reason for _line, item in chosen):
            units = summary((line, item.quantity) for line, item in chosen if item.reason == reason)
            record(locked, "transfer.settled", actor=actor, now=now, lines=units, reason=reason)
        close_if_settled(locked, actor=actor, now=now)
        return locked.transfer


def _checked(locked: Locked, settled: Sequence[Settled]) -> list[tuple[TransferLine, Settled]]:
    chosen = []
    for item in settled:
        line = locked.line(item.line_id, field=f"missing-{item.line_id}")
        if not 0 <= item.quantity <= line.outstanding:
            raise Invalid(
                "too_many", _("At most {most} are missing.").format(most=line.outstanding), field=f"missing-{line.pk}"
            )
        if item.quantity and item.reason not in MissingReason.values:
            raise Invalid("no_reason", _("Say what became of it."), field=f"reason-{line.pk}")
        if item.quantity:
            chosen.append((line, item))
    if not chosen or len({line.pk for line, _item in chosen}) < len(chosen):
        raise Invalid("nothing_chosen", _("Say what is missing."))
    return chosen


def find_again(
    *,
    transfer_id: int,
    line_id: int,
    quantity: int,
    place: str,
    note: str = "",
    serials: Sequence[str] = (),
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Transfer:
    """Units that were given up have turned up: they are on hand where they were found.

    Raises Invalid (fields `quantity`, `place`), NotFound, Stale, Refusal `wrong_state`.
    """
    if place not in FoundPlace.values:
        raise Invalid("bad_place", _("Say where it was found."), field="place")
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        locked.check("find")
        line = locked.line(line_id)
        if not 0 < quantity <= line.given_up:
            raise Invalid("too_many", _("At most {most} were given up.").format(most=line.given_up), field="quantity")
        transfer = locked.transfer
        where = transfer.destination_id if place == FoundPlace.DESTINATION else transfer.origin_id
        move = Move(line.variant_id, where, Bucket.ON_HAND, quantity, MovementReason.FOUND, note)
        moves = name_lots([move], lots_on_the_way(transfer.subject), location_id=where)
        apply_moves(moves, cause=transfer.subject, actor=actor, now=now)
        find_given_up(locked, line, quantity, serials, where, actor=actor, now=now)
        line.found += quantity
        write_lines([line], "found")
        Settlement.objects.create(
            line=line, quantity=quantity, found_at=place, note=note[:LONGEST_NOTE], actor=actor.ref, at=now
        )
        record(locked, "transfer.found", actor=actor, now=now, lines=summary([(line, quantity)]), place=place)
        close_if_settled(locked, actor=actor, now=now)
        return transfer
