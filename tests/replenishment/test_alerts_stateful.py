"""Alerts under any sequence of movements, policies and snoozes, against a plain reference; event and sweep must say the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.models import OutgoingMail, User
from core.refusals import Refusal
from inventory.models import StockLevel
from replenishment.models import Alert, AlertPreference, Need
from replenishment.operations import clear_policies, evaluate_all, snooze_alerts, tell_news, wake_alerts
from tests.factories.shop import ACTOR, NOW, make_location, make_variant
from tests.replenishment.stock import follow, lose_messages, move, set_point

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = (
    "replenishment_alert, replenishment_need, replenishment_alertpreference, inventory_reorderpolicy, inventory_stockmovement, "
    "inventory_stocklevel, inventory_changedlevel, core_timelineentry, core_outboxevent, core_outgoingmail, inventory_location, "
    "inventory_variant, inventory_product, core_user"
)
Subject = tuple[int, int | None]  # (which variant, which place), None: the total


@dataclass
class Expected:
    """What the reference knows of one live alert."""

    state: str = "open"
    until: object = None
    below: int | None = None


class AlertMachine(RuleBasedStateMachine):
    """Two variants at two places, and in total. by_event: messages arrive; otherwise each is lost and the sweep looks."""

    by_event = True

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        self.places = [make_location("Near"), make_location("Far")]
        self.variants = [make_variant("A-1"), make_variant("B-1")]
        user = User.objects.create_user(username="ops", password="x" * 12, role="operations", email="ops@example.com")
        AlertPreference.objects.create(user=user, frequency="at_once")
        self.now = NOW
        self.points: dict[Subject, tuple[int, int]] = {}
        self.live: dict[Subject, Expected] = {}
        self.opened: dict[Subject, int] = {}

    # ---- the reference -----------------------------------------------------------------------------------------------

    def available(self, subject: Subject) -> int:
        levels = StockLevel.objects.filter(variant=self.variants[subject[0]])
        if subject[1] is not None:
            levels = levels.filter(location=self.places[subject[1]])
        return sum(levels.values_list("available", flat=True))

    def expect(self) -> None:
        for subject in [(v, p) for v in (0, 1) for p in (0, 1, None)]:
            available, point = self.available(subject), self.points.get(subject)
            alert = self.live.get(subject)
            if point is None or available > point[0]:
                self.live.pop(subject, None)
            elif alert is None:
                self.live[subject] = Expected()
                self.opened[subject] = self.opened.get(subject, 0) + 1
            elif alert.state == "snoozed" and (
                (alert.until is not None and alert.until <= self.now)
                or (alert.below is not None and available <= alert.below)
            ):
                self.live[subject] = Expected()

    def look(self) -> None:
        """Let the product follow, by event or by sweep."""
        if self.by_event:
            follow(now=self.now)
            self.wake_by_clock()
        else:
            lose_messages()
            evaluate_all(now=self.now)
        tell_news(now=self.now)
        self.expect()

    def wake_by_clock(self) -> None:
        """A snooze that only time ends is the sweep's work in both worlds."""
        if any(alert.until and alert.until <= self.now for alert in self.live.values()):
            evaluate_all(now=self.now)

    def later(self, minutes: int = 5) -> None:
        self.now += timedelta(minutes=minutes)

    # ---- what may happen ---------------------------------------------------------------------------------------------

    @rule(
        variant=st.integers(0, 1),
        place=st.integers(0, 1),
        units=st.integers(-6, 6).filter(bool),
        bucket=st.sampled_from(["on_hand", "on_hand", "on_hand", "safety_stock", "incoming", "damaged"]),
    )
    def move(self, variant, place, units, bucket) -> None:
        self.later()
        try:
            move(self.variants[variant], self.places[place], units, bucket=bucket, now=self.now)
        except Refusal:
            return
        self.look()

    @rule(moves=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 6)), min_size=2, max_size=5))
    def burst(self, moves) -> None:
        """Many movements in one event."""
        self.later()
        for variant, place, units in moves:
            move(self.variants[variant], self.places[place], units, now=self.now)
        self.look()

    @rule(
        variant=st.integers(0, 1), place=st.sampled_from([0, 1, None]), point=st.integers(0, 6), more=st.integers(0, 5)
    )
    def set_policy(self, variant, place, point, more) -> None:
        self.later()
        location = None if place is None else self.places[place]
        set_point(self.variants[variant], location, point, point + more, now=self.now)
        self.points[(variant, place)] = (point, point + more)
        self.look()

    @rule(variant=st.integers(0, 1), place=st.sampled_from([0, 1, None]))
    def clear_policy(self, variant, place) -> None:
        self.later()
        location_id = None if place is None else self.places[place].pk
        clear_policies(subjects=[(self.variants[variant].pk, location_id)], actor=ACTOR, now=self.now)
        self.points.pop((variant, place), None)
        self.look()

    @rule(pick=st.integers(0, 5), minutes=st.none() | st.integers(1, 90), lower=st.none() | st.integers(1, 4))
    def snooze(self, pick, minutes, lower) -> None:
        if not self.live or (minutes is None and lower is None):
            return
        self.later()
        self.look()
        if not self.live:
            return
        subject = sorted(self.live, key=str)[pick % len(self.live)]
        until = self.now + timedelta(minutes=minutes) if minutes else None
        snooze_alerts(alert_ids=[self.alert(subject).pk], until=until, units_lower=lower, actor=ACTOR, now=self.now)
        below = self.available(subject) - lower if lower else None
        self.live[subject] = Expected("snoozed", until, below)

    @rule(pick=st.integers(0, 5))
    def wake(self, pick) -> None:
        snoozed = sorted((s for s, alert in self.live.items() if alert.state == "snoozed"), key=str)
        if snoozed:
            subject = snoozed[pick % len(snoozed)]
            outcome = wake_alerts(alert_ids=[self.alert(subject).pk], actor=ACTOR, now=self.now)
            assert len(outcome.done) == 1
            self.live[subject] = Expected()

    @rule(minutes=st.integers(1, 120))
    def time_passes(self, minutes) -> None:
        self.later(minutes)
        self.look()

    # ---- what must hold ----------------------------------------------------------------------------------------------

    def key(self, subject: Subject) -> tuple[int, int | None]:
        return self.variants[subject[0]].pk, None if subject[1] is None else self.places[subject[1]].pk

    def alert(self, subject: Subject) -> Alert:
        variant_id, location_id = self.key(subject)
        return Alert.objects.exclude(state="resolved").get(variant_id=variant_id, location_id=location_id)

    @invariant()
    def alerts_are_what_they_should_be(self) -> None:
        found = {
            (a.variant_id, a.location_id): (a.state, a.snoozed_until, a.snoozed_below)
            for a in Alert.objects.exclude(state="resolved")
        }
        assert found == {self.key(s): (a.state, a.until, a.below) for s, a in self.live.items()}

    @invariant()
    def each_crossing_is_one_alert(self) -> None:
        counts = {self.key(s): n for s, n in self.opened.items()}
        found: dict[tuple[int, int | None], int] = {}
        for key in Alert.objects.values_list("variant_id", "location_id"):
            found[key] = found.get(key, 0) + 1
        assert found == counts

    @invariant()
    def needs_are_what_fills_up(self) -> None:
        wanted = {}
        for subject, (point, up_to) in self.points.items():
            levels = StockLevel.objects.filter(variant=self.variants[subject[0]])
            if subject[1] is not None:
                levels = levels.filter(location=self.places[subject[1]])
            position = sum(available + incoming for available, incoming in levels.values_list("available", "incoming"))
            if position <= point and up_to > position:
                wanted[self.key(subject)] = up_to - position
        found = Need.objects.values_list("policy__variant_id", "policy__location_id", "quantity")
        assert {(v, place): n for v, place, n in found} == wanted

    @invariant()
    def nobody_is_mailed_more_than_once_an_hour(self) -> None:
        """About one SKU at one place: the tellings of its alerts lie an hour apart."""
        told: dict[tuple[int, int | None], list] = {}
        for variant_id, location_id, at in Alert.objects.filter(told_at__isnull=False).values_list(
            "variant_id", "location_id", "told_at"
        ):
            told.setdefault((variant_id, location_id), []).append(at)
        for moments in told.values():
            moments.sort()
            assert all(b - a >= timedelta(minutes=60) for a, b in pairwise(moments))

    def teardown(self) -> None:
        keys = list(OutgoingMail.objects.values_list("dedupe_key", flat=True))
        assert len(keys) == len(set(keys))
        before = list(Alert.objects.order_by("pk").values_list("pk", "state", "kind", "version"))
        found = evaluate_all(now=self.now)
        assert not (found.opened or found.resolved or found.changed or found.needed or found.served)
        assert list(Alert.objects.order_by("pk").values_list("pk", "state", "kind", "version")) == before


class SweptMachine(AlertMachine):
    """The same with every message lost."""

    by_event = False


@pytest.mark.parametrize("machine", [AlertMachine, SweptMachine])
def test_alerts_follow_stock_whatever_happens(machine: type[AlertMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
