"""Who is told of low stock, when, and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from core.models import OutgoingMail, User
from inventory.models import Location
from replenishment.models import Alert, AlertPreference, ReplenishmentSettings
from replenishment.operations import evaluate_all, send_digest, snooze_alerts, tell_news
from replenishment.operations.preferences import save_preference, save_settings
from tests.factories.returns import make_shop
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant
from tests.replenishment.stock import follow, move, set_point

pytestmark = pytest.mark.django_db


def person(name: str = "ops", frequency: str = "at_once", *, role: str = "operations", **fields) -> User:
    user = User.objects.create_user(username=name, password="x" * 12, role=role, email=f"{name}@example.com")
    AlertPreference.objects.create(user=user, frequency=frequency, **fields)
    return user


def mails(name: str = "ops") -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(to=f"{name}@example.com").order_by("pk"))


def low(sku: str = "TENT", location: Location | None = None, *, stock: int = 10, point: int = 5):
    """A variant with stock above its point."""
    variant, place = make_variant(sku), location or make_location()
    give_stock(variant, place, stock)
    set_point(variant, place, point)
    follow()
    return variant, place


class TestAtOnce:
    def test_a_crossing_is_told_once(self):
        person()
        variant, place = low()
        move(variant, place, -6)
        move(variant, place, 8, bucket="incoming")
        follow()
        [mail] = mails()
        assert mail.subject == "TENT is low"
        assert "4 available, reorder point 5, 8 incoming" in mail.text
        move(variant, place, -1)
        follow()
        evaluate_all(now=NOW)
        tell_news(now=NOW)
        assert len(mails()) == 1

    def test_out_of_stock_and_back_are_news_of_their_own(self):
        person(back_in_stock=True)
        person("calm")
        variant, place = low()
        make_order(make_channel(), [("TENT", 10)])
        follow()
        assert mails()[0].subject == "TENT is out of stock"
        assert Alert.objects.get().kind == "out"
        later = NOW + timedelta(hours=2)
        move(variant, place, 50, now=later)
        follow(now=later)
        assert [mail.subject for mail in mails()] == ["TENT is out of stock", "TENT is back in stock"]
        assert [mail.subject for mail in mails("calm")] == ["TENT is out of stock"]
        alert = Alert.objects.get()
        assert (alert.state, alert.back_at) == ("resolved", later)

    def test_nothing_left_that_nobody_wants_is_only_low(self):
        person()
        variant, place = low()
        move(variant, place, -10)
        follow()
        assert Alert.objects.get().kind == "low"
        assert mails()[0].subject == "TENT is low"

    def test_a_hundred_crossings_in_an_hour_are_one_mail_and_all_counted(self):
        person()
        variant, place = low()
        for n in range(100):
            at = NOW + timedelta(seconds=30 * n)
            move(variant, place, -6, now=at)
            follow(now=at)
            move(variant, place, 6, now=at)
            follow(now=at)
        assert Alert.objects.count() == 100
        assert len(mails()) == 1
        after = NOW + timedelta(minutes=61)
        move(variant, place, -6, now=after)
        follow(now=after)
        assert len(mails()) == 2
        assert "crossed 100 times lately" in mails()[1].text

    def test_what_waited_for_the_pause_is_told_by_the_sweep_if_it_still_holds(self):
        person()
        variant, place = low()
        for change in (-6, 6, -6):
            move(variant, place, change)
            follow()
        assert len(mails()) == 1
        evaluate_all(now=NOW + timedelta(minutes=59))
        assert tell_news(now=NOW + timedelta(minutes=59)) == 0
        assert tell_news(now=NOW + timedelta(minutes=61)) == 1
        assert len(mails()) == 2

    def test_the_pause_is_the_shops_to_set(self):
        save_settings(values={"mail_pause_minutes": 5}, actor=ACTOR, now=NOW)
        person()
        variant, place = low()
        for n, change in enumerate((-6, 6, -6)):
            move(variant, place, change, now=NOW + timedelta(minutes=3 * n))
            follow(now=NOW + timedelta(minutes=3 * n))
        assert len(mails()) == 2

    def test_a_burst_is_one_mail(self):
        person()
        place = make_location()
        variants = [low(f"S-{n:03}", place)[0] for n in range(130)]
        for variant in variants:
            move(variant, place, -6)
        follow()
        [mail] = mails()
        assert mail.subject == "Stock news of 130 SKUs"
        assert mail.text.count("reorder point 5") == 100
        assert "and 30 more" in mail.text

    def test_only_ones_own_locations_and_always_the_totals(self):
        here, there = make_location("Here"), make_location("There")
        person("here", location_ids=[here.pk])
        person("both")
        low("A", here)
        variant, _place = low("B", there)
        set_point(variant, None, 5)
        move(variant, there, -6)
        follow()
        assert "There" not in mails("here")[0].text
        assert mails("here")[0].subject == "B is low"
        assert mails("both")[0].subject == "Stock news of 2 SKUs"

    def test_who_left_or_never_asked_gets_nothing(self):
        gone = person("gone")
        User.objects.filter(pk=gone.pk).update(is_active=False)
        User.objects.create_user(username="silent", password="x" * 12, role="operations", email="silent@example.com")
        person("never", "none")
        variant, place = low()
        move(variant, place, -6)
        follow()
        assert not OutgoingMail.objects.exists()

    def test_a_snoozed_alert_is_quiet_until_it_wakes(self):
        person()
        variant, place = low()
        move(variant, place, -6)
        follow()
        alert = Alert.objects.get()
        snooze_alerts(alert_ids=[alert.pk], until=NOW + timedelta(hours=5), units_lower=2, actor=ACTOR, now=NOW)
        move(variant, place, -1)
        follow(now=NOW + timedelta(hours=2))
        assert len(mails()) == 1
        move(variant, place, -1)
        follow(now=NOW + timedelta(hours=3))
        assert len(mails()) == 2
        alert.refresh_from_db()
        assert (alert.state, alert.snoozed_until, alert.snoozed_below) == ("open", None, None)
        snooze_alerts(alert_ids=[alert.pk], until=NOW + timedelta(hours=9), actor=ACTOR, now=NOW + timedelta(hours=3))
        evaluate_all(now=NOW + timedelta(hours=8))
        tell_news(now=NOW + timedelta(hours=8))
        assert len(mails()) == 2
        evaluate_all(now=NOW + timedelta(hours=9))
        tell_news(now=NOW + timedelta(hours=9))
        assert len(mails()) == 3

    def test_in_the_persons_language_and_with_hostile_names(self):
        user = person()
        User.objects.filter(pk=user.pk).update(language="pl")
        variant, place = low("{{ 7|add:1 }}<b>")
        move(variant, place, -6)
        follow()
        assert "{{ 7|add:1 }}<b>" in mails()[0].text


#: (zone, moments at which beat looks, hour, local days that must be told): days on which the clocks change, in both directions.
DST_DAYS = [
    ("Europe/Warsaw", datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 3, 30, 0, tzinfo=UTC), 2, 3),
    ("Europe/Warsaw", datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 27, 0, tzinfo=UTC), 2, 3),
    ("Asia/Tehran", datetime(2022, 3, 20, 12, tzinfo=UTC), datetime(2022, 3, 24, 0, tzinfo=UTC), 0, 5),
    ("Asia/Tehran", datetime(2022, 9, 20, 12, tzinfo=UTC), datetime(2022, 9, 23, 0, tzinfo=UTC), 23, 3),
    ("UTC", datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 4, 0, tzinfo=UTC), 8, 3),
]


class TestDigest:
    @pytest.mark.parametrize(("zone", "begin", "end", "hour", "days"), DST_DAYS)
    def test_once_on_each_local_day_whatever_the_clocks_do(self, zone, begin, end, hour, days):
        from zoneinfo import ZoneInfo

        make_shop(time_zone=zone)
        save_settings(values={"digest_hour": hour}, actor=ACTOR, now=NOW)
        person(frequency="daily")
        variant = make_variant("TENT")
        set_point(variant, make_location(), 5, now=begin)
        at, told = begin, []
        while at < end:
            if send_digest(now=at):
                told.append(at.astimezone(ZoneInfo(zone)))
            send_digest(now=at)
            at += timedelta(minutes=10)
        dates = [moment.date() for moment in told]
        assert len(dates) == len(set(dates)) == days
        assert len(mails()) == days
        _late_on_the_first, *others = told
        assert all(moment.hour in (hour, hour + 1) and moment.minute < 10 for moment in others)
        assert all(b - a == timedelta(days=1) for a, b in pairwise(dates))

    def test_it_lists_what_is_open_and_not_what_sleeps(self):
        person(frequency="daily")
        a, place = low("A")
        b, _place = low("B", place)
        for variant in (a, b):
            move(variant, place, -6)
        follow()
        snooze_alerts(alert_ids=[Alert.objects.get(variant=a).pk], until=NOW + timedelta(days=9), actor=ACTOR, now=NOW)
        assert send_digest(now=NOW) == 1
        [mail] = mails()
        assert mail.subject == "1 SKU is low on stock"
        assert "B, " in mail.text
        assert "A, " not in mail.text

    def test_a_day_on_which_nothing_is_low_is_a_day_without_mail(self):
        person(frequency="daily")
        variant, place = low()
        assert send_digest(now=NOW) == 0
        move(variant, place, -6)
        follow()
        assert send_digest(now=NOW + timedelta(minutes=30)) == 0
        assert ReplenishmentSettings.objects.get().digest_done_on == NOW.date()
        assert send_digest(now=NOW + timedelta(days=1)) == 1

    def test_who_may_restock_gets_it_unless_they_said_otherwise(self):
        for role in ("operations", "owner", "warehouse", "viewer"):
            User.objects.create_user(username=role, password="x" * 12, role=role, email=f"{role}@example.com")
        owner = User.objects.get(username="owner")
        save_preference(user=owner, frequency="none", location_ids=[], back_in_stock=False)
        set_point(make_variant(), make_location(), 5)
        assert send_digest(now=NOW) == 1
        assert OutgoingMail.objects.get().to == "operations@example.com"
