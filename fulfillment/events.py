"""What happened to parcels, for those who react to it (oms/subscriptions.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class FulfillmentShipped(Event):
    """A fulfillment order left its location."""

    name: ClassVar[str] = "fulfillment.shipped"
    fulfillment_order_id: int


@dataclass(frozen=True, slots=True)
class FulfillmentShort(Event):
    """Units of a fulfillment order were not found; they need another place."""

    name: ClassVar[str] = "fulfillment.short"
    fulfillment_order_id: int


@dataclass(frozen=True, slots=True)
class ShipmentDelivered(Event):
    """The last parcel of a shipment reached its customer."""

    name: ClassVar[str] = "shipment.delivered"
    shipment_id: int
