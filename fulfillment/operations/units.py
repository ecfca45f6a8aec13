"""Which units they are: the lots and serial numbers of what is picked, packed and shipped.

For a variant followed by lot every picked unit is of a lot (`LineLot`): of the scanned one, else of the earliest expiry. For one
followed by serial number every unit is scanned into its parcel (`LineSerial`). Lines of other variants ask for nothing here and cost
no statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from fulfillment.models import FulfillmentLine, LineLot, LineSerial
from fulfillment.operations.scanning import code_key, find_line
from fulfillment.operations.work import Work
from inventory import gs1
from inventory.models import Lot, LotLevel, MovementReason, SerialNumber, SerialState, Tracking
from inventory.operations import Move, apply_moves, lock_levels
from inventory.operations.levels import Key
from inventory.operations.lot_keeping import local_days
from inventory.operations.lots import find_or_add_lot, pick_lot_units, put_back_lot_units, set_level_aside
from inventory.operations.serials import give_up_serials, move_serials, receive_serials, where_it_is


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a code means here: the line, and where the code says so its lot (code, expiry) or serial number."""

    line: FulfillmentLine
    lot: str = ""
    expires_on: date | None = None
    serial: str = ""


def tracking_of_line(line: FulfillmentLine) -> str:
    """How the units of a line are followed."""
    variant = line.order_line.variant
    return Tracking.NONE if variant is None else variant.tracking


def read_code(work: Work, code: str, counter: str, *, now: datetime) -> Scanned:
    """From a scanned code to the line it means: SKU or barcode, a GS1 element string, a lot or a serial number.

    Raises Refusal as `find_line` does.
    """
    try:
        return Scanned(find_line(work.lines, code, counter))
    except Refusal as refusal:
        if refusal.code != "wrong_item":
            raise
        found = _read_gs1(work, code, counter, now=now) or _read_unit(work, code, counter)
        if found is None:
            raise
        return found


def _read_gs1(work: Work, code: str, counter: str, *, now: datetime) -> Scanned | None:
    try:
        said = gs1.parse(code, today=now.date())
    except gs1.NotGS1:
        return None
    if not said.gtin:
        return None
    return Scanned(find_line(work.lines, said.gtin, counter), said.lot, said.last_day, said.serial)


def _read_unit(work: Work, code: str, counter: str) -> Scanned | None:
    """A lot or serial number by itself, of what is in this work order."""
    wanted, key = code.strip(), code_key(code)
    by_variant: dict[int, list[FulfillmentLine]] = defaultdict(list)
    for line in work.lines:
        if tracking_of_line(line) != Tracking.NONE:
            by_variant[line.order_line.variant_id or 0].append(line)
    if not by_variant or len(wanted) > 60:
        return None
    place = work.fulfillment_order.location_id
    lots = LotLevel.objects.filter(lot__variant__in=by_variant, location=place, on_hand__gt=0).exclude(lot__code="")
    for variant_id, lot_code in lots.order_by("lot_id").values_list("lot__variant_id", "lot__code"):
        if code_key(lot_code) == key:
            return Scanned(_first_open(by_variant[variant_id], counter), lot_code)
    serial = SerialNumber.objects.filter(variant__in=by_variant, serial=wanted).order_by("id").first()
    if serial is not None:
        return Scanned(_first_open(by_variant[serial.variant_id], counter), serial=serial.serial)
    return None


def _first_open(lines: Sequence[FulfillmentLine], counter: str) -> FulfillmentLine:
    return find_line(lines, lines[0].order_line.sku, counter)


# ---- lots ------------------------------------------------------------------------------------------------------------


