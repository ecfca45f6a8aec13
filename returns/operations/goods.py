"""Goods come back: received, inspected, or kept by the customer.

What arrives counts as on hand at once and lies in quality control until somebody has looked at it, so the ledger always says what
is in the building and nothing uninspected can be promised. Inspection then moves it on:

| disposition | moves (beside the receipt's on hand +, quality control +) | what is left |
| --- | --- | --- |
| restock | quality control − | available |
| refurbish | quality control −, damaged + | on hand, not for sale |
| quarantine | none | on hand, in quality control until counted out |
| scrap | quality control −, on hand − | nothing |
| keep it | none, and no receipt either | nothing ever came |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal
from inventory import gs1
from inventory.models import Bucket, MovementReason, Tracking
from inventory.operations import Move, apply_moves, lock_levels
from returns.events import ReturnReceived
from returns.models import Inspection, Return, ReturnLine
from returns.operations.locking import (
    Locked,
    add_to_order_lines,
    check_move,
    lock_return,
    record,
    refresh_returning,
    write_return,
)
from returns.operations.parcels import end_of_way
from returns.operations.units import check_units, name_lots, scrap_serials, take_back_serials
from returns.queries.sent_units import SentUnits, sent_units
from returns.states import Disposition


@dataclass(frozen=True, slots=True)
class Received:
    """Units of a return line that arrived; of what is followed, their lot or their serial numbers."""

    line_id: int
    quantity: int
    lot_id: int | None = None
    serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided for some received units of a return line."""

    line_id: int
    disposition: str
    quantity: int
    note: str = ""


