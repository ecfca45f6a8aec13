"""Where lots and serial numbers went: the parcels they are in, and what is in a parcel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import DateField, QuerySet, Value

from fulfillment.models import FulfillmentLine, LineLot, LineSerial
from inventory.models import Tracking


@dataclass(frozen=True, slots=True)
class UnitsOf:
    """Units of one lot in a parcel."""

    lot_id: int
    code: str
    expires_on: date | None
    units: int


@dataclass(slots=True)
class Contents:
    """What of a line is told apart: its lots, and its serial numbers as (id, serial)."""

    lots: list[UnitsOf] = field(default_factory=list)
    serials: list[tuple[int, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lots or self.serials)


def contents_of(lines: Iterable[FulfillmentLine]) -> dict[int, Contents]:
    """Fulfillment line id → its lots and serial numbers. One statement; none when there is no line."""
    ids = [line.pk for line in lines]
    found: dict[int, Contents] = defaultdict(Contents)
    if not ids:
        return found
    blank = Value(None, output_field=DateField())
    lots = LineLot.objects.filter(line__in=ids).values_list("line", "lot", "lot__code", "lot__expires_on", "quantity")
    serials = LineSerial.objects.filter(line__in=ids).values_list("line", "serial", "serial__serial", blank, Value(0))
    rows = sorted(lots.union(serials, all=True), key=lambda row: (row[3] or date.max, row[2], row[1]))
    for line_id, pk, name, expires_on, units in rows:
        if units:
            found[line_id].lots.append(UnitsOf(pk, name, expires_on, units))
        else:
            found[line_id].serials.append((pk, name))
    return found


def parcels_of_lot(lot_id: int) -> QuerySet[LineLot]:
    """Units of a lot in parcels, with order and work order; the newest first."""
    return (
        LineLot.objects.filter(lot=lot_id)
        .select_related("line__fulfillment_order__location", "line__order_line__order")
        .order_by("-line__fulfillment_order_id", "-id")
    )


def parcels_of_serial(serial_id: int) -> QuerySet[LineSerial]:
    """Parcels that a unit was in, the newest first."""
    return (
        LineSerial.objects.filter(serial=serial_id)
        .select_related("line__fulfillment_order__location", "line__order_line__order")
        .order_by("-id")
    )


def is_followed(line: FulfillmentLine) -> bool:
    """True for a line whose units are told apart."""
    variant = line.order_line.variant
    return variant is not None and variant.tracking != Tracking.NONE
