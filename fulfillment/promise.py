"""When a location can ship and when a parcel should arrive: pure functions over wall-clock times in named zones."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: Until when a day's orders leave where the location names no cut-off.
END_OF_DAY = time(18, 0)
TRANSIT_DAYS = {"economy": (4, 9), "standard": (2, 6), "express": (1, 2)}  # (within a country, across a border)


def ship_by(now: datetime, *, cutoff: time | None, zone: str, handling_days: int) -> datetime:
    """The moment by which an order taken `now` should leave: today's cut-off if it can still be met, else that of the next days.

    handling_days: 1 = the same day when taken before the cut-off. Days are the location's own, so a 23-hour day is one day.
    """
    tz = ZoneInfo(zone)
    local = now.astimezone(tz)
    limit = cutoff or END_OF_DAY
    days = max(0, handling_days - 1) + (1 if local.timetz().replace(tzinfo=None) > limit else 0)
    return datetime.combine(local.date() + timedelta(days=days), limit, tzinfo=tz)


def expected_on(leaves: datetime, *, service: str, from_country: str, to_country: str) -> date:
    """The day a parcel that leaves then should arrive, by the service's transit days."""
    within, across = TRANSIT_DAYS.get(service, TRANSIT_DAYS["standard"])
    return leaves.date() + timedelta(days=within if from_country == to_country else across)