def take_scanned_lot(work: Work, scanned: Scanned, counter: str, *, actor: Actor, now: datetime) -> str:
    """Note the lot of one unit that is about to be counted; a warning where another one should have gone first.

    While packing, the unit may be picked already: then the scanned lot takes the place of one that was only assumed.
    Raises Refusal `lot_expired`, `lot_is_short`.
    """
    line = scanned.line
    if not scanned.lot or tracking_of_line(line) != Tracking.LOT:
        return ""
    taken = {row.lot.code: row for row in line_lots([line])[line.pk]}
    expected = taken.get(scanned.lot)
    already_picked = counter == "packed" and line.packed < line.picked
    if already_picked and expected is not None and expected.packed < expected.quantity:
        _pack_of(expected, 1)
        return ""
    lot = find_or_add_lot(
        variant_id=line.order_line.variant_id or 0, code=scanned.lot, expires_on=scanned.expires_on, actor=actor, now=now
    )  # fmt: skip
    lock_stock(work)
    _name_unit(work, line, lot, actor=actor, now=now)
    before = _earlier_than(work, line, lot, now=now)
    if already_picked:
        _put_back(work, line, 1)
    _take(work, line, 1, lot_id=lot.pk, packed=int(counter == "packed"), now=now)
    if not before:
        return ""
    return _("Lot {lot} is taken, though {earlier} expires first.").format(lot=lot.code, earlier=before)


def record_lots(work: Work, *, now: datetime) -> None:
    """Every unit that is counted as picked or packed and has no lot yet gets the one that expires first."""
    lines = [line for line in work.lines if tracking_of_line(line) == Tracking.LOT and line.picked]
    if not lines:
        return
    found = line_lots(lines)
    missing = {
        line: units for line in lines if (units := line.picked - sum(row.quantity for row in found[line.pk])) > 0
    }
    if missing:
        lock_stock(work)
        for line, units in missing.items():
            _take(work, line, units, now=now)
        found = line_lots(lines)
    for line in lines:
        unpacked = line.packed - sum(row.packed for row in found[line.pk])
        for row in found[line.pk]:
            share = min(unpacked, row.quantity - row.packed)
            if share > 0:
                _pack_of(row, share)
                unpacked -= share


def forget_packed(lines: Iterable[FulfillmentLine]) -> None:
    """The parcel is emptied: nothing of these lines is packed any more; lots stay picked, serial numbers are free again."""
    followed = [line for line in lines if tracking_of_line(line) != Tracking.NONE]
    if followed:
        LineLot.objects.filter(line__in=followed).update(packed=0)
        packed = LineSerial.objects.filter(line__in=followed, left=False)
        SerialNumber.objects.filter(pk__in=packed.values("serial")).update(picked=False)
        packed.delete()


def line_lots(lines: Sequence[FulfillmentLine]) -> dict[int, list[LineLot]]:
    """Line id → its lots, what expires first before the others. One statement."""
    found: dict[int, list[LineLot]] = {line.pk: [] for line in lines}
    rows = LineLot.objects.filter(line__in=lines).select_related("lot")
    for row in sorted(rows, key=lambda row: (row.lot.expires_on or date.max, row.lot_id)):
        found[row.line_id].append(row)
    return found


def _take(
    work: Work, line: FulfillmentLine, units: int, *, lot_id: int | None = None, packed: int = 0, now: datetime
) -> None:
    taken = pick_lot_units(
        variant_id=line.order_line.variant_id or 0, location_id=work.fulfillment_order.location_id, units=units, lot_id=lot_id, now=now
    )  # fmt: skip
    rows = {row.lot_id: row for row in LineLot.objects.filter(line=line)}
    for lot, share in taken:
        row = rows.get(lot)
        if row is None:
            LineLot.objects.create(line=line, lot_id=lot, quantity=share, packed=packed)
        else:
            row.quantity += share
            row.packed += packed
            row.save(update_fields=["quantity", "packed"])


def _pack_of(row: LineLot, units: int) -> None:
    row.packed += units
    row.save(update_fields=["packed"])


def _put_back(work: Work, line: FulfillmentLine, units: int) -> dict[int, int]:
    """Give up picked units that are not packed, what expires last first; lot id → units."""
    back: dict[int, int] = {}
    for row in reversed(line_lots([line])[line.pk]):
        share = min(units, row.quantity - row.packed)
        if share <= 0:
            continue
        units -= share
        back[row.lot_id] = share
        row.quantity -= share
        if row.quantity:
            row.save(update_fields=["quantity"])
        else:
            row.delete()
    put_back_lot_units(
        variant_id=line.order_line.variant_id or 0, location_id=work.fulfillment_order.location_id, lots=back
    )
    return back


