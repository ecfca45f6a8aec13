"""Variants followed by lot and by serial number, with units of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from inventory.models import Location, StockLevel
from inventory.operations.lots import receive_lot, set_tracking
from inventory.operations.serials import receive_units
from tests.factories.shop import ACTOR, NOW, make_variant


def followed_units(location: Location) -> dict[str, Any]:
    """A lot and a unit with a serial number at a location, with their levels."""
    by_lot, by_serial = make_variant("MILK"), make_variant("PHONE")
    for variant, tracking in ((by_lot, "lot"), (by_serial, "serial")):
        set_tracking(variant_id=variant.pk, tracking=tracking, actor=ACTOR, now=NOW)
    lot = receive_lot(
        variant_id=by_lot.pk, location_id=location.pk, code="L-1", expires_on=NOW.date() + timedelta(days=30), units=5, key="1" * 32,
        actor=ACTOR, now=NOW,
    )  # fmt: skip
    receive_units(
        variant_id=by_serial.pk, location_id=location.pk, serials=["SN-1", "SN-2"], key="2" * 32, actor=ACTOR, now=NOW
    )
    return {
        "lot": lot,
        "lot_level": StockLevel.objects.get(variant=by_lot),
        "serial_level": StockLevel.objects.get(variant=by_serial),
        "unit": by_serial.serials.get(serial="SN-1"),
    }
