"""When a location can ship and when a parcel should arrive: pure functions over wall-clock times in named zones and days of calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: Until when a day's orders leave where the location names no cut-off.
END_OF_DAY = time(18, 0)
TRANSIT_DAYS = {"economy": (4, 9), "standard": (2, 6), "express": (1, 2)}  # (within a country, across a border)
#: The least days of the same, for the range that customers are told where no lane is given.
LEAST_DAYS = {"economy": (3, 6), "standard": (1, 4), "express": (1, 1)}
_MIDNIGHT = time(0)
_DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(7))
WEEK = frozenset(range(5))  # Monday to Friday


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days on which something works: its weekdays (Monday is 0), without the days it is closed.

    Raises ValueError without any weekday: it would never work.
    """

    weekdays: frozenset[int] = EVERY_DAY
    closed: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= EVERY_DAY:
            raise ValueError("a calendar works on one to seven weekdays, 0 to 6")

    def works(self, day: date) -> bool:
        """True when it works on that day."""
        return day.weekday() in self.weekdays and day not in self.closed

    def on_or_after(self, day: date) -> date:
        """The first working day that is not before this one."""
        while not self.works(day):
            day += _DAY
        return day

    def after(self, day: date, days: int) -> date:
        """The day that lies so many working days after this one, which need not be one itself. 0: the first one not before it."""
        if days <= 0:
            return self.on_or_after(day)
        for _n in range(days):
            day = self.on_or_after(day + _DAY)
        return day


ALWAYS = Calendar()


@dataclass(frozen=True, slots=True)
class Transit:
    """How long a parcel travels: from `least` to `most` days on which the carrier brings; it starts when the carrier picks up."""

    least: int
    most: int
    pickup: Calendar = ALWAYS
    delivery: Calendar = ALWAYS


def built_in_transit(service: str, *, abroad: bool) -> tuple[int, int]:
    """The least and most days of a service for which the shop has given no lane."""
    least, most = LEAST_DAYS.get(service, LEAST_DAYS["standard"]), TRANSIT_DAYS.get(service, TRANSIT_DAYS["standard"])
    return least[abroad], most[abroad]


def cutoff_of(day: date, cutoff: time, tz: ZoneInfo) -> datetime:
    """The moment at which a working day's last order is taken. Midnight is the end of the day.

    An hour that the clock shows twice ends with its second time; one that it leaves out, with what the clock shows instead. So
    whoever orders before the cut-off by any clock on the wall is in time.
    """
    if cutoff == _MIDNIGHT:
        day += _DAY
    moment = datetime.combine(day, cutoff, tzinfo=tz)
    latest = max(moment.astimezone(UTC), moment.replace(fold=1).astimezone(UTC))
    return latest.astimezone(tz)


def leaving_day(due: datetime, *, cutoff: time | None, zone: str) -> date:
    """The working day whose parcels leave with this cut-off: that of a cut-off at midnight is the day which then ends."""
    local = due.astimezone(ZoneInfo(zone))
    return local.date() - _DAY if cutoff == _MIDNIGHT else local.date()


def ship_by(
    now: datetime, *, cutoff: time | None, zone: str, handling_days: int, calendar: Calendar = ALWAYS
) -> datetime:
    """The moment by which an order taken `now` should leave: today's cut-off if it can still be met, else that of the next days.

    handling_days: 1 = the same day when taken before the cut-off. Days are the location's own working days, so a 23-hour day is one
    day and a Sunday on which nobody packs is none.
    """
    tz = ZoneInfo(zone)
    limit = END_OF_DAY if cutoff is None else cutoff
    today = now.astimezone(tz).date()
    first = calendar.on_or_after(today)
    if first == today and now.astimezone(UTC) > cutoff_of(today, limit, tz).astimezone(UTC):
        first = calendar.after(today, 1)
    return cutoff_of(calendar.after(first, max(0, handling_days - 1)), limit, tz)


def expected_between(leaves: date, transit: Transit) -> tuple[date, date]:
    """The first and the last day on which a parcel that is ready on that day should arrive."""
    picked_up = transit.pickup.on_or_after(leaves)
    return transit.delivery.after(picked_up, transit.least), transit.delivery.after(picked_up, transit.most)


def latest_hand_over(promised: date, transit: Transit, *, earliest: date) -> date | None:
    """The last day on which a parcel can be handed over and still arrive by the promised day at the latest; None when none is left.

    earliest: days before it are not looked at.
    """
    day = promised
    while day >= earliest:
        if transit.pickup.works(day) and expected_between(day, transit)[1] <= promised:
            return day
        day -= _DAY
    return None
