"""When parcels leave and arrive: arithmetic of days, cut-offs and clocks that change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fulfillment.delivery.book import Book, LaneRow
from fulfillment.promise import (
    ALWAYS,
    WEEK,
    Calendar,
    Transit,
    expected_between,
    latest_hand_over,
    leaving_day,
    ship_by,
)

#: The machine may be busy; what is checked does not depend on time.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BERLIN = "Europe/Berlin"
WEEKDAYS = Calendar(WEEK)


def berlin(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(BERLIN), fold=fold)  # type: ignore[misc,arg-type]


def due(now: datetime, *, cutoff: time | None = time(14), days: int = 1, calendar: Calendar = ALWAYS, zone: str = BERLIN) -> datetime:  # fmt: skip
    return ship_by(now, cutoff=cutoff, zone=zone, handling_days=days, calendar=calendar)


days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
calendars = st.builds(
    Calendar,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=20),
)
transits = st.builds(
    lambda least, more, pickup, delivery: Transit(least, least + more, pickup, delivery),
    st.integers(0, 6), st.integers(0, 6), calendars, calendars,
)  # fmt: skip
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy wants them so


class TestCalendar:
    @CALM
    @given(calendars, days, st.integers(0, 15))
    def test_so_many_working_days_lie_after(self, calendar: Calendar, day: date, count: int) -> None:
        found = calendar.after(day, count)
        assert calendar.works(found)
        between = [day + timedelta(n) for n in range(1, (found - day).days + 1)]
        if count:
            assert sum(map(calendar.works, between)) == count
        else:
            assert found == calendar.on_or_after(day)

    def test_one_that_never_works_is_refused(self) -> None:
        with pytest.raises(ValueError, match="weekdays"):
            Calendar(frozenset())


class TestShipBy:
    def test_before_the_cutoff_today_after_it_tomorrow(self) -> None:
        assert due(berlin(2026, 11, 24, 14, 0)) == berlin(2026, 11, 24, 14)
        assert due(berlin(2026, 11, 24, 14, 0, 1)) == berlin(2026, 11, 25, 14)

    def test_a_weekend_and_a_holiday_are_no_days(self) -> None:
        closed = Calendar(WEEK, frozenset({date(2026, 11, 30)}))
        assert due(berlin(2026, 11, 27, 15), calendar=closed) == berlin(2026, 12, 1, 14)
        assert due(berlin(2026, 11, 28, 9), calendar=closed) == berlin(2026, 12, 1, 14), (
            "Saturday's cut-off is nobody's"
        )
        assert due(berlin(2026, 11, 27, 9), calendar=closed, days=2) == berlin(2026, 12, 1, 14)

    def test_midnight_is_the_end_of_the_day(self) -> None:
        moment = due(berlin(2026, 11, 24, 10), cutoff=time(0))
        assert moment == berlin(2026, 11, 25)
        assert leaving_day(moment, cutoff=time(0), zone=BERLIN) == date(2026, 11, 24)
        assert due(berlin(2026, 11, 24, 0, 0, 1), cutoff=time(0)) == berlin(2026, 11, 25)
        friday = due(berlin(2026, 11, 27, 23, 59), cutoff=time(0), calendar=WEEKDAYS)
        assert leaving_day(friday, cutoff=time(0), zone=BERLIN) == date(2026, 11, 27), (
            "Friday's work, though it is Saturday by then"
        )

    def test_an_hour_that_the_clock_shows_twice_ends_with_its_second_time(self) -> None:
        """On 25 October 2026 the clock goes back from 3:00 to 2:00."""
        first, second = berlin(2026, 10, 25, 2, 15), berlin(2026, 10, 25, 2, 15, fold=1)
        cutoff = berlin(2026, 10, 25, 2, 30, fold=1)
        for now in (first, second):
            assert due(now, cutoff=time(2, 30)).astimezone(UTC) == cutoff.astimezone(UTC)
        late = berlin(2026, 10, 25, 2, 31, fold=1)
        assert due(late, cutoff=time(2, 30)) == berlin(2026, 10, 26, 2, 30)

    def test_an_hour_that_the_clock_leaves_out_is_the_one_after_it(self) -> None:
        """On 29 March 2026 the clock goes from 2:00 to 3:00."""
        moment = due(berlin(2026, 3, 29, 1, 0), cutoff=time(2, 30))
        assert moment.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert leaving_day(moment, cutoff=time(2, 30), zone=BERLIN) == date(2026, 3, 29)

    def test_a_day_of_23_hours_is_one_day(self) -> None:
        assert due(berlin(2026, 3, 28, 15)) == berlin(2026, 3, 29, 14)

    @CALM
    @given(
        moments,
        st.times(),
        st.integers(1, 5),
        calendars,
        st.sampled_from([BERLIN, "America/New_York", "Asia/Tehran", "Pacific/Kiritimati", "Australia/Lord_Howe"]),
    )
    def test_it_is_never_in_the_past_and_on_a_working_day(
        self, now: datetime, cutoff: time, handling: int, calendar: Calendar, zone: str
    ) -> None:
        moment = ship_by(now, cutoff=cutoff, zone=zone, handling_days=handling, calendar=calendar)
        assert moment.astimezone(UTC) >= now
        leaves = leaving_day(moment, cutoff=cutoff, zone=zone)
        assume(
            moment.astimezone(ZoneInfo(zone)).time().replace(second=0) >= cutoff.replace(second=0, microsecond=0)
            or cutoff == time(0)
        )
        assert calendar.works(leaves)

    @CALM
    @given(moments, st.integers(0, 72), st.times(), calendars)
    def test_who_orders_later_never_leaves_earlier(
        self, now: datetime, hours: int, cutoff: time, calendar: Calendar
    ) -> None:
        assert due(now, cutoff=cutoff, calendar=calendar) <= due(now + timedelta(hours=hours), cutoff=cutoff, calendar=calendar)  # fmt: skip


class TestExpected:
    @CALM
    @given(days, transits)
    def test_a_range_begins_before_it_ends_and_ends_on_days_of_delivery(self, leaves: date, transit: Transit) -> None:
        first, last = expected_between(leaves, transit)
        assert leaves <= first <= last
        assert transit.delivery.works(first) and transit.delivery.works(last)

    @CALM
    @given(days, transits, st.integers(0, 40))
    def test_the_latest_hand_over_keeps_the_promise_and_no_later_one_does(
        self, day: date, transit: Transit, wait: int
    ) -> None:
        promised = expected_between(day, transit)[1] + timedelta(wait)
        latest = latest_hand_over(promised, transit, earliest=day - timedelta(60))
        assert latest is not None and latest >= transit.pickup.on_or_after(day)
        assert expected_between(latest, transit)[1] <= promised
        later = [latest + timedelta(n) for n in range(1, (promised - latest).days + 1)]
        assert not any(transit.pickup.works(d) and expected_between(d, transit)[1] <= promised for d in later)

    def test_a_friday_parcel_of_two_working_days_comes_on_tuesday(self) -> None:
        assert expected_between(date(2026, 11, 27), Transit(1, 2, WEEKDAYS, WEEKDAYS)) == (
            date(2026, 11, 30),
            date(2026, 12, 1),
        )

    def test_what_is_ready_on_a_day_without_pickup_waits(self) -> None:
        tuesdays = Calendar(frozenset({1}))
        assert expected_between(date(2026, 11, 25), Transit(1, 1, tuesdays, WEEKDAYS))[0] == date(2026, 12, 2)


class TestBook:
    def book(self) -> Book:
        lanes = {
            ("", "", "DE", "DE"): [LaneRow("", 1, 2)],
            ("", "standard", "DE", "GB"): [LaneRow("BT", 5, 8), LaneRow("", 3, 4)],
            ("fast", "", "DE", "GB"): [LaneRow("", 1, 1)],
        }
        holidays = {("", "DE"): frozenset({date(2026, 12, 25)}), ("fast", "GB"): frozenset({date(2026, 12, 1)})}
        return Book(version=1, lanes=lanes, holidays=holidays)

    def between(
        self, carrier: str, service: str, to: str, postal: str = "", day: date = date(2026, 11, 30)
    ) -> tuple[date, date]:
        return self.book().expected(
            day, carrier=carrier, service=service, from_country="DE", to_country=to, postal_code=postal
        )

    def test_the_lane_that_fits_best_counts(self) -> None:
        assert self.between("slow", "standard", "GB") == (date(2026, 12, 3), date(2026, 12, 4))
        assert self.between("slow", "standard", "GB", "bt1 1aa") == (date(2026, 12, 7), date(2026, 12, 10))
        assert self.between("fast", "standard", "GB", "BT1 1AA")[0] == date(2026, 12, 2), (
            "1 December is a holiday there"
        )

    def test_without_a_lane_the_services_usual_days_count(self) -> None:
        assert self.between("slow", "standard", "US") == (date(2026, 12, 4), date(2026, 12, 6))
        assert self.between("slow", "express", "GB") == (date(2026, 12, 1), date(2026, 12, 2))

    def test_a_holiday_of_the_country_stops_every_carrier(self) -> None:
        assert self.between("slow", "economy", "DE", day=date(2026, 12, 24)) == (date(2026, 12, 28), date(2026, 12, 29))
