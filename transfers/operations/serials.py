"""Goods that are followed by serial number: the numbers leave with the units and arrive with them.

| act | which numbers |
| --- | --- |
| dispatch | those named; all of them when no unit stays at the origin; none when the units without a number are enough |
| receive, settle | those named; all that are on their way when no unit stays there; none when the units without a number are enough |
| … more than was sent | those named of the origin's stock |
| found again | those named; all that were given up when all turn up |
| take a receipt back | those that came with it |

Else who is at the dock is asked for the numbers: nobody can guess which units they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.actors import Actor
from core.refusals import Invalid
from inventory.models import SerialNumber, SerialState, Tracking
from inventory.operations.levels import Key, Level
from inventory.operations.serials import clean_serials, move_serials
from transfers.models import Arrival, LineSerial, SerialWay, TransferLine
from transfers.operations.locking import Locked
from transfers.states import OverReason


@dataclass(frozen=True, slots=True)
class Leaving:
    """Numbers that leave the way of a line: those that were sent with it, and those that nobody noted when they were."""

    line: TransferLine
    sent: tuple[LineSerial, ...] = ()
    unnoted: tuple[str, ...] = ()


def follows(line: TransferLine) -> bool:
    """Whether the units of a line are told apart by serial number."""
    return line.variant.tracking == Tracking.SERIAL


def send_serials(
    locked: Locked, units: Mapping[int, int], named: Mapping[int, Sequence[str]], levels: Mapping[Key, Level], *, actor: Actor, now: datetime
) -> None:  # fmt: skip
    """The numbers of `units` (line id → how many) leave the origin; the caller moves the stock afterwards. Raises Invalid
    (field `serials-<line id>`)."""
    origin = locked.transfer.origin_id
    for line in locked.lines:
        leaving = units[line.pk]
        if not leaving or not follows(line):
            continue
        there = SerialNumber.objects.filter(
            variant_id=line.variant_id, location_id=origin, state=SerialState.IN_STOCK
        ).order_by("id")
        stays = levels[(line.variant_id, origin)].on_hand - leaving
        serials = _chosen(line, list(there.values_list("serial", flat=True)), named.get(line.pk, ()), leaving, stays)
        rows = move_serials(
            variant_id=line.variant_id, serials=serials, state=SerialState.IN_TRANSIT, from_location_id=origin,
            cause=locked.transfer.subject, actor=actor, now=now,
        )  # fmt: skip
        # Numbers that were forgotten on an earlier way and came back otherwise are no longer on it.
        LineSerial.objects.filter(serial__in=rows, way=SerialWay.ON_THE_WAY).update(way=SerialWay.GIVEN_UP)
        LineSerial.objects.bulk_create(LineSerial(line=line, serial=row) for row in rows)


def _chosen(line: TransferLine, there: list[str], named: Sequence[str], units: int, stays: int) -> list[str]:
    """Which of the numbers that are there go with `units`, when so many units stay."""
    serials = clean_serials(named)
    if len(serials) > units:
        raise _wrong(line, _("{sku}: there are more serial numbers than units.").format(sku=line.variant.sku))
    if not stays:
        return there
    missing = len(there) - len(set(serials) & set(there)) - stays
    if missing > 0:
        text = ngettext(
            "{sku}: say which serial numbers these are; {n} more is needed.",
            "{sku}: say which serial numbers these are; {n} more are needed.",
            missing,
        )
        raise _wrong(line, text.format(sku=line.variant.sku, n=missing), code="serials_needed")
    return serials


def leave_the_way(
    locked: Locked, line: TransferLine, units: int, named: Sequence[str], *, over: int = 0, over_reason: str = ""
) -> Leaving:
    """Which numbers `units` of what is outstanding are, and which `over` more that were sent without being noted.

    Raises Invalid (field `serials-<line id>`). Nothing is written yet.
    """
    if not follows(line):
        return Leaving(line)
    rows = {row.serial.serial: row for row in on_the_way([line])}
    serials = clean_serials(named)
    unknown = tuple(serial for serial in serials if serial not in rows)
    if unknown and (len(unknown) > over or over_reason != OverReason.SENT_MORE):
        text = _("{serial} is not on its way with {number}.")
        raise _wrong(line, text.format(serial=unknown[0], number=locked.transfer.number))
    known = [serial for serial in serials if serial in rows]
    chosen = _chosen(line, list(rows), known, units, line.outstanding - units)
    return Leaving(line, tuple(rows[serial] for serial in chosen), unknown)


def on_the_way(lines: Iterable[TransferLine]) -> list[LineSerial]:
    """The numbers that left with these lines and are still on their way, oldest first. One statement."""
    rows = LineSerial.objects.filter(
        line__in=[line.pk for line in lines], way=SerialWay.ON_THE_WAY, serial__state=SerialState.IN_TRANSIT
    )
    return list(rows.select_related("serial").order_by("id"))


def take_unnoted(locked: Locked, leaving: Iterable[Leaving], *, actor: Actor, now: datetime) -> None:
    """Numbers that left without being noted leave the origin's stock; before the units do."""
    for one in leaving:
        move_serials(
            variant_id=one.line.variant_id, serials=one.unnoted, state=SerialState.IN_TRANSIT,
            from_location_id=locked.transfer.origin_id, cause=locked.transfer.subject, actor=actor, now=now,
        )  # fmt: skip