def receive_return(
    *,
    return_id: int,
    lines: Sequence[Received],
    location_id: int | None = None,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Return:
    """Goods arrived, all or some: they are on hand and in quality control at the return's location (or the one given).

    Raises Invalid (field `quantity-<line id>`) for more than is expected, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        state = check_move(locked, "receive")
        arrived = _checked_arrivals(locked, lines)
        place = location_id or locked.request.location_id
        if place is None:
            raise Refusal("no_return_location", _("Say at which location the goods arrived."), field="location")
        followed = check_units(arrived, {item.line_id: (item.lot_id, item.serials) for item in lines})
        apply_moves(
            [
                move for line, units in arrived for move in _arrival(line, units, place, followed.get(line.pk, _OPEN)[0])
            ],
            cause=locked.request.subject, actor=actor, now=now,
        )  # fmt: skip
        take_back_serials(locked.request, [line for line, _units in arrived], followed, place, actor=actor, now=now)
        first = locked.request.received_at is None
        if first:
            end_of_way(locked.request.shipment_id, now=now)
        _count_received(locked, arrived, inspected=False)
        write_return(
            locked, state=state, location_id=place, received=sum(line.received for line in locked.lines),
            received_at=locked.request.received_at or now,
        )  # fmt: skip
        refresh_returning(locked.order, now=now)
        record(locked, "return.received", actor=actor, now=now, lines=_summary(arrived), location_id=place)
        if first:
            publish(ReturnReceived(locked.request.pk), actor=actor)
        return locked.request


def read_unit(lines: Iterable[ReturnLine], code: str, *, now: datetime) -> tuple[ReturnLine, Received] | None:
    """One unit of a return by a scanned code: SKU, barcode, GS1 element string, serial number or lot; None when it is none of it."""
    lines = list(lines)
    try:
        said = gs1.parse(code, today=now.date())
    except gs1.NotGS1:
        said = gs1.ElementString()
    sent = sent_units([line.order_line_id for line in lines])
    for line in sorted(lines, key=lambda line: line.received >= line.quantity):
        of_line = sent.get(line.order_line_id) or SentUnits()
        lot = next((lot for lot in of_line.lots if lot.code and lot.code == (said.lot or code)), None)
        if _is_code_of(line, said.gtin or code):
            serials = (said.serial,) if said.serial and of_line.tracking == Tracking.SERIAL else ()
            return line, Received(line.pk, 1, lot.lot_id if lot else None, serials)
        if lot is not None or code in of_line.serials:
            return line, Received(line.pk, 1, lot.lot_id if lot else None, () if lot else (code,))
    return None


def _is_code_of(line: ReturnLine, code: str) -> bool:
    variant = line.order_line.variant
    return bool(code) and (
        code.casefold() == line.order_line.sku.casefold()
        or bool(variant and variant.barcode and variant.barcode.lstrip("0") == code.lstrip("0"))
    )


def _checked_arrivals(locked: Locked, lines: Sequence[Received]) -> list[tuple[ReturnLine, int]]:
    arrived = []
    for item in lines:
        field = f"quantity-{item.line_id}"
        line = locked.line(item.line_id, field=field)
        left = line.quantity - line.received
        if not 0 <= item.quantity <= left:
            raise Invalid("too_many", _("At most {most} more are expected.").format(most=left), field=field, most=left)
        if item.quantity:
            arrived.append((line, item.quantity))
    if not arrived or len({line.pk for line, _units in arrived}) < len(arrived):
        raise Invalid("nothing_chosen", _("Say what has arrived."))
    return arrived


#: Units that nobody tells apart.
_OPEN: tuple[int | None, list[str]] = (None, [])


def _arrival(line: ReturnLine, units: int, location_id: int, lot_id: int | None) -> list[Move]:
    variant_id = line.order_line.variant_id
    if variant_id is None:  # sold before the SKU was known here: nothing to count it on
        return []
    return [
        Move(variant_id, location_id, bucket, units, MovementReason.RETURNED, lot_id=lot_id)
        for bucket in (Bucket.ON_HAND, Bucket.QUALITY_CONTROL)
    ]  # fmt: skip


def _count_received(locked: Locked, arrived: Sequence[tuple[ReturnLine, int]], *, inspected: bool) -> None:
    for line, units in arrived:
        line.received += units
        line.inspected += units if inspected else 0
    ReturnLine.objects.bulk_update([line for line, _units in arrived], ["received", "inspected"])
    add_to_order_lines((line.order_line_id, {"returned": units}) for line, units in arrived)


def inspect_return(
    *, return_id: int, verdicts: Sequence[Verdict], actor: Actor, now: datetime, version: int | None = None
) -> Return:
    """Decide what happens to received units; when all units of the return are decided, it is inspected.

    Raises Invalid (field `quantity-<line id>`) for more than is received and undecided, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        check_move(locked, "inspect")
        decided = _checked_verdicts(locked, verdicts)
        moves = [move for line, verdict in decided for move in _consequence(line, verdict, locked.request)]
        lock_levels((move.variant_id, move.location_id) for move in moves)
        for line, verdict in decided:
            if verdict.disposition == Disposition.SCRAP:
                scrap_serials(line, verdict.quantity, locked.request, actor=actor, now=now)
        apply_moves(name_lots(moves, locked.request), cause=locked.request.subject, actor=actor, now=now)
        _write_inspections(decided, actor=actor, now=now)
        write_return(locked, inspected=sum(line.inspected for line in locked.lines))
        summary = [
            {"sku": line.order_line.sku, "disposition": verdict.disposition, "quantity": verdict.quantity}
            for line, verdict in decided
        ]  # fmt: skip
        record(locked, "return.inspected", actor=actor, now=now, lines=summary)
        if locked.request.inspected == locked.request.units:
            write_return(locked, state=check_move(locked, "finish"))
        refresh_returning(locked.order, now=now)
        return locked.request


def _checked_verdicts(locked: Locked, verdicts: Sequence[Verdict]) -> list[tuple[ReturnLine, Verdict]]:
    decided: list[tuple[ReturnLine, Verdict]] = []
    for verdict in verdicts:
        field = f"quantity-{verdict.line_id}"
        line = locked.line(verdict.line_id, field=field)
        if verdict.disposition not in Disposition.values or verdict.disposition == Disposition.KEEP_IT:
            raise Invalid("bad_disposition", _("Choose what happens to it."), field=field)
        left = line.received - line.inspected
        if not 0 <= verdict.quantity <= left:
            raise Invalid("too_many", _("Only {most} are left to inspect.").format(most=left), field=field, most=left)
        if verdict.quantity:
            line.inspected += verdict.quantity
            decided.append((line, verdict))
    if not decided:
        raise Invalid("nothing_chosen", _("Say what happens to at least one unit."))
    return decided


def _consequence(line: ReturnLine, verdict: Verdict, request: Return) -> list[Move]:
    variant_id, location_id = line.order_line.variant_id, request.location_id
    if variant_id is None or location_id is None:
        return []

    def move(bucket: str, sign: int, reason: str) -> Move:
        return Move(variant_id, location_id, bucket, sign * verdict.quantity, reason, verdict.note)

    match verdict.disposition:
        case Disposition.RESTOCK:
            return [move(Bucket.QUALITY_CONTROL, -1, MovementReason.INSPECTED)]
        case Disposition.REFURBISH:
            return [
                move(Bucket.QUALITY_CONTROL, -1, MovementReason.INSPECTED),
                move(Bucket.DAMAGED, +1, MovementReason.INSPECTED),
            ]
        case Disposition.SCRAP:
            return [
                move(Bucket.QUALITY_CONTROL, -1, MovementReason.SCRAPPED),
                move(Bucket.ON_HAND, -1, MovementReason.SCRAPPED),
            ]
        case _:  # quarantine: it stays where it is
            return []


def _write_inspections(decided: Sequence[tuple[ReturnLine, Verdict]], *, actor: Actor, now: datetime) -> None:
    ReturnLine.objects.bulk_update({line.pk: line for line, _verdict in decided}.values(), ["inspected"])
    Inspection.objects.bulk_create(
        Inspection(
            line=line,
            disposition=verdict.disposition,
            quantity=verdict.quantity,
            note=verdict.note.replace("\x00", "").strip()[:200],
            actor=actor.ref,
            at=now,
        )
        for line, verdict in decided
    )


def keep_goods(
    *, return_id: int, lines: Mapping[int, int] | None = None, actor: Actor, now: datetime, version: int | None = None
) -> Return:
    """Let the customer keep units that have not arrived (return line id → units; all of them when left out): no stock moves."""
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        units = lines if lines is not None else {line.pk: line.quantity - line.received for line in locked.lines}
        keep_locked(locked, units, actor=actor, now=now)
        refresh_returning(locked.order, now=now)
        return locked.request


def keep_locked(locked: Locked, units: Mapping[int, int], *, actor: Actor, now: datetime) -> None:
    """Settle units of a locked return as kept by the customer; the caller refreshes the order afterwards.

    They count as returned: they were asked back and are dealt with, so nobody can ask for them again.
    """
    state = check_move(locked, "keep")
    kept = _checked_arrivals(locked, [Received(line_id, quantity) for line_id, quantity in units.items()])
    _count_received(locked, kept, inspected=True)
    Inspection.objects.bulk_create(
        Inspection(line=line, disposition=Disposition.KEEP_IT, quantity=quantity, actor=actor.ref, at=now)
        for line, quantity in kept
    )
    write_return(
        locked,
        state=state,
        received=sum(line.received for line in locked.lines),
        inspected=sum(line.inspected for line in locked.lines),
    )
    record(locked, "return.kept", actor=actor, now=now, lines=_summary(kept))
    if locked.request.inspected == locked.request.units:
        write_return(locked, state=check_move(locked, "finish"))


def finish_inspection(*, return_id: int, actor: Actor, now: datetime, version: int | None = None) -> Return:
    """Nothing more will come: units that never arrived are no longer asked back, and what is inspected can be settled.

    Raises Refusal `wrong_state`, also while something that arrived is not inspected.
    """
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        state = check_move(locked, "finish")
        missing = [
            (line.order_line_id, line.quantity - line.received)
            for line in locked.lines
            if line.received < line.quantity
        ]
        add_to_order_lines((line_id, {"return_requested": -units}) for line_id, units in missing)
        write_return(locked, state=state)
        refresh_returning(locked.order, now=now)
        record(locked, "return.finished", actor=actor, now=now, missing=sum(units for _line, units in missing))
        return locked.request


def _summary(units: Sequence[tuple[ReturnLine, int]]) -> list[dict[str, object]]:
    return [{"sku": line.order_line.sku, "quantity": quantity} for line, quantity in units]