def _name_unit(work: Work, line: FulfillmentLine, lot: Lot, *, actor: Actor, now: datetime) -> None:
    """Where the scanned lot has no unit left here but one came without a lot, it is that one: somebody has read its lot now."""
    variant_id, place = line.order_line.variant_id or 0, work.fulfillment_order.location_id
    rows = LotLevel.objects.filter(lot__variant=variant_id, location=place).select_related("lot")
    free = {row.lot.code: _free(row) for row in rows}
    if free.get(lot.code, 0) < 1 <= free.get("", 0):
        unnamed = Lot.objects.get(variant_id=variant_id, code="")
        moves = [
            Move(variant_id, place, "on_hand", -1, MovementReason.CORRECTION, lot_id=unnamed.pk),
            Move(variant_id, place, "on_hand", 1, MovementReason.CORRECTION, lot_id=lot.pk),
        ]
        apply_moves(moves, cause=work.fulfillment_order.subject, actor=actor, now=now)


def lock_stock(work: Work) -> None:
    """Lock all stock that the work order is of, at once and in order, so that whatever follows in the transaction finds it locked."""
    place = work.fulfillment_order.location_id
    lock_levels((line.order_line.variant_id, place) for line in work.lines if line.order_line.variant_id is not None)


def _free(row: LotLevel) -> int:
    return row.on_hand - row.damaged - row.quality_control - row.picked


def _earlier_than(work: Work, line: FulfillmentLine, lot: Lot, *, now: datetime) -> str:
    """The code of a lot on the shelf here that expires before this one and may still be shipped; empty when there is none."""
    place, variant = work.fulfillment_order.location_id, line.order_line.variant
    if variant is None:
        return ""
    today = local_days([place], now=now)[place]
    rows = (
        LotLevel.objects.filter(lot__variant=variant, location=place, lot__expires_on__isnull=False)
        .select_related("lot")
        .order_by("lot__expires_on", "lot_id")
    )
    for row in rows:
        days_left = (row.lot.expires_on - today).days
        sooner = lot.expires_on is None or row.lot.expires_on < lot.expires_on
        if sooner and days_left >= variant.min_remaining_days and _free(row) > 0:
            return row.lot.code
    return ""


# ---- serial numbers --------------------------------------------------------------------------------------------------


def pack_serial(work: Work, scanned: Scanned, *, actor: Actor, now: datetime) -> None:
    """Put the unit with this serial number into the parcel.

    Raises Refusal `serial_needed` (the code names no unit), `serial_elsewhere` (where it is), `serial_packed` (in which parcel).
    """
    line, place = scanned.line, work.fulfillment_order.location_id
    if tracking_of_line(line) != Tracking.SERIAL:
        return
    if not scanned.serial:
        raise Refusal(
            "serial_needed",
            _("{sku}: scan the serial number of the unit.").format(sku=line.order_line.sku),
            field="code",
        )
    unit = _unit(work, scanned, actor=actor, now=now)
    if unit.state != SerialState.IN_STOCK or unit.location_id != place:
        raise Refusal("serial_elsewhere", where_it_is(unit, line.order_line.sku), field="code")
    other = LineSerial.objects.filter(serial=unit, left=False).select_related("line__fulfillment_order").first()
    if other is not None:
        raise _packed_already(unit, other)
    try:
        with transaction.atomic():
            LineSerial.objects.create(line=line, serial=unit)
            SerialNumber.objects.filter(pk=unit.pk).update(picked=True)
    except IntegrityError:
        raise _packed_already(unit, None) from None


def _unit(work: Work, scanned: Scanned, *, actor: Actor, now: datetime) -> SerialNumber:
    """The unit, locked. One that a GS1 code names and nobody knows is registered, when a unit here has no serial number yet."""
    line, place = scanned.line, work.fulfillment_order.location_id
    variant_id = line.order_line.variant_id or 0
    lock_stock(work)
    unit = (
        SerialNumber.objects.select_for_update(of=("self",), no_key=True)
        .select_related("location")
        .filter(variant=variant_id, serial=scanned.serial)
        .first()
    )
    if unit is not None:
        return unit
    return receive_serials(
        variant_id=variant_id, location_id=place, serials=[scanned.serial], cause=work.fulfillment_order.subject, actor=actor, now=now
    )[0]  # fmt: skip


