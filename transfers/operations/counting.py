"""Counting at the dock: scans add up on the lines until the count is put into stock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from core.refusals import Invalid, Refusal
from transfers.models import Transfer, TransferLine
from transfers.operations.drafting import MAX_QUANTITY
from transfers.operations.locking import Locked, lock_transfer, write_lines

LONGEST_CODE = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """What a scan changed: how many of a SKU are counted, of how many expected; `complete` when all lines are."""

    sku: str
    count: int
    expected: int
    complete: bool

    @property
    def over(self) -> int:
        """Units counted beyond what is on its way."""
        return max(0, self.count - self.expected)


def count_scanned(*, transfer_id: int, code: str, damaged: bool = False) -> Counted:
    """One unit by its SKU or barcode; what is too much is counted as well and flagged by the answer.

    Raises Refusal `nothing_scanned`, `wrong_item` (not in this transfer), `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_transfer(transfer_id)
        locked.check("receive")
        line = _line_of(locked, code)
        line.counted += 1
        line.counted_damaged += damaged
        write_lines([line], "counted", "counted_damaged")
        complete = all(other.counted >= other.outstanding for other in locked.lines)
        return Counted(line.variant.sku, line.counted, line.outstanding, complete)


def set_counts(*, transfer_id: int, counts: Mapping[int, tuple[int, int]]) -> Transfer:
    """Correct the counts by hand: line id → (counted, of these damaged). Raises Invalid (`quantity-`, `damaged-<line id>`)."""
    with transaction.atomic():
        locked = lock_transfer(transfer_id)
        locked.check("receive")
        for line_id, (counted, damaged) in counts.items():
            line = locked.line(line_id, field=f"quantity-{line_id}")
            if not 0 <= counted <= MAX_QUANTITY:
                raise Invalid("bad_quantity", _("This is no number of units."), field=f"quantity-{line_id}")
            if not 0 <= damaged <= counted:
                raise Invalid("bad_quantity", _("More are damaged than arrived."), field=f"damaged-{line_id}")
            line.counted, line.counted_damaged = counted, damaged
        write_lines(locked.lines, "counted", "counted_damaged")
        return locked.transfer


def clear_counts(*, transfer_id: int) -> Transfer:
    """Begin the count anew. Raises Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_transfer(transfer_id)
        locked.check("receive")
        for line in locked.lines:
            line.counted = line.counted_damaged = 0
        write_lines(locked.lines, "counted", "counted_damaged")
        return locked.transfer


def _line_of(locked: Locked, code: str) -> TransferLine:
    wanted = code_key(code)
    if not wanted:
        raise Refusal("nothing_scanned", _("Nothing was scanned."), field="code")
    for line in locked.lines:
        if wanted in (code_key(line.variant.sku), code_key(line.variant.barcode)) and line.shipped:
            return line
    raise Refusal(
        "wrong_item",
        _("{code} is not part of {number}. Put it aside.").format(
            code=code.strip()[:40], number=locked.transfer.number
        ),
        field="code",
    )


def code_key(code: str) -> str:
    """A code as scanners may send it: case aside; a GTIN without leading zeros, for UPC-A is EAN-13 with one (GS1 3.3.3)."""
    key = code.strip()[:LONGEST_CODE].casefold()
    return key.lstrip("0") if key.isascii() and key.isdigit() else key
