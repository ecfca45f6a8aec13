"""In which time zone a customer reads times."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, tzinfo

from babel.core import get_global
from babel.dates import get_timezone_location
from django.utils.translation import get_language, to_locale

from orders.models import Order


def customer_zone(order: Order) -> tzinfo:
    """The one zone of the country the order goes to; where a country has several or none is known, the channel's."""
    zones = get_global("territory_zones").get(order.ship_country, [])
    name = zones[0] if len(zones) == 1 else order.channel.time_zone
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return UTC


def zone_label(zone: tzinfo) -> str:
    """The zone as people of the active language call it, by its city: “Warsaw”, “Varşova”."""
    if zone is UTC:
        return "UTC"
    return get_timezone_location(zone, locale=to_locale(get_language() or "en"), return_city=True)
