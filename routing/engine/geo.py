"""Distances on the globe.

Haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky & Telescope 68, 1984):

    h = sin²(Δφ/2) + cos φ₁ · cos φ₂ · sin²(Δλ/2)        d = 2R · asin √h

For places kept as unit vectors u and v, h = (1 − u·v) / 2, which needs no trigonometry per pair but the arcsine; the
rounding error of this form stays below a metre. R is the mean radius R₁ of the IUGG (H. Moritz, "Geodetic Reference System
1980", Bulletin géodésique 54, 1980). A sphere is within 0.6 % of the ellipsoid, enough to say who is nearer.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, isfinite, pi, radians, sin, sqrt

EARTH_RADIUS_KM = 6371.0088
MAX_DISTANCE_KM = pi * EARTH_RADIUS_KM

# A trace less than 1/2, so that h stays within 0..1 whatever the rounding of u·v; it moves no place by a metre.
_HALF = 0.5 - 2e-15

Vector = tuple[float, float, float]


def unit_vector(lat: float, lon: float) -> Vector:
    """The place at ``lat``, ``lon`` (degrees) on the unit sphere. Raises ValueError where they are not numbers."""
    phi, lam = radians(lat), radians(lon)
    if not (isfinite(phi) and isfinite(lam)):
        raise ValueError(f"not a place on Earth: latitude {lat}, longitude {lon}")
    flat = cos(phi)
    return flat * cos(lam), flat * sin(lam), sin(phi)


def distances(origin: Vector, places: Iterable[Vector | None], scale: float) -> list[float | None]:
    """Half the central angle times ``scale`` for each place seen from ``origin``; None where the place is unknown.

    With ``scale`` 2R it is the distance.
    """
    x, y, z = origin
    return [None if v is None else asin(sqrt(0.5 - _HALF * (x * v[0] + y * v[1] + z * v[2]))) * scale for v in places]


def distance_km(a: Vector, b: Vector) -> float:
    """Great-circle distance of two places in km."""
    return distances(a, (b,), 2.0 * EARTH_RADIUS_KM)[0] or 0.0
