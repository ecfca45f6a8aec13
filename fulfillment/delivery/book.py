"""Calendars and lanes, compiled once and kept until they change. Placing an order asks for nothing but the number of the last change,
in the statement that takes the ids of its work orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.db import connection

from fulfillment.models import (
    CarrierCalendar,
    CarrierHoliday,
    ClosedDay,
    DeliveryChange,
    FulfillmentOrder,
    Lane,
    LocationCalendar,
)
from fulfillment.promise import (
    ALWAYS,
    EVERY_DAY,
    WEEK,
    Calendar,
    Transit,
    built_in_transit,
    expected_between,
    leaving_day,
    ship_by,
)

#: Answers kept per book; a shop ships by few services to few places.
MOST_KEPT = 20_000
_IDS = """
    SELECT nextval(pg_get_serial_sequence(%s, 'id')), (SELECT max(id) FROM fulfillment_deliverychange) FROM generate_series(1, %s)
"""


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane: postal prefix, least and most working days."""

    prefix: str
    least: int
    most: int


@dataclass(slots=True)
class Book:
    """All calendars and lanes. `lanes`: (carrier, service, from, to) → its rows, the longest prefix first."""

    version: int | None = None
    places: Mapping[int | None, frozenset[int]] = field(default_factory=dict)
    closed: Mapping[int | None, frozenset[date]] = field(default_factory=dict)
    carriers: Mapping[str, tuple[frozenset[int], frozenset[int]]] = field(default_factory=dict)
    holidays: Mapping[tuple[str, str], frozenset[date]] = field(default_factory=dict)
    lanes: Mapping[tuple[str, str, str, str], list[LaneRow]] = field(default_factory=dict)
    _calendars: dict[int, Calendar] = field(default_factory=dict)
    _ranges: dict[tuple[str, str, str, str, str, date], tuple[date, date]] = field(default_factory=dict)

    def calendar_of(self, location_id: int) -> Calendar:
        """The working days of a location; every day where none are set."""
        found = self._calendars.get(location_id)
        if found is None:
            closed = self.closed.get(None, frozenset()) | self.closed.get(location_id, frozenset())
            found = Calendar(self.places.get(location_id, EVERY_DAY), closed) if closed or self.places else ALWAYS
            self._calendars[location_id] = found
        return found

    def transit(self, *, carrier: str, service: str, from_country: str, to_country: str, postal_code: str) -> Transit:
        """The lane that fits best: the carrier's before any carrier's, then the service's, then the longest postal prefix.

        Without a lane the service's usual days, counted as they come, unless the carrier has a calendar.
        """
        row = self._lane(carrier, service, from_country, to_country, _packed(postal_code))
        if row is None:
            least, most = built_in_transit(service, abroad=from_country != to_country)
        else:
            least, most = row.least, row.most
        usual = EVERY_DAY if row is None else WEEK
        pickup, delivery = self.carriers.get(carrier, (EVERY_DAY, usual))
        return Transit(
            least,
            most,
            Calendar(pickup, self._holidays(carrier, from_country)),
            Calendar(delivery, self._holidays(carrier, to_country)),
        )

    def _lane(self, carrier: str, service: str, from_country: str, to_country: str, postal: str) -> LaneRow | None:
        for key in ((carrier, service), (carrier, ""), ("", service), ("", "")):
            for row in self.lanes.get((*key, from_country, to_country), ()):
                if postal.startswith(row.prefix):
                    return row
        return None

    def _holidays(self, carrier: str, country: str) -> frozenset[date]:
        days = self.holidays
        if not days:
            return frozenset()
        none: frozenset[date] = frozenset()
        keys = {(carrier, country), (carrier, ""), ("", country), ("", "")}
        return none.union(*(days.get(key, none) for key in keys))

    def expected(
        self, leaves: date, *, carrier: str, service: str, from_country: str, to_country: str, postal_code: str = ""
    ) -> tuple[date, date]:
        """The first and last day on which a parcel should arrive that is ready on that day. Answers are kept."""
        key = (carrier, service, from_country, to_country, postal_code if self.lanes else "", leaves)
        found = self._ranges.get(key)
        if found is None:
            if len(self._ranges) >= MOST_KEPT:
                self._ranges.clear()
            transit = self.transit(
                carrier=carrier, service=service, from_country=from_country, to_country=to_country, postal_code=postal_code
            )  # fmt: skip
            found = self._ranges[key] = expected_between(leaves, transit)
        return found

    def due(
        self, now: datetime, *, location_id: int, cutoff: time | None, zone: str, handling_days: int
    ) -> tuple[datetime, date]:
        """By when work given to a location `now` should leave, and the day whose parcels it then leaves with."""
        due = ship_by(
            now, cutoff=cutoff, zone=zone, handling_days=handling_days, calendar=self.calendar_of(location_id)
        )
        return due, leaving_day(due, cutoff=cutoff, zone=zone)


_kept: list[Book] = [Book()]


def current_book() -> Book:
    """The book as it is now: one statement, and five more where it has changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM fulfillment_deliverychange", [])
        return _book_of(cursor.fetchone()[0])


def take_work_ids(count: int) -> tuple[list[int], Book]:
    """Fresh ids for work orders together with the book as it is now: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_IDS, [FulfillmentOrder._meta.db_table, count])
        rows = cursor.fetchall()
    return sorted(row[0] for row in rows), _book_of(rows[0][1] if rows else None)


def _book_of(version: int | None) -> Book:
    kept = _kept[0]
    if kept.version != version:
        kept = _kept[0] = load_book(version) if version is not None else Book()
    return kept


def load_book(version: int | None) -> Book:
    """Read everything. A change that is committed meanwhile may be in it already; its number is seen with the next order."""
    closed: dict[int | None, set[date]] = defaultdict(set)
    for place, day in ClosedDay.objects.values_list("location_id", "day"):
        closed[place].add(day)
    holidays: dict[tuple[str, str], set[date]] = defaultdict(set)
    for carrier, country, day in CarrierHoliday.objects.values_list("carrier", "country", "day"):
        holidays[carrier, country].add(day)
    lanes: dict[tuple[str, str, str, str], list[LaneRow]] = defaultdict(list)
    for lane in Lane.objects.all():
        key = (lane.carrier, lane.service, lane.from_country, lane.to_country)
        lanes[key].append(LaneRow(_packed(lane.postal_prefix), lane.min_days, lane.max_days))
    for rows in lanes.values():
        rows.sort(key=lambda row: (-len(row.prefix), row.prefix))
    return Book(
        version=version,
        places={row.location_id: frozenset(row.working_days) for row in LocationCalendar.objects.all()},
        closed={place: frozenset(days) for place, days in closed.items()},
        carriers={
            row.carrier: (frozenset(row.pickup_days), frozenset(row.delivery_days))
            for row in CarrierCalendar.objects.all()
        },
        holidays={key: frozenset(days) for key, days in holidays.items()},
        lanes=dict(lanes),
    )


def _packed(postal_code: str) -> str:
    """A postal code as prefixes are compared: upper case, without spaces and hyphens."""
    return postal_code.upper().replace(" ", "").replace("-", "")


def note_change(*, actor: str, now: datetime) -> None:
    """Calendars or lanes have changed, in the caller's transaction."""
    DeliveryChange.objects.create(actor=actor[:80], at=now)
