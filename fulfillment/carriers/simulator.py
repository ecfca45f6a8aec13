"""What would have happened to a parcel by now: events for demos, the same for the same parcel however often asked.

All chance comes from a hash of the tracking number, so nothing is stored and nothing needs a clock of its own.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from .base import TrackingUpdate
from .tracking import DELIVERED, EXCEPTION, IN_TRANSIT, LABEL_PURCHASED, OUT_FOR_DELIVERY

EXCEPTION_PERCENT = 4
_BOUGHT = gettext_noop("Label created, waiting for the parcel")
_ACCEPTED = gettext_noop("Accepted by the carrier")
_DEPARTED = gettext_noop("Departed from the sorting centre")
_ARRIVED = gettext_noop("Arrived at the delivery depot")
_ON_VEHICLE = gettext_noop("Out for delivery")
_HANDED_OVER = gettext_noop("Delivered")
_PROBLEMS = (
    gettext_noop("Nobody was at home, a new attempt follows on the next day"),
    gettext_noop("The address could not be found, it is being checked"),
    gettext_noop("The parcel was delayed in transit"),
)


def simulated_updates(
    *,
    tracking_number: str,
    label_at: datetime,
    transit_days: int,
    now: datetime,
    origin: str = "",
    destination: str = "",
) -> list[TrackingUpdate]:
    """The events up to `now` of a parcel whose label was bought at `label_at`, oldest first.

    It is accepted within a working day, is out for delivery `transit_days` later and delivered some hours after that; of
    a hundred parcels four meet a problem first and come a day later. `origin` and `destination` are place names. Both
    times must be aware, or both naive; the delivery tour starts in the morning of `label_at`'s own time zone.
    """
    dice = _Dice(tracking_number)
    accepted = label_at + dice.minutes(2 * 60, 20 * 60)
    departed = accepted + dice.minutes(3 * 60, 9 * 60)
    delivery_day = departed + timedelta(days=max(transit_days, 1))
    on_vehicle = delivery_day.replace(hour=7, minute=0, second=0, microsecond=0) + dice.minutes(0, 120)
    arrived = on_vehicle - dice.minutes(60, 180)
    events = [
        TrackingUpdate(LABEL_PURCHASED, label_at, _BOUGHT, origin),
        TrackingUpdate(IN_TRANSIT, accepted, _ACCEPTED, origin),
        TrackingUpdate(IN_TRANSIT, departed, _DEPARTED, origin),
        TrackingUpdate(IN_TRANSIT, arrived, _ARRIVED, destination),
        TrackingUpdate(OUT_FOR_DELIVERY, on_vehicle, _ON_VEHICLE, destination),
    ]
    if dice.roll(100) < EXCEPTION_PERCENT:
        problem = _PROBLEMS[dice.roll(len(_PROBLEMS))]
        events.append(TrackingUpdate(EXCEPTION, on_vehicle + dice.minutes(60, 300), problem, destination))
        on_vehicle += timedelta(days=1)
        events.append(TrackingUpdate(OUT_FOR_DELIVERY, on_vehicle, _ON_VEHICLE, destination))
    events.append(TrackingUpdate(DELIVERED, on_vehicle + dice.minutes(60, 480), _HANDED_OVER, destination))
    return [event for event in events if event.at <= now]


class _Dice:
    """Numbers that depend on a text and on how many were drawn before; SHA-256 in counter mode."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._drawn = 0

    def roll(self, sides: int) -> int:
        """0 to sides − 1."""
        self._drawn += 1
        digest = hashlib.sha256(f"{self._seed}\0{self._drawn}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % sides

    def minutes(self, least: int, most: int) -> timedelta:
        """A duration of whole minutes between two bounds."""
        return timedelta(minutes=least + self.roll(most - least + 1))
