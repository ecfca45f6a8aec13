"""One transfer under lock, and what all its moves share: its lines, its stock levels, its sums and its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.refusals import NotFound, Stale
from inventory.models import Bucket, MovementReason
from inventory.operations.levels import Key, Level, Move, apply_moves, create_levels, lock_levels
from transfers.models import Transfer, TransferLine
from transfers.states import TRANSFER_MACHINE, TransferState

#: Counts of a line that the transfer sums up; `units` is the sum of the planned quantities.
SUMMED = ("shipped", "received", "damaged", "over", "lost", "returned", "found")


@dataclass(slots=True)
class Locked:
    """A locked transfer with its lines in their order."""

    transfer: Transfer
    lines: list[TransferLine]

    def line(self, line_id: int, *, field: str | None = None) -> TransferLine:
        """The line of that id; NotFound when it is not one of this transfer."""
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise NotFound(
            "no_such_line", _("This line is not part of {number}.").format(number=self.transfer.number), field=field
        )

    def check(self, action: str) -> str:
        """The state that `action` leads to; raises Refusal when it is not possible now."""
        return TRANSFER_MACHINE.check(self.transfer, action)


def lock_transfer(transfer_id: int, *, version: int | None = None) -> Locked:
    """Lock the transfer in the caller's transaction and read its lines; whoever changes a line holds this lock.

    Raises NotFound, or Stale when `version` is given and somebody changed the transfer since.
    """
    rows = Transfer.objects.select_for_update(of=("self",), no_key=True).select_related("origin", "destination")
    transfer = rows.filter(pk=transfer_id).first()
    if transfer is None:
        raise NotFound("no_such_transfer", _("There is no such transfer."))
    if version is not None and transfer.version != version:
        sentence = _("{number} was changed by somebody else since you opened it. Look again.")
        raise Stale("transfer_changed", sentence.format(number=transfer.number))
    lines = list(
        transfer.lines.select_related("variant").defer("variant__search", "variant__search_text").order_by("position")
    )
    for line in lines:
        line.transfer = transfer
    return Locked(transfer, lines)


def lock_both_ends(locked: Locked, lines: Iterable[TransferLine]) -> dict[Key, Level]:
    """Lock the levels of these lines at origin and destination at once, in lock order; missing ones are made."""
    ends = (locked.transfer.origin_id, locked.transfer.destination_id)
    keys = [(line.variant_id, end) for line in lines for end in ends]
    create_levels(keys)
    return lock_levels(keys)


def lower_incoming(
    locked: Locked,
    units: Iterable[tuple[TransferLine, int, str]],
    levels: dict[Key, Level],
    *,
    actor: Actor,
    now: datetime,
) -> list[Move]:
    """Moves that lower incoming at the destination: (line, units, reason) each.

    Incoming may also be set by hand or by a file, down to less than what is on its way. What was taken from it so is put back
    first, in the name of nobody's document, so that goods that stand at the dock can always be received.
    """
    place = locked.transfer.destination_id
    down = [(line.variant_id, n, reason) for line, n, reason in units if n]
    missing = [
        Move(variant_id, place, Bucket.INCOMING, n - levels[(variant_id, place)].incoming, MovementReason.CORRECTION, locked.transfer.number)
        for variant_id, n, _reason in down
        if n > levels[(variant_id, place)].incoming
    ]  # fmt: skip
    if missing:
        apply_moves(missing, cause="incoming:put-back", actor=actor, now=now)
    return [Move(variant_id, place, Bucket.INCOMING, -n, reason) for variant_id, n, reason in down]


def write_lines(lines: Iterable[TransferLine], *fields: str) -> None:
    """Save changed columns of lines, in one statement."""
    changed = list(lines)
    if changed:
        TransferLine.objects.bulk_update(changed, fields)


def write_transfer(locked: Locked, **changes: Any) -> None:
    """Save changed columns of the transfer, and its sums as its lines give them."""
    transfer = locked.transfer
    changes |= {name: sum(getattr(line, name) for line in locked.lines) for name in SUMMED}
    changes["units"] = sum(line.quantity for line in locked.lines)
    for name, value in changes.items():
        setattr(transfer, name, value)
    transfer.version += 1
    transfer.save(update_fields=[*changes, "version"])


def close_if_settled(locked: Locked, *, actor: Actor, now: datetime, **changes: Any) -> None:
    """Save a transfer that is under way: received when nothing is outstanding any more, else in transit (again)."""
    transfer = locked.transfer
    done = not any(line.outstanding for line in locked.lines)
    was = transfer.state
    changes["state"] = TransferState.RECEIVED if done else TransferState.IN_TRANSIT
    changes["closed_at"] = (transfer.closed_at or now) if done else None
    write_transfer(locked, **changes)
    if done and was != TransferState.RECEIVED:
        record(locked, "transfer.closed", actor=actor, now=now)


def record(locked: Locked, kind: str, *, actor: Actor, now: datetime, **data: Any) -> None:
    """One line in the transfer's history."""
    timeline.record(locked.transfer.subject, kind, actor=actor, at=now, **data)


def summary(units: Iterable[tuple[TransferLine, int]]) -> list[dict[str, Any]]:
    """Units by SKU, as histories keep them."""
    return [{"sku": line.variant.sku, "quantity": n} for line, n in units if n]
