"""Somebody counts: scan by scan or with a number, bin by bin, and again where the difference is too large.

What stands in the book is read under the lock of the stock level at the moment of counting and kept with the line. What moves
later changes the shelf and the book alike, so the difference found stays right until it is posted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from counts.models import StockCount, StockCountLine
from counts.operations.away import units_away
from counts.operations.locking import share_count
from counts.queries import newest_movements
from counts.rules import needs_recount
from counts.states import LineState
from inventory.models import StockLevel, Variant
from inventory.operations.levels import create_levels, lock_levels

MOST_UNITS = 1_000_000
_S = LineState


class NotListed(Refusal):
    """A SKU that is not on the count's list for this bin; it may be counted as found."""

    def __init__(self, variant: Variant, bin_name: str) -> None:
        self.variant = variant
        place = bin_name or _("no bin")
        message = _("{sku} is not on the list for {bin}. Count it as found?").format(sku=variant.sku, bin=place)
        super().__init__("not_listed", message, field="sku")


@dataclass(frozen=True, slots=True)
class Closed:
    """A bin that somebody is done with: lines counted, and those that must be counted again."""

    bin: str
    lines: int
    recounts: int


def record_line(
    *,
    count_id: int,
    variant_id: int,
    bin_name: str,
    quantity: int,
    add: bool = False,
    found: bool = False,
    done: bool = False,
    reason: str = "",
    lot_id: int | None = None,
    actor: Actor,
    now: datetime,
) -> StockCountLine:
    """Write down that so many units lie in a bin (`add`: so many more). `done`: the line needs no more scans and is judged at once.

    Raises NotListed unless `found`, Invalid (field `quantity`), Refusal `same_person` where another one must count again,
    `wrong_state` when the count is not open.
    """
    if not 0 <= quantity <= MOST_UNITS or (add and quantity == 0):
        raise Invalid("bad_quantity", _("Give a number from 0 to {most}.").format(most=MOST_UNITS), field="quantity")
    with transaction.atomic():
        count = share_count(count_id)
        line = _find_line(count, variant_id, bin_name, lot_id, found=found)
        _check_person(count, line, actor)
        on_hand, movement_id = _moment(line, count)
        again = line.state == _S.RECOUNT
        if again:
            line.first_counted, line.first_on_hand = line.counted, line.on_hand
            line.first_at, line.first_by = line.counted_at, line.counted_by
        fresh = again or line.state == _S.TO_COUNT or not add
        before = 0 if fresh else (line.counted or 0)
        if before + quantity > MOST_UNITS:
            raise Invalid(
                "bad_quantity", _("Give a number from 0 to {most}.").format(most=MOST_UNITS), field="quantity"
            )
        line.moved = not fresh and (line.moved or line.movement_id != movement_id)
        line.counted = before + quantity
        line.on_hand, line.movement_id = on_hand, movement_id
        line.counted_at, line.counted_by = now, actor.ref
        line.reason = reason.replace("\x00", "").strip()[:120] or line.reason
        line.state = _S.RECOUNTING if again or line.first_at else _S.COUNTING
        if done:
            judge(line, count)
        line.save()
        return line


@dataclass(frozen=True, slots=True)
class Counted:
    """So many units of a variant in a bin; `found`: although it is not on the list."""

    variant_id: int
    bin: str
    quantity: int
    found: bool = False
    reason: str = ""


def record_lines(*, count_id: int, counted: Sequence[Counted], actor: Actor, now: datetime) -> list[StockCountLine]:
    """Write down many lines that need no more scans, all or none. Raises what `record_line` raises."""
    with transaction.atomic():
        count = share_count(count_id)
        variants = {one.variant_id for one in counted}
        # All lines before any level, as whoever closes a bin takes them; then the levels in their order.
        list(
            count.lines.select_for_update(no_key=True).filter(variant_id__in=variants).order_by("pk").values_list("pk")
        )
        return [
            record_line(
                count_id=count_id, variant_id=one.variant_id, bin_name=one.bin, quantity=one.quantity, found=one.found,
                reason=one.reason, done=True, actor=actor, now=now,
            )
            for one in sorted(counted, key=lambda one: (one.variant_id, one.bin))
        ]  # fmt: skip


def close_bin(*, count_id: int, bin_name: str, actor: Actor, now: datetime) -> Closed:
    """Somebody is done with a bin: what was counted is judged, and what was not found is noted with what the book says now.

    Lines that must be counted again stay; only a number (also 0) settles them.
    """
    with transaction.atomic():
        count = share_count(count_id)
        lines = list(count.lines.select_for_update(no_key=True).filter(bin=bin_name).order_by("pk"))
        if not lines:
            raise NotFound("no_such_bin", _("This bin is not part of the count."), field="code")
        settle(count, lines, actor=actor, now=now)
        return Closed(bin_name, len(lines), sum(line.state == _S.RECOUNT for line in lines))


