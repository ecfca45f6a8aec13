"""One purchase order under lock, and what all its moves share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.money import quantize
from core.refusals import NotFound, Stale
from inventory.models import Bucket, MovementReason
from inventory.operations import Move, apply_moves
from inventory.operations.levels import create_levels, lock_levels
from purchasing.models import PurchaseLine, PurchaseOrder


@dataclass(slots=True)
class Locked:
    """A locked order with its lines in their sequence."""

    order: PurchaseOrder
    lines: list[PurchaseLine]

    def line(self, line_id: int, *, field: str = "lines") -> PurchaseLine:
        """The line of that id; NotFound when it is not one of this order."""
        for line in self.lines:
            if line.pk == line_id:
                return line
        raise NotFound(
            "no_such_line", _("This line is not part of {number}.").format(number=self.order.number), field=field
        )


def lock_purchase(order_id: int, *, version: int | None = None) -> Locked:
    """Lock the order in the caller's transaction and read its lines.

    Raises NotFound, or Stale when `version` is given and somebody changed the order since.
    """
    order = PurchaseOrder.objects.select_for_update(of=("self",), no_key=True).filter(pk=order_id).first()
    if order is None:
        raise NotFound("no_such_purchase_order", _("There is no such purchase order."))
    if version is not None and order.version != version:
        sentence = _("{number} was changed by somebody else since you opened it. Look again.")
        raise Stale("purchase_changed", sentence.format(number=order.number))
    lines = list(order.lines.select_related("variant").order_by("position", "pk"))
    for line in lines:
        line.order = order
    return Locked(order, lines)


def write_order(locked: Locked, **changes: Any) -> None:
    """Save changed columns of the order together with the sums of its lines, as the next version."""
    order = locked.order
    for name, value in changes.items():
        setattr(order, name, value)
    order.units = sum(line.expected for line in locked.lines)
    order.received = sum(line.received for line in locked.lines)
    order.outstanding = sum(line.to_come for line in locked.lines)
    order.total = goods_total(locked.lines, order.currency) + order.freight + order.duty + order.other
    order.version += 1
    order.save(update_fields=[*changes, "units", "received", "outstanding", "total", "version"])


def goods_total(lines: Iterable[PurchaseLine], currency: str) -> Decimal:
    """What the agreed units cost, each line rounded to the currency."""
    return sum((quantize(line.unit_cost * line.expected, currency) for line in lines), Decimal(0))


def expect(
    locked: Locked, before: dict[int, int], *, actor: Actor, now: datetime, arrived: Sequence[Move] = ()
) -> None:
    """Bring the ledger's incoming in line with what the lines lack now, and apply `arrived` with it.

    before: line id → units that were incoming for it. Somebody may have set incoming lower by hand: the units come all the same, so
    what was taken away by hand is given back first, under a cause of its own, and this order's own sum stays true.
    """
    order = locked.order
    moves = [
        Move(line.variant_id, order.location_id, Bucket.INCOMING, change, MovementReason.INCOMING)
        for line in locked.lines
        if (change := line.to_come - before.get(line.pk, 0))
    ]
    falling = {(move.variant_id, move.location_id): -move.quantity for move in moves if move.quantity < 0}
    create_levels([(move.variant_id, move.location_id) for move in [*moves, *arrived]])
    levels = lock_levels([(move.variant_id, move.location_id) for move in [*moves, *arrived]])
    given_back = [
        Move(*key, Bucket.INCOMING, units - levels[key].incoming, MovementReason.CORRECTION)
        for key, units in falling.items()
        if levels[key].incoming < units
    ]
    if given_back:
        apply_moves(given_back, cause=f"incoming:{order.number}", actor=actor, now=now)
    if moves or arrived:
        apply_moves([*moves, *arrived], cause=order.subject, actor=actor, now=now)


def outstanding(locked: Locked) -> dict[int, int]:
    """Line id → units that are incoming for it now: read before lines are changed."""
    return {line.pk: line.to_come for line in locked.lines}


def record(order: PurchaseOrder, kind: str, *, actor: Actor, now: datetime, **data: Any) -> None:
    """One line in the history of the order."""
    timeline.record(order.subject, kind, actor=actor, at=now, number=order.number, currency=order.currency, **data)
