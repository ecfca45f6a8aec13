"""What we have and where: the catalogue, locations, stock levels with their ledger, lots and serial numbers."""

from inventory.models.catalog import BundleComponent, Product, Tracking, Variant
from inventory.models.locations import Location, LocationDay, LocationKind
from inventory.models.lots import Lot, LotLevel, SerialNumber, SerialState
from inventory.models.stock import (
    Bucket,
    ChangedLevel,
    MovementReason,
    ReorderPolicy,
    Reservation,
    StockLevel,
    StockMovement,
    StockSnapshot,
)

__all__ = [
    "Bucket",
    "BundleComponent",
    "ChangedLevel",
    "Location",
    "LocationDay",
    "LocationKind",
    "Lot",
    "LotLevel",
    "MovementReason",
    "Product",
    "ReorderPolicy",
    "Reservation",
    "SerialNumber",
    "SerialState",
    "StockLevel",
    "StockMovement",
    "StockSnapshot",
    "Tracking",
    "Variant",
]
