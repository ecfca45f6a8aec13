"""Which units come back: the lot of a returned unit, and the same serial number that was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from django.db.models import Sum
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid
from fulfillment.models import LineSerial
from inventory.models import Bucket, Lot, SerialNumber, SerialState, StockMovement, Tracking
from inventory.operations import Move
from inventory.operations.lots import tracking_of
from inventory.operations.serials import clean_serials, give_up_serials, move_serials, where_it_is
from returns.models import Return, ReturnLine
from returns.queries.sent_units import SentUnits, sent_units


def check_units(
    arrived: Sequence[tuple[ReturnLine, int]], named: dict[int, tuple[int | None, Sequence[str]]]
) -> dict[int, tuple[int | None, list[str]]]:
    """Return line id → (lot id, serial numbers) of what arrived, for lines whose units are followed.

    named: return line id → what the receiver said. Of a lot nobody named it is the one that was sent, where there is one alone.
    Raises Invalid at `lot-<id>` (`lot_needed`, `wrong_lot`) or `serials-<id>` (`serials_needed`, `wrong_serial`).
    """
    sent = sent_units([line.order_line_id for line, _units in arrived])
    checked = {}
    for line, units in arrived:
        if of_line := sent.get(line.order_line_id):
            lot_id, serials = named.get(line.pk, (None, ()))
            if of_line.tracking == Tracking.LOT:
                checked[line.pk] = (_lot_of(line, of_line, lot_id), [])
            else:
                checked[line.pk] = (None, _serials_of(line, of_line, units, serials))
    return checked


def _lot_of(line: ReturnLine, sent: SentUnits, lot_id: int | None) -> int | None:
    field = f"lot-{line.pk}"
    if lot_id is not None:
        if sent.lots and lot_id not in {lot.lot_id for lot in sent.lots}:
            raise Invalid("wrong_lot", _("This lot was not sent with the order."), field=field)
        return lot_id
    if sent.lot_is_open:
        raise Invalid("lot_needed", _("Units of more than one lot were sent: say which came back."), field=field)
    return sent.lots[0].lot_id if sent.lots else None


def _serials_of(line: ReturnLine, sent: SentUnits, units: int, serials: Sequence[str]) -> list[str]:
    field = f"serials-{line.pk}"
    try:
        clean = clean_serials(serials)
    except Invalid as refusal:
        refusal.field = field
        raise
    for serial in clean:
        if serial not in sent.serials:
            raise Invalid("wrong_serial", _why_not(line, serial), field=field, serial=serial)
    if len(clean) > units or units - len(clean) > max(0, sent.without_serial):
        raise Invalid(
            "serials_needed", _("Say the serial number of each unit that came back."), field=field, units=units
        )
    return clean


def _why_not(line: ReturnLine, serial: str) -> str:
    sku = line.order_line.sku
    unit = (
        SerialNumber.objects.select_related("location")
        .filter(variant_id=line.order_line.variant_id, serial=serial)
        .first()
    )
    if unit is None:
        return _("{sku} {serial} was never ours: it is not known.").format(sku=sku, serial=serial)
    return _("{serial} was not sent with this order, or is back already. {where}").format(
        serial=serial, where=where_it_is(unit, sku)
    )


def take_back_serials(
    request: Return,
    lines: Iterable[ReturnLine],
    checked: dict[int, tuple[int | None, list[str]]],
    location_id: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """After the stock has risen: the serial numbers that came back are in stock again."""
    for line in sorted(lines, key=lambda line: (line.order_line.variant_id or 0, line.pk)):
        _lot, serials = checked.get(line.pk, (None, []))
        if not serials:
            continue
        rows = move_serials(
            variant_id=line.order_line.variant_id or 0, serials=serials, state=SerialState.IN_STOCK, location_id=location_id,
            from_states=[SerialState.SHIPPED], cause=request.subject, actor=actor, now=now,
        )  # fmt: skip
        LineSerial.objects.filter(
            line__order_line_id=line.order_line_id, serial__in=rows, left=True, came_back=""
        ).update(came_back=f"return_line:{line.pk}")


def name_lots(moves: Sequence[Move], request: Return) -> list[Move]:
    """The moves of an inspection with the lots of what this return brought: quality control first, then what goes with it."""
    by_lot = {
        pk for pk, tracking in tracking_of({move.variant_id for move in moves}).items() if tracking == Tracking.LOT
    }
    if not by_lot:
        return list(moves)
    waiting = _waiting(request, by_lot)
    named: list[Move] = []
    shares: list[tuple[int | None, int]] = []
    for move in moves:
        if move.variant_id not in by_lot:
            named.append(move)
            continue
        sign = 1 if move.quantity > 0 else -1
        if move.bucket == Bucket.QUALITY_CONTROL:
            shares = _share(waiting[move.variant_id], abs(move.quantity))
        named += [replace(move, quantity=sign * units, lot_id=lot_id) for lot_id, units in shares]
    return named


def _waiting(request: Return, variant_ids: set[int]) -> dict[int, dict[int, int]]:
    """Variant → lot → units of this return that still lie in quality control, the earliest expiry first."""
    rows = (
        StockMovement.objects.filter(
            cause=request.subject, bucket=Bucket.QUALITY_CONTROL, variant_id__in=variant_ids, lot__isnull=False
        )
        .order_by()
        .values_list("variant_id", "lot_id")
        .annotate(units=Sum("quantity"))
    )
    dates = dict(Lot.objects.filter(pk__in={lot for _v, lot, _n in rows}).values_list("pk", "expires_on"))
    waiting: dict[int, dict[int, int]] = defaultdict(dict)
    for variant_id, lot_id, units in sorted(rows, key=lambda row: (dates[row[1]] or date.max, row[1])):
        waiting[variant_id][lot_id] = units
    return waiting


def _share(waiting: dict[int, int], units: int) -> list[tuple[int | None, int]]:
    shares: list[tuple[int | None, int]] = []
    for lot_id in list(waiting):
        taken = min(units, waiting[lot_id])
        if taken > 0:
            shares.append((lot_id, taken))
            waiting[lot_id] -= taken
            units -= taken
    return [*shares, (None, units)] if units else shares


def scrap_serials(line: ReturnLine, units: int, request: Return, *, actor: Actor, now: datetime) -> None:
    """Before scrapped units leave: they are of those that this line brought back."""
    variant_id, place = line.order_line.variant_id, request.location_id
    if variant_id is None or place is None or tracking_of([variant_id]).get(variant_id) != Tracking.SERIAL:
        return
    back = SerialNumber.objects.filter(
        pk__in=LineSerial.objects.filter(came_back=f"return_line:{line.pk}").values("serial"),
        state=SerialState.IN_STOCK, location_id=place,
    )  # fmt: skip
    give_up_serials(
        variant_id=variant_id, location_id=place, units=units, serials=list(back.order_by("id").values_list("serial", flat=True)[:units]),
        cause=request.subject, actor=actor, now=now,
    )  # fmt: skip