def settle(count: StockCount, lines: list[StockCountLine], *, actor: Actor, now: datetime) -> None:
    """Judge locked lines that somebody is done with; those nobody found are noted with what the book says at this moment."""
    missing = [line for line in lines if line.state == _S.TO_COUNT]
    keys = [(line.variant_id, count.location_id) for line in missing]
    levels = lock_levels(keys)
    newest, away = newest_movements(keys), units_away(keys)
    for line in missing:
        key = (line.variant_id, count.location_id)
        line.on_hand = max(0, levels[key].on_hand - away[key]) if key in levels else 0
        line.movement_id = newest[key]
        line.counted_at, line.counted_by = now, actor.ref
    changed = [line for line in lines if line.state in (_S.TO_COUNT, _S.COUNTING, _S.RECOUNTING)]
    for line in changed:
        judge(line, count)
    StockCountLine.objects.bulk_update(
        changed, ["state", "on_hand", "movement_id", "counted_at", "counted_by"], batch_size=1000
    )


def judge(line: StockCountLine, count: StockCount) -> None:
    """Settle a line, or ask for it to be counted again, once, when it is off by more than is tolerated."""
    limits = {"units": count.tolerance_units, "percent": count.tolerance_percent}
    off = needs_recount(line.counted or 0, line.expected or 0, **limits)
    line.state = _S.RECOUNT if off and line.first_at is None else _S.DONE


def note_unknown_code(*, count_id: int, code: str, bin_name: str, actor: Actor, now: datetime) -> None:
    """A code was scanned that no SKU has: the desk reads it in the count's history."""
    with transaction.atomic():
        count = share_count(count_id)
        record(count.subject, "count.unknown_code", actor=actor, at=now, code=code[:80], bin=bin_name)


def _find_line(count: StockCount, variant_id: int, bin_name: str, lot_id: int | None, *, found: bool) -> StockCountLine:
    """The line, locked; made when something was found that was not on the list."""
    mine = count.lines.select_for_update(of=("self",), no_key=True).filter(
        variant_id=variant_id, bin=bin_name, lot_id=lot_id
    )
    line = mine.first()
    if line is not None:
        return line
    variant = Variant.objects.filter(pk=variant_id).first()
    if variant is None:
        raise NotFound("no_such_variant", _("There is no such SKU."), field="sku")
    if variant.is_bundle:
        raise Invalid("bundle", _("A bundle has no stock of its own: count its components."), field="sku")
    if not found:
        raise NotListed(variant, bin_name)
    _add_found(count, variant_id, bin_name, lot_id)
    return mine.get()


def _add_found(count: StockCount, variant_id: int, bin_name: str, lot_id: int | None) -> None:
    """A line for what was found. A SKU that has its place elsewhere here is counted there as well: only both together tell
    whether it is too many or merely in the wrong bin."""
    key = (variant_id, count.location_id)
    level = StockLevel.objects.filter(variant_id=variant_id, location_id=count.location_id).first()
    home_bin = level.bin if level and level.on_hand and level.bin else bin_name
    of_sku = {"count": count, "variant_id": variant_id, "lot_id": lot_id}
    home = StockCountLine(**of_sku, bin=home_bin, found=True, abc=_class_of(count, variant_id))
    # Two people may find the same SKU at once: the second one's row is not needed.
    StockCountLine.objects.bulk_create([home], ignore_conflicts=True)
    here = StockCountLine(**of_sku, bin=bin_name, home=False, found=True, abc=home.abc)
    StockCountLine.objects.bulk_create([here], ignore_conflicts=True)
    create_levels([key])


def _class_of(count: StockCount, variant_id: int) -> str:
    return count.lines.filter(variant_id=variant_id).values_list("abc", flat=True).first() or "C"


def _check_person(count: StockCount, line: StockCountLine, actor: Actor) -> None:
    if line.state == _S.RECOUNT and count.second_person and line.counted_by == actor.ref:
        raise Refusal("same_person", _("Somebody else must count this again: you counted it first."))


def _moment(line: StockCountLine, count: StockCount) -> tuple[int, int]:
    """(on hand and not picked, newest ledger row) of the line's level, under its lock."""
    key = (line.variant_id, count.location_id)
    level = lock_levels([key]).get(key)
    return (max(0, level.on_hand - units_away([key])[key]) if level else 0), newest_movements([key])[key]