def _packed_already(unit: SerialNumber, other: LineSerial | None) -> Refusal:
    number = other.line.fulfillment_order.number if other else _("another parcel")
    return Refusal(
        "serial_packed",
        _("{serial} is packed already, in {number}.").format(serial=unit.serial, number=number),
        field="code",
    )


def refuse_unscanned(lines: Iterable[FulfillmentLine]) -> None:
    """Units followed by serial number are scanned one by one: stop a hand that counts them at once. Raises `serials_needed`."""
    for line in lines:
        if tracking_of_line(line) == Tracking.SERIAL and line.packed < line.quantity:
            raise Refusal(
                "serials_needed",
                _("{sku}: scan the serial number of each unit into the parcel.").format(sku=line.order_line.sku),
                field="code",
            )


# ---- leaving ---------------------------------------------------------------------------------------------------------


def units_leave(work: Work, *, actor: Actor, now: datetime) -> dict[Key, dict[int, int]]:
    """Before the stock of a parcel moves: its serial numbers are shipped; answers the lots that leave, for `ship`."""
    followed = [line for line in work.lines if tracking_of_line(line) != Tracking.NONE]
    if not followed:
        return {}
    place, cause = work.fulfillment_order.location_id, work.fulfillment_order.subject
    lock_stock(work)
    lots: dict[Key, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    record_lots(work, now=now)
    by_lot = [line for line in followed if tracking_of_line(line) == Tracking.LOT]
    for row in LineLot.objects.filter(line__in=by_lot).order_by("lot_id"):
        lots[(work.line(row.line_id).order_line.variant_id or 0, place)][row.lot_id] += row.quantity
    serials: dict[int, list[str]] = defaultdict(list)
    packed = LineSerial.objects.filter(line__in=followed, left=False).select_related("serial").order_by("serial_id")
    for packed_unit in packed:
        serials[packed_unit.serial.variant_id].append(packed_unit.serial.serial)
    for variant_id, numbers in sorted(serials.items()):
        move_serials(
            variant_id=variant_id, serials=numbers, state=SerialState.SHIPPED, from_location_id=place, from_parcel=True, cause=cause, actor=actor, now=now
        )  # fmt: skip
    packed.update(left=True)
    return {key: dict(units) for key, units in lots.items()}


def units_missing(
    work: Work, line: FulfillmentLine, units: int, picked: int, *, actor: Actor, now: datetime
) -> list[Move]:
    """Before missing units of a line leave on hand: which they are, as moves; `picked` of them were counted as picked.

    Units of lots that may not be shipped any more are not lost: they are set aside, and only the promise ends. The caller has
    released the reservations.
    """
    variant_id, found = line.order_line.variant_id or 0, work.fulfillment_order
    note = _("Not found for {number}").format(number=found.number)
    tracking, place = tracking_of_line(line), found.location_id
    if tracking == Tracking.LOT:
        named = _put_back(work, line, picked)
        return _lost_by_lot((variant_id, place), named, units - sum(named.values()), note, actor=actor, now=now)
    if tracking == Tracking.SERIAL:
        give_up_serials(
            variant_id=variant_id, location_id=place, units=units, cause=found.subject, actor=actor, now=now
        )
    return [Move(variant_id, place, "on_hand", -units, MovementReason.LOST, note)]


def _lost_by_lot(
    key: Key, named: Mapping[int, int], others: int, note: str, *, actor: Actor, now: datetime
) -> list[Move]:
    """Units that are lost: of the named lots (lot id → units), and `others` of whichever; no more than can still be promised."""
    set_level_aside(key, actor=actor, now=now)
    level = lock_levels([key])[key]
    spare = level.on_hand - level.reserved - level.damaged - level.quality_control
    free = {row.lot_id: max(0, _free(row)) for row in LotLevel.objects.filter(lot__variant=key[0], location=key[1])}
    moves = []
    wanted = [*named.items(), (None, others)]
    for lot_id, units in wanted:
        lost = min(units, spare, sum(free.values()) if lot_id is None else free.get(lot_id, 0))
        spare -= lost
        if lot_id is not None:
            free[lot_id] = free.get(lot_id, 0) - lost
        moves.append(Move(*key, "on_hand", -lost, MovementReason.LOST, note, lot_id))
    return moves
