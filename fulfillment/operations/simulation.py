"""Parcels of a demo move by themselves: what the built-in carrier reports about them when it is asked."""

from __future__ import annotations

from django.utils import timezone

from core.addresses import Address
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.carriers.simulator import simulated_updates
from fulfillment.models import Package
from fulfillment.promise import TRANSIT_DAYS


def simulated_events(tracking_number: str) -> list[TrackingUpdate] | None:
    """What has happened by now to a parcel that was handed over; None for one that never was.

    The clock is the carrier's own, as with any outside party; the parcel's way begins with its hand-over.
    """
    package = Package.objects.select_related("shipment").filter(tracking_number=tracking_number, rides=False).first()
    handed_over = package.shipment.handed_over_at if package else None
    if package is None or handed_over is None:
        return None
    shipment = package.shipment
    origin, destination = Address.from_json(shipment.ship_from), Address.from_json(shipment.ship_to)
    within, across = TRANSIT_DAYS.get(shipment.service, TRANSIT_DAYS["standard"])
    return simulated_updates(
        tracking_number=tracking_number,
        label_at=handed_over,
        transit_days=within if origin.country == destination.country else across,
        now=timezone.now(),
        origin=origin.city,
        destination=destination.city,
    )
