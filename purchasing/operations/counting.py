"""Counting at the door: scans add up, lot by lot and serial by serial, until they are booked. Nothing is in the ledger before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from core.refusals import Invalid, Refusal
from inventory.models import Tracking
from inventory.operations.lots import clean_code
from inventory.operations.serials import clean_serials
from purchasing.models import ArrivalCount, PurchaseLine
from purchasing.operations.arriving import MOST_UNITS
from purchasing.operations.locking import Locked, lock_purchase
from purchasing.states import PURCHASE_MACHINE, PurchaseState

LONGEST_CODE = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """What a scan did: so many of a SKU are counted, of so many expected; `complete` when all lines are.

    asks_serial: the unit is followed by serial number and is counted when that is scanned next.
    """

    line_id: int
    sku: str
    count: int
    expected: int
    complete: bool = False
    asks_serial: bool = False

    @property
    def over(self) -> int:
        """Units counted beyond what is expected."""
        return max(0, self.count - self.expected)


def count_scanned(*, order_id: int, code: str, damaged: bool = False, serial_of: int | None = None) -> Counted:
    """One unit by our SKU, its barcode or the supplier's SKU; with `serial_of` (line id) the code is the serial number of a unit.

    What is too much is counted as well, and the answer says so. Raises Refusal `nothing_scanned`, `wrong_item` (not on this order),
    `no_lot` (say the lot first), `wrong_state`; Invalid for a serial number that is counted already.
    """
    with transaction.atomic():
        locked = _locked(order_id)
        if not code.strip():
            raise Refusal("nothing_scanned", _("Nothing was scanned."), field="code")
        line = _line_of(locked, code)
        if line is None and serial_of is not None:
            return _count_serial(locked, locked.line(serial_of), code, damaged=damaged)
        if line is None:
            raise Refusal("wrong_item", _("{code} is not on this order.").format(code=code.strip()[:40]), field="code")
        if line.variant.tracking == Tracking.SERIAL:
            return Counted(line.pk, line.variant.sku, _counts(locked).get(line.pk, 0), line.to_come, asks_serial=True)
        row = _row_to_count(line)
        row.counted += 1
        row.damaged += damaged
        row.save()
        return _answer(locked, line)


def set_count(
    *,
    order_id: int,
    line_id: int,
    counted: int,
    damaged: int = 0,
    lot_code: str = "",
    expires_on: date | None = None,
    serials: Sequence[str] = (),
) -> Counted:
    """Type a count instead of scanning it: of a line, of one lot of it, or its serial numbers. A count of 0 takes it away.

    Raises Invalid (fields counted, damaged, lot_code, serials), Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = _locked(order_id)
        line = locked.line(line_id)
        tracking = line.variant.tracking
        code = clean_code(lot_code) if tracking == Tracking.LOT and (lot_code.strip() or counted) else ""
        names = clean_serials(serials) if tracking == Tracking.SERIAL else []
        if tracking == Tracking.SERIAL:
            counted = len(names)
        if not 0 <= counted <= MOST_UNITS:
            raise Invalid("bad_quantity", _("This is no number of units."), field="counted")
        if not 0 <= damaged <= counted:
            raise Invalid("bad_quantity", _("More are damaged than came."), field="damaged")
        if counted:
            ArrivalCount.objects.update_or_create(
                line=line, lot_code=code,
                defaults={"counted": counted, "damaged": damaged, "expires_on": expires_on, "serials": names},
            )  # fmt: skip
        elif tracking == Tracking.LOT and expires_on and code:
            ArrivalCount.objects.update_or_create(
                line=line, lot_code=code, defaults={"counted": 0, "damaged": 0, "expires_on": expires_on}
            )
        else:
            ArrivalCount.objects.filter(line=line, **({"lot_code": code} if code else {})).delete()
        return _answer(locked, line)


def begin_lot(*, order_id: int, line_id: int, lot_code: str, expires_on: date | None) -> None:
    """The next scans of the line are units of this lot. Raises Invalid (fields lot_code, expires_on), Refusal `wrong_state`."""
    with transaction.atomic():
        locked = _locked(order_id)
        line = locked.line(line_id)
        if line.variant.tracking != Tracking.LOT:
            raise Refusal("not_by_lot", _("{sku} is not followed by lot.").format(sku=line.variant.sku))
        row, _made = ArrivalCount.objects.get_or_create(line=line, lot_code=clean_code(lot_code))
        # The newest row is the lot that is being counted: scans go to the highest key.
        fresh = ArrivalCount(
            line=line,
            lot_code=row.lot_code,
            expires_on=expires_on or row.expires_on,
            counted=row.counted,
            damaged=row.damaged,
        )
        row.delete()
        fresh.save()


def clear_counts(*, order_id: int) -> None:
    """Begin the count anew. Raises Refusal `wrong_state`."""
    with transaction.atomic():
        _locked(order_id)
        ArrivalCount.objects.filter(line__order_id=order_id).delete()


def _locked(order_id: int) -> Locked:
    locked = lock_purchase(order_id)
    PURCHASE_MACHINE.check(locked.order, "receive_late" if locked.order.state == PurchaseState.RECEIVED else "receive")
    return locked


def _row_to_count(line: PurchaseLine) -> ArrivalCount:
    rows = ArrivalCount.objects.filter(line=line)
    if line.variant.tracking == Tracking.LOT:
        row = rows.exclude(lot_code="").order_by("-pk").first()
        if row is None:
            raise Refusal(
                "no_lot",
                _("{sku} is followed by lot: write the lot, then scan.").format(sku=line.variant.sku),
                line_id=line.pk,
            )
        return row
    return rows.first() or ArrivalCount(line=line)


def _count_serial(locked: Locked, line: PurchaseLine, serial: str, *, damaged: bool) -> Counted:
    row = ArrivalCount.objects.filter(line=line).first() or ArrivalCount(line=line)
    row.serials = clean_serials([*row.serials, serial])
    row.counted = len(row.serials)
    row.damaged += damaged
    row.save()
    return _answer(locked, line)


def _counts(locked: Locked) -> dict[int, int]:
    rows = ArrivalCount.objects.filter(line__order=locked.order).values_list("line_id").annotate(units=Sum("counted"))
    return dict(rows.order_by())


def _answer(locked: Locked, line: PurchaseLine) -> Counted:
    counts = _counts(locked)
    complete = all(counts.get(other.pk, 0) >= other.to_come for other in locked.lines)
    return Counted(line.pk, line.variant.sku, counts.get(line.pk, 0), line.to_come, complete=complete)


def _line_of(locked: Locked, code: str) -> PurchaseLine | None:
    """The line a code means: by our own codes first, then by the supplier's."""
    wanted = code_key(code)
    for codes in (lambda line: (line.variant.sku, line.variant.barcode), lambda line: (line.supplier_sku,)):
        for line in locked.lines:
            if wanted in {code_key(each) for each in codes(line)} - {""}:
                return line
    return None


def code_key(code: str) -> str:
    """A code as scanners may send it: case aside; a GTIN without leading zeros, for UPC-A is EAN-13 with one (GS1 3.3.3)."""
    key = code.strip()[:LONGEST_CODE].casefold()
    return key.lstrip("0") if key.isascii() and key.isdigit() else key
