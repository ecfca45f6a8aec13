"""Which units were sent: the lots and serial numbers that can come back for a line of an order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from fulfillment.models import LineLot, LineSerial
from inventory.models import Tracking
from orders.models import OrderLine


@dataclass(frozen=True, slots=True)
class SentLot:
    """Units of a lot that left for an order line."""

    lot_id: int
    code: str
    expires_on: date | None
    units: int


@dataclass(slots=True)
class SentUnits:
    """What left for an order line. serials: those that have not come back. without_serial: units sent before anybody scanned them."""

    tracking: str = Tracking.NONE
    lots: list[SentLot] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)
    without_serial: int = 0

    @property
    def lot_is_open(self) -> bool:
        """True when somebody has to say of which lot a unit is."""
        return len(self.lots) > 1


def sent_units(order_line_ids: Collection[int]) -> dict[int, SentUnits]:
    """Order line id → what was sent of it, for lines whose variant is followed. One statement where none is, three at most."""
    lines = OrderLine.objects.filter(pk__in=order_line_ids).exclude(variant__tracking=Tracking.NONE)
    rows = lines.filter(variant__isnull=False).values_list("pk", "variant__tracking", "shipped")
    found = {pk: SentUnits(tracking, without_serial=shipped) for pk, tracking, shipped in rows}
    if not found:
        return found
    _add_lots({pk: sent for pk, sent in found.items() if sent.tracking == Tracking.LOT})
    _add_serials({pk: sent for pk, sent in found.items() if sent.tracking == Tracking.SERIAL})
    return found


def _add_lots(found: dict[int, SentUnits]) -> None:
    if not found:
        return
    units: dict[int, dict[int, SentLot]] = defaultdict(dict)
    rows = LineLot.objects.filter(line__order_line__in=found, line__shipped__gt=0).select_related("lot", "line")
    for row in rows.order_by("lot__expires_on", "lot_id"):
        before = units[row.line.order_line_id].get(row.lot_id)
        units[row.line.order_line_id][row.lot_id] = SentLot(
            row.lot_id, row.lot.code, row.lot.expires_on, row.quantity + (before.units if before else 0)
        )
    for pk, lots in units.items():
        found[pk].lots = list(lots.values())


def _add_serials(found: dict[int, SentUnits]) -> None:
    if not found:
        return
    rows = LineSerial.objects.filter(line__order_line__in=found, left=True).order_by("serial__serial")
    for line_id, serial, came_back in rows.values_list("line__order_line_id", "serial__serial", "came_back"):
        found[line_id].without_serial -= 1
        if not came_back:
            found[line_id].serials.append(serial)
