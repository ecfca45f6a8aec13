"""Two at once, lost messages, and the rows that the database itself refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone

from core.models import OutboxDelivery, OutboxEvent, OutgoingMail, User
from core.outbox import deliver, relay
from inventory.models import ReorderPolicy
from replenishment.models import Alert, AlertPreference, Need, ReplenishmentSettings
from replenishment.operations import evaluate_all, evaluate_subjects, send_digest, snooze_alerts, tell_news
from replenishment.tasks import sweep_alerts, wake_alerts
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant
from tests.replenishment.stock import HANDLER, lose_messages, move, set_point


def listener() -> User:
    user = User.objects.create_user(username="ops", password="x" * 12, role="operations", email="ops@example.com")
    AlertPreference.objects.create(user=user, frequency="at_once")
    return user


class TestAtOnce:
    def test_two_handlers_make_one_alert_and_one_mail(self, committed, threads):
        listener()
        variant, place = make_variant(), make_location()
        give_stock(variant, place, 10)
        set_point(variant, place, 5)
        set_point(variant, None, 5)
        for _n in range(2):  # two events about the same level
            move(variant, place, -3)
            relay(now=NOW)
        ids = list(OutboxDelivery.objects.filter(handler=HANDLER).values_list("pk", flat=True))
        assert len(ids) >= 2
        results = threads(8, lambda i: deliver(ids[i % len(ids)], now=NOW))
        assert not [r for r in results if isinstance(r, Exception)]
        assert Alert.objects.count() == 2
        assert OutgoingMail.objects.count() == 1, "both crossings are told in one mail"

    def test_the_last_word_is_about_the_newest_stock(self, committed, threads):
        """Movers and evaluators at once, in every mixture: in the end the alerts are what the stock says."""
        place = make_location()
        variants = [make_variant() for _n in range(4)]
        for variant in variants:
            give_stock(variant, place, 40)
            set_point(variant, place, 39)
            set_point(variant, None, 41)

        def work(i: int) -> None:
            for n in range(12):
                variant = variants[(i + n) % 4]
                move(variant, place, 4 if (i // 2 + n // 4) % 2 else -1)
                evaluate_subjects([(one.pk, place.pk) for one in (variant, variants[n % 4])], now=NOW)

        results = threads(6, work, timeout=120)
        assert [r for r in results if r is not None] == []
        before = list(Alert.objects.exclude(state="resolved").order_by("pk").values_list("variant", "location", "kind"))
        found = evaluate_all(now=NOW)
        assert not (found.opened or found.resolved or found.needed or found.served)
        assert (
            list(Alert.objects.exclude(state="resolved").order_by("pk").values_list("variant", "location", "kind"))
            == before
        )

    def test_snoozing_and_evaluating_never_wait_for_each_other_in_a_circle(self, committed, threads):
        place = make_location()
        variants = [make_variant() for _n in range(6)]
        for variant in variants:
            set_point(variant, place, 5)
        ids = list(Alert.objects.values_list("pk", flat=True))

        def work(i: int) -> None:
            for n in range(8):
                if i % 2:
                    order = ids if n % 2 else ids[::-1]
                    snooze_alerts(alert_ids=order, until=NOW + timedelta(days=1), actor=ACTOR, now=NOW)
                else:
                    keys = [(variant.pk, place.pk) for variant in variants]
                    evaluate_subjects(keys if n % 2 else keys[::-1], now=NOW + timedelta(days=2))

        assert [r for r in threads(6, work, timeout=120) if r is not None] == []

    def test_two_digests_are_one(self, committed, threads):
        user = listener()
        AlertPreference.objects.filter(user=user).update(frequency="daily")
        set_point(make_variant(), make_location(), 5)
        assert sorted(threads(4, lambda i: send_digest(now=NOW))) == [0, 0, 0, 1]
        assert OutgoingMail.objects.count() == 1


@pytest.mark.django_db
class TestLostMessages:
    def test_the_sweep_finds_what_no_message_told(self):
        listener()
        variant, place = make_variant(), make_location()
        give_stock(variant, place, 10)
        set_point(variant, place, 5)
        move(variant, place, -6)
        lose_messages()
        assert not Alert.objects.exists()
        sweep_alerts()
        assert Alert.objects.get().state == "open"
        assert OutgoingMail.objects.count() == 1
        move(variant, place, 6)
        lose_messages()
        sweep_alerts()
        assert Alert.objects.get().state == "resolved"

    def test_a_snooze_that_ends_by_time_is_woken(self):
        listener()
        set_point(make_variant(), make_location(), 5)
        tell_news(now=NOW)
        at = timezone.now()
        snooze_alerts(alert_ids=[Alert.objects.get().pk], until=at + timedelta(days=1), actor=ACTOR, now=at)
        wake_alerts()
        assert Alert.objects.get().state == "snoozed"
        Alert.objects.update(snoozed_until=at)
        wake_alerts()
        assert Alert.objects.get().state == "open"
        assert OutgoingMail.objects.count() == 2

    def test_without_redis_the_event_waits_in_the_database(self, monkeypatch):
        monkeypatch.setattr("core.outbox.bell.ring", lambda task, *args: False)
        variant, place = make_variant(), make_location()
        set_point(variant, place, 5)
        Alert.objects.all().delete()
        move(variant, place, 3)
        relay(now=NOW)
        waiting = OutboxDelivery.objects.filter(handler=HANDLER, done_at__isnull=True)
        assert waiting.count() == 1
        assert deliver(waiting.get().pk, now=NOW)
        assert not deliver(OutboxDelivery.objects.get(handler=HANDLER).pk, now=NOW)
        assert Alert.objects.count() == 1

    def test_a_sweep_that_finds_nothing_writes_nothing(self, django_assert_num_queries):
        variant, place = make_variant(), make_location()
        set_point(variant, place, 5)
        OutboxEvent.objects.all().delete()
        evaluate_all(now=NOW)
        versions = list(Alert.objects.values_list("version", flat=True))
        with django_assert_num_queries(4):
            evaluate_all(now=NOW)
        assert list(Alert.objects.values_list("version", flat=True)) == versions
        assert tell_news(now=NOW) == 1  # marked as told even where nobody listens
        assert tell_news(now=NOW) == 0


# ---- constraints -----------------------------------------------------------------------------------------------------


def alert(times: int = 1, **fields) -> None:
    variant = make_variant()
    values = {"threshold": 5, "available": 4, "opened_at": NOW, **fields}
    for _n in range(times):
        Alert.objects.create(variant=variant, **values)


def need(quantity: int = 0) -> None:
    policy = ReorderPolicy.objects.create(variant=make_variant(), reorder_point=1, order_up_to=2, updated_at=NOW)
    Need.objects.create(policy=policy, available=0, incoming=0, quantity=quantity, since=NOW)


def preference(frequency: str) -> None:
    AlertPreference.objects.create(user=User.objects.create(username="u"), frequency=frequency)


def shop(**fields) -> None:
    ReplenishmentSettings.objects.create(**fields)


BREACHES = {
    "alert_live_once": lambda: alert(2),
    "alert_state_known": lambda: alert(state="asleep"),
    "alert_kind_known": lambda: alert(kind="bad"),
    "alert_news_known": lambda: alert(news="gone"),
    "alert_snoozed_until_something": lambda: alert(state="snoozed"),
    "alert_resolved_at_a_time": lambda: alert(state="resolved"),
    "need_of_something": need,
    "alert_frequency_known": lambda: preference("hourly"),
    "replenishment_settings_are_one": lambda: shop(id=2),
    "replenishment_hours_of_a_day": lambda: shop(digest_hour=24),
    "replenishment_mail_pauses": lambda: shop(mail_pause_minutes=0),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BREACHES)
def test_the_database_refuses(name: str) -> None:
    with pytest.raises((IntegrityError, DatabaseError), match=name), transaction.atomic():
        BREACHES[name]()


def test_no_constraint_is_forgotten() -> None:
    named = {
        constraint.name
        for model in apps.get_app_config("replenishment").get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, (CheckConstraint, UniqueConstraint))
    }
    assert named == set(BREACHES)