def put_in_stock(
    locked: Locked, one: Leaving, location_id: int, *, arrival: Arrival | None = None, actor: Actor, now: datetime
) -> None:
    """The numbers are on the shelf of a place; after the units are. Without an arrival they are back at the origin."""
    move_serials(
        variant_id=one.line.variant_id, serials=[*(row.serial.serial for row in one.sent), *one.unnoted],
        state=SerialState.IN_STOCK, location_id=location_id, from_states=[SerialState.IN_TRANSIT], cause=locked.transfer.subject,
        actor=actor, now=now,
    )  # fmt: skip
    _write(one.sent, SerialWay.ARRIVED if arrival else SerialWay.BACK, arrival)
    unnoted = SerialNumber.objects.filter(variant_id=one.line.variant_id, serial__in=one.unnoted).order_by("id")
    LineSerial.objects.bulk_create(
        LineSerial(line=one.line, serial=serial, way=SerialWay.ARRIVED, arrival=arrival, over=True)
        for serial in (unnoted if one.unnoted else ())
    )


def give_up(locked: Locked, one: Leaving, *, actor: Actor, now: datetime) -> None:
    """Units that were lost or stolen on their way."""
    move_serials(
        variant_id=one.line.variant_id, serials=[row.serial.serial for row in one.sent], state=SerialState.GONE,
        from_states=[SerialState.IN_TRANSIT], cause=locked.transfer.subject, actor=actor, now=now,
    )  # fmt: skip
    _write(one.sent, SerialWay.GIVEN_UP)


def find_given_up(
    locked: Locked, line: TransferLine, units: int, named: Sequence[str], location_id: int, *, actor: Actor, now: datetime
) -> None:  # fmt: skip
    """The numbers of units that have turned up, after these are on hand; `line` still says how many are given up."""
    if not follows(line):
        return
    lost = LineSerial.objects.filter(line=line, way=SerialWay.GIVEN_UP, serial__state=SerialState.GONE)
    rows = {row.serial.serial: row for row in lost.select_related("serial").order_by("id")}
    serials = clean_serials(named)
    if unknown := [serial for serial in serials if serial not in rows]:
        raise _wrong(line, _("{serial} was not given up here.").format(serial=unknown[0]))
    if len(serials) > units:
        raise _wrong(line, _("{sku}: there are more serial numbers than units.").format(sku=line.variant.sku))
    found = list(rows) if units == line.given_up and len(rows) <= units else serials
    move_serials(
        variant_id=line.variant_id, serials=found, state=SerialState.IN_STOCK, location_id=location_id,
        from_states=[SerialState.GONE], cause=locked.transfer.subject, actor=actor, now=now,
    )  # fmt: skip
    back = SerialWay.BACK if location_id == locked.transfer.origin_id else SerialWay.ARRIVED
    _write([rows[serial] for serial in found], back)


def take_back_serials(locked: Locked, arrival: Arrival, *, actor: Actor, now: datetime) -> list[LineSerial]:
    """The numbers of a receipt that is taken back are on their way again, before the units are; those that nobody noted when they
    left are answered, for `return_unnoted`."""
    if not follows(arrival.line):
        return []
    rows = list(arrival.serials.select_related("serial").order_by("id"))
    move_serials(
        variant_id=arrival.line.variant_id, serials=[row.serial.serial for row in rows], state=SerialState.IN_TRANSIT,
        from_location_id=locked.transfer.destination_id, cause=locked.transfer.subject, actor=actor, now=now,
    )  # fmt: skip
    _write([row for row in rows if not row.over], SerialWay.ON_THE_WAY)
    return [row for row in rows if row.over]


def return_unnoted(locked: Locked, rows: Sequence[LineSerial], *, actor: Actor, now: datetime) -> None:
    """Numbers that were never noted as sent lie at the origin again, after the units do."""
    if rows:
        move_serials(
            variant_id=rows[0].serial.variant_id, serials=[row.serial.serial for row in rows], state=SerialState.IN_STOCK,
            location_id=locked.transfer.origin_id, from_states=[SerialState.IN_TRANSIT], cause=locked.transfer.subject, actor=actor,
            now=now,
        )  # fmt: skip
        LineSerial.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _write(rows: Sequence[LineSerial], way: str, arrival: Arrival | None = None) -> None:
    if rows:
        LineSerial.objects.filter(pk__in=[row.pk for row in rows]).update(way=way, arrival=arrival)


def _wrong(line: TransferLine, message: str, *, code: str = "bad_serials") -> Invalid:
    return Invalid(code, message, field=f"serials-{line.pk}")
