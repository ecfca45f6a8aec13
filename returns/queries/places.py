"""Where a parcel should go back to: the nearest location that takes returns."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from core.geo import Point, locate
from fulfillment.models import FulfillmentOrder
from inventory.models import Location
from orders.models import Order

EARTH_RADIUS_KM = 6371.0088


def nearest_location(order: Order) -> Location | None:
    """The active location that accepts returns and is nearest to the customer; ties go to the better rank.

    Where the customer's place or all coordinates are unknown: the location that shipped, if it accepts returns, else the best
    ranked one in the customer's country, else the best ranked one. None when no location accepts returns.
    """
    accepting = list(Location.objects.filter(active=True, accepts_returns=True).order_by("rank", "id"))
    (here,) = locate([order.ship_to])
    placed = [(point, location) for location in accepting if (point := point_of(location))]
    if here and placed:
        return min(placed, key=lambda pair: distance_km(here, pair[0]))[1]
    shipped_from = set(
        FulfillmentOrder.objects.filter(order=order, shipped_at__isnull=False).values_list("location_id", flat=True)
    )
    preferred = sorted(accepting, key=lambda at: (at.pk not in shipped_from, at.country != order.ship_country))
    return preferred[0] if preferred else None


def point_of(location: Location) -> Point | None:
    """Latitude and longitude of a location in degrees, where it has both."""
    if location.latitude is None or location.longitude is None:
        return None
    return location.latitude, location.longitude


def distance_km(a: Point, b: Point) -> float:
    """Great-circle distance of two points in degrees, by the haversine formula (Sinnott, Sky & Telescope 68, 1984)."""
    (lat1, lon1), (lat2, lon2) = ((radians(lat), radians(lon)) for lat, lon in (a, b))
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(h)))
