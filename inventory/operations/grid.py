"""Many cells of the stock list at once: each was read with a number, and is refused when that number is no longer there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.actors import Actor
from core.refusals import Invalid, Refusal
from inventory.models import Bucket, MovementReason, StockLevel, StockMovement
from inventory.operations.adjusting import BY_HAND, MAX_COUNT, check_key
from inventory.operations.levels import Key, Level, Move, apply_moves, lock_levels
from inventory.operations.many_levels import LONGEST_BIN, fault_of, set_bins

#: Buckets that are cells; the bin is the third.
COUNTS = (Bucket.ON_HAND.value, Bucket.SAFETY_STOCK.value)
BIN = "bin"
MOST_CELLS = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the grid: of which level, which column, what it said when it was shown, what it shall say."""

    level_id: int
    column: str
    was: str | int
    value: str | int


@dataclass(frozen=True, slots=True)
class RefusedCell:
    """A cell that was not saved: its level by name, its column, and why."""

    cell: Cell
    label: str
    why: str


class CellsRefused(Refusal):
    """Nothing was saved, for some cells cannot be; `cells` names them."""

    def __init__(self, cells: list[RefusedCell]) -> None:
        self.cells = cells
        text = ngettext(
            "{n} cell cannot be saved, so nothing was.", "{n} cells cannot be saved, so nothing was.", len(cells)
        )
        super().__init__("cells_refused", text.format(n=len(cells)))


@dataclass(slots=True)
class Saved:
    """What saving the grid did: cells changed, those refused, whether this very form was saved before."""

    done: list[Cell] = field(default_factory=list)
    refused: list[RefusedCell] = field(default_factory=list)
    repeated: bool = False


def save_cells(
    *, cells: Sequence[Cell], reason: str, note: str = "", partly: bool = False, key: str, actor: Actor, now: datetime
) -> Saved:
    """Save the cells in one transaction, with one reason; `key` is made with the form: sending it again changes nothing.

    A cell whose number changed meanwhile, or whose new number cannot be, is refused: with `partly` the others are saved, else none is
    (CellsRefused). The ledger's cause is "adjustment:<key>", so each change can be undone as any adjustment. Raises Invalid.
    """
    _check(cells, reason)
    check_key(key)
    outcome = Saved()
    with transaction.atomic():
        levels, names = _lock(cells)
        if StockMovement.objects.filter(cause=f"{BY_HAND}{key}").exists():
            return Saved(repeated=True)
        wanted = _still_true(cells, levels, names, outcome)
        _find_faults(wanted, levels, names, outcome)
        if outcome.refused and not partly:
            raise CellsRefused(outcome.refused)
        moves = [
            Move(*levels[cell.level_id].key, cell.column, int(cell.value) - getattr(levels[cell.level_id], cell.column), reason, note)
            for cell in wanted
            if cell.column != BIN
        ]  # fmt: skip
        apply_moves(moves, cause=f"{BY_HAND}{key}", actor=actor, now=now)
        bins: dict[str, list[Key]] = defaultdict(list)
        for cell in wanted:
            if cell.column == BIN:
                bins[str(cell.value)].append(levels[cell.level_id].key)
        for name, keys in bins.items():
            set_bins(keys=keys, bin_name=name, actor=actor, now=now)
        outcome.done = wanted
    return outcome


def _check(cells: Sequence[Cell], reason: str) -> None:
    if reason not in MovementReason.values:
        raise Invalid("bad_reason", _("Choose a reason."), field="reason")
    if not 0 < len(cells) <= MOST_CELLS:
        raise Invalid("bad_cells", _("Change 1 to {most} cells.").format(most=MOST_CELLS))
    for cell in cells:
        if cell.column == BIN:
            if len(str(cell.value)) > LONGEST_BIN or not str(cell.value).isprintable():
                text = _("A bin's name has at most {most} characters.").format(most=LONGEST_BIN)
                raise Invalid("bad_bin", text, field=f"bin-{cell.level_id}")
        elif cell.column not in COUNTS or not 0 <= int(cell.value) <= MAX_COUNT:
            text = _("A count lies between 0 and {most}.").format(most=MAX_COUNT)
            raise Invalid("bad_quantity", text, field=f"{cell.column}-{cell.level_id}")


def _lock(cells: Sequence[Cell]) -> tuple[dict[int, Level], dict[int, str]]:
    """Level id → its locked counts, and its SKU and location by name."""
    rows = StockLevel.objects.filter(pk__in={cell.level_id for cell in cells}).values_list(
        "pk", "variant_id", "location_id", "variant__sku", "location__name"
    )
    keys = {pk: (variant_id, location_id) for pk, variant_id, location_id, _sku, _place in rows}
    locked = lock_levels(keys.values())
    names = {pk: f"{sku} · {place}" for pk, _variant, _location, sku, place in rows}
    return {pk: locked[key] for pk, key in keys.items() if key in locked}, names


def _still_true(
    cells: Sequence[Cell], levels: Mapping[int, Level], names: Mapping[int, str], outcome: Saved
) -> list[Cell]:
    """The cells that say something new and were read as they are; a number that somebody has changed meanwhile is refused."""
    wanted = []
    for cell in cells:
        level = levels.get(cell.level_id)
        if level is None:
            outcome.refused.append(RefusedCell(cell, str(cell.level_id), _("This row is no longer there.")))
            continue
        current = getattr(level, cell.column)
        if current == cell.value:
            continue
        if current != cell.was:
            why = _("It said {was}, and somebody has changed it to {current} since.").format(
                was=cell.was or "—", current=current or "—"
            )
            outcome.refused.append(RefusedCell(cell, names[cell.level_id], why))
        else:
            wanted.append(cell)
    return wanted


def _find_faults(wanted: list[Cell], levels: Mapping[int, Level], names: Mapping[int, str], outcome: Saved) -> None:
    """Refuse counts that cannot be (units that are reserved or set aside); they leave `wanted`."""
    for cell in [cell for cell in wanted if cell.column == Bucket.ON_HAND]:
        fault = fault_of(replace(levels[cell.level_id], on_hand=int(cell.value)))
        if fault:
            wanted.remove(cell)
            outcome.refused.append(RefusedCell(cell, names[cell.level_id], fault))
