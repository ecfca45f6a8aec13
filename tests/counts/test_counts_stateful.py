"""Counts while goods are sold, received and moved: whatever happens between counting and posting, stock ends as it really is.

Beside the book runs a reckoning of what truly lies on the shelf. Goods vanish and turn up without the book knowing; everything else
moves both. A line counted right is worth its difference at that moment, so after posting the book is off by exactly what vanished or
turned up since the line was counted, and by what was never counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.actors import Actor
from core.refusals import Refusal
from counts.auditing import CHECKS
from counts.models import StockCount
from counts.operations import (
    abandon_count,
    close_bin,
    create_count,
    finish_count,
    post_count,
    record_line,
    reopen_count,
)
from counts.operations.creating import CountScope, CountSettings
from inventory.models import Reservation, StockLevel
from inventory.operations import Claim, adjust_stock, release, reserve, ship
from inventory.operations.auditing import audit_stock
from inventory.operations.levels import Move, apply_moves
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
BINS = ("S-1", "S-1", "S-2")
PEOPLE = (Actor("user", "901", "Ana"), Actor("user", "902", "Ben"))
SKU = st.integers(0, 2)


class CountMachine(RuleBasedStateMachine):
    """Three SKUs in two bins. `off`: units really there less units in the book, per SKU, as the truth of this test."""

    @initialize()
    def begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE inventory_stockmovement, inventory_stocklevel, inventory_reservation, counts_stockcount CASCADE"
            )
        self.place, self.other = make_location(), make_location()
        self.variants = [make_variant() for _ in BINS]
        for variant, bin_name in zip(self.variants, BINS, strict=True):
            give_stock(variant, self.place, 12, bin=bin_name)
        self.off = [0, 0, 0]
        self.known: dict[tuple[int, int], int] = {}  # (count, SKU) → what was off when it was counted
        self.step = 0
        self.now = NOW

    def attempt(self, act: Any) -> bool:
        self.now += timedelta(minutes=1)
        try:
            with transaction.atomic():
                act()
        except Refusal:
            return False
        return True

    def book(self, sku: int) -> int:
        return StockLevel.objects.get(variant=self.variants[sku], location=self.place).on_hand

    def counts(self, *states: str) -> list[StockCount]:
        return list(StockCount.objects.filter(state__in=states).order_by("pk"))

    @rule(sku=SKU, units=st.integers(1, 4))
    def sell(self, sku: int, units: int) -> None:
        self.step += 1
        claim = [Claim(self.variants[sku].pk, self.place.pk, f"order_line:{self.step}", units)]
        self.attempt(lambda: reserve(claim, cause="order:1", actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 20), leaves=st.booleans())
    def ship_or_cancel(self, pick: int, leaves: bool) -> None:
        rows = list(Reservation.objects.filter(quantity__gt=0).order_by("pk"))
        if not rows:
            return
        row = rows[pick % len(rows)]
        sku = next(n for n, variant in enumerate(self.variants) if variant.pk == row.variant_id)
        if leaves and self.book(sku) + self.off[sku] < row.quantity:
            return  # nobody can pack what is not there
        claim = [Claim(row.variant_id, row.location_id, row.owner, row.quantity)]
        self.attempt(lambda: (ship if leaves else release)(claim, cause="order:1", actor=ACTOR, now=self.now))

    @rule(sku=SKU, units=st.integers(1, 6))
    def receive(self, sku: int, units: int) -> None:
        self.attempt(
            lambda: adjust_stock(
                variant_id=self.variants[sku].pk,
                location_id=self.place.pk,
                quantity=units,
                reason="received",
                actor=ACTOR,
                now=self.now,
            )
        )

    @rule(sku=SKU, units=st.integers(1, 3))
    def move_away(self, sku: int, units: int) -> None:
        if self.book(sku) + self.off[sku] < units:
            return
        key = self.variants[sku].pk
        moves = [
            Move(key, self.place.pk, "on_hand", -units, "transferred"),
            Move(key, self.other.pk, "on_hand", units, "transferred"),
        ]
        self.attempt(lambda: apply_moves(moves, cause="transfer:1", actor=ACTOR, now=self.now))

    @rule(sku=SKU, change=st.sampled_from([-2, -1, 1, 2]))
    def vanish_or_turn_up(self, sku: int, change: int) -> None:
        """The shelf changes and the book does not know."""
        if self.book(sku) + self.off[sku] + change >= 0:
            self.off[sku] += change

    @rule(blind=st.booleans(), units=st.integers(0, 3), kind=st.sampled_from(["bins", "location"]))
    def make(self, blind: bool, units: int, kind: str) -> None:
        if len(self.counts("open", "counted")) < 2:
            scope = CountScope(kind, bins=["S-1", "S-2"] if kind == "bins" else ())
            wish = CountSettings(blind=blind, tolerance_units=units)
            self.attempt(
                lambda: create_count(location_id=self.place.pk, scope=scope, settings=wish, actor=ACTOR, now=self.now)
            )

    @rule(pick=st.integers(0, 9), sku=SKU, who=st.integers(0, 1), scans=st.booleans())
    def count(self, pick: int, sku: int, who: int, scans: bool) -> None:
        """Somebody counts right, with a number or by scans."""
        counts = self.counts("open")
        if not counts:
            return
        count, variant = counts[pick % len(counts)], self.variants[sku]
        there = self.book(sku) + self.off[sku]
        entry = {
            "count_id": count.pk,
            "variant_id": variant.pk,
            "bin_name": BINS[sku],
            "found": True,
            "actor": PEOPLE[who],
        }
        if scans and there > 1:
            done = self.attempt(lambda: record_line(quantity=there - 1, now=self.now, **entry)) and self.attempt(
                lambda: record_line(quantity=1, add=True, now=self.now, **entry)
            )
        else:
            done = self.attempt(lambda: record_line(quantity=there, now=self.now, **entry))
        if done:
            self.known[(count.pk, sku)] = self.off[sku]

    @rule(pick=st.integers(0, 9), bin_name=st.sampled_from(["S-1", "S-2"]), who=st.integers(0, 1))
    def bin_is_done(self, pick: int, bin_name: str, who: int) -> None:
        counts = self.counts("open")
        if counts:
            self.attempt(
                lambda: close_bin(
                    count_id=counts[pick % len(counts)].pk, bin_name=bin_name, actor=PEOPLE[who], now=self.now
                )
            )

    @rule(pick=st.integers(0, 9), anyway=st.booleans())
    def finish(self, pick: int, anyway: bool) -> None:
        counts = self.counts("open")
        if counts:
            self.attempt(
                lambda: finish_count(count_id=counts[pick % len(counts)].pk, anyway=anyway, actor=ACTOR, now=self.now)
            )

    @rule(pick=st.integers(0, 9), line=st.integers(0, 2))
    def reopen(self, pick: int, line: int) -> None:
        counts = self.counts("counted")
        if counts:
            count = counts[pick % len(counts)]
            lines = list(count.lines.order_by("pk").values_list("pk", flat=True))
            self.attempt(
                lambda: reopen_count(count_id=count.pk, line_ids=[lines[line % len(lines)]], actor=ACTOR, now=self.now)
            )

    @rule(pick=st.integers(0, 9))
    def abandon(self, pick: int) -> None:
        counts = self.counts("open", "counted")
        if counts and pick == 0:
            abandon_count(count_id=counts[0].pk, actor=ACTOR, now=self.now)

    @rule(pick=st.integers(0, 9), partly=st.booleans())
    def post(self, pick: int, partly: bool) -> None:
        counts = self.counts("counted")
        if not counts:
            return
        count = counts[pick % len(counts)]
        before = [self.book(sku) for sku in range(3)]
        if not self.attempt(
            lambda: post_count(count_id=count.pk, unlisted="leave", partly=partly, actor=ACTOR, now=self.now)
        ):
            assert [self.book(sku) for sku in range(3)] == before, "a refused posting changed stock"
            return
        for sku, variant in enumerate(self.variants):
            line = count.lines.filter(variant=variant).first()
            change = self.book(sku) - before[sku]
            if line is None or line.result in ("left", "refused"):
                assert change == 0
                continue
            # What other counts have put right since is not put right again.
            for key in self.known:
                if key[1] == sku and key[0] != count.pk:
                    self.known[key] -= change
            assert change == self.known.pop((count.pk, sku)), "the difference of the moment of counting"
            self.off[sku] -= change

    @invariant()
    def the_ledger_proves_it(self) -> None:
        assert audit_stock() == []
        with connection.cursor() as cursor:
            for statement in CHECKS.values():
                cursor.execute(statement)
                assert cursor.fetchall() == []


def test_stock_ends_as_it_is_whatever_moves_meanwhile() -> None:
    run_state_machine_as_test(
        CountMachine,
        settings=settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None),
    )  # fmt: skip


class TestRaces:
    def shelf(self) -> tuple[StockCount, Any, Any]:
        place, variant = make_location(), make_variant()
        give_stock(variant, place, 50, bin="S-1")
        scope = CountScope("bins", bins=["S-1"])
        count = create_count(
            location_id=place.pk, scope=scope, settings=CountSettings(tolerance_units=50), actor=ACTOR, now=NOW
        )
        return count, place, variant

    def test_two_who_post_at_once(self, committed: None, threads: Any) -> None:
        count, _place, variant = self.shelf()
        record_line(count_id=count.pk, variant_id=variant.pk, bin_name="S-1", quantity=45, actor=ACTOR, now=NOW)
        finish_count(count_id=count.pk, actor=ACTOR, now=NOW)
        results = threads(5, lambda i: post_count(count_id=count.pk, unlisted="leave", actor=ACTOR, now=NOW))
        assert sum(isinstance(one, Refusal) for one in results) == 4
        assert StockLevel.objects.get(variant=variant).on_hand == 45

    def test_scans_of_two_people_add_up(self, committed: None, threads: Any) -> None:
        count, _place, variant = self.shelf()

        def scan(i: int) -> None:
            for _n in range(10):
                record_line(
                    count_id=count.pk,
                    variant_id=variant.pk,
                    bin_name="S-1",
                    quantity=1,
                    add=True,
                    actor=PEOPLE[i % 2],
                    now=NOW,
                )

        assert threads(4, scan) == [None] * 4
        assert count.lines.get().counted == 40

    def test_two_who_find_the_same_thing(self, committed: None, threads: Any) -> None:
        count, place, _variant = self.shelf()
        lost = make_variant()
        give_stock(lost, place, 4, bin="S-9")
        results = threads(
            4,
            lambda i: record_line(
                count_id=count.pk,
                variant_id=lost.pk,
                bin_name=f"T-{i % 2}",
                quantity=1,
                add=True,
                found=True,
                actor=PEOPLE[0],
                now=NOW,
            ),
        )
        assert not [one for one in results if isinstance(one, Exception)]
        assert sorted(count.lines.filter(variant=lost).values_list("bin", "home", "counted")) == [
            ("S-9", True, None),
            ("T-0", False, 2),
            ("T-1", False, 2),
        ]

    def test_counting_against_shipping(self, committed: None, threads: Any) -> None:
        """One counts right at some moment of a stream of parcels; whatever the order, nothing is lost or taken twice."""
        count, place, variant = self.shelf()
        with transaction.atomic():
            reserve(
                [Claim(variant.pk, place.pk, f"order_line:{n}", 1) for n in range(20)],
                cause="order:1",
                actor=ACTOR,
                now=NOW,
            )

        def work(i: int) -> None:
            if i == 0:
                with (
                    transaction.atomic()
                ):  # what the counter sees is what the book says at that very moment, less two that are lost
                    level = StockLevel.objects.select_for_update().get(variant=variant)
                    record_line(
                        count_id=count.pk,
                        variant_id=variant.pk,
                        bin_name="S-1",
                        quantity=level.on_hand - 2,
                        actor=PEOPLE[0],
                        now=NOW,
                    )
                finish_count(count_id=count.pk, actor=PEOPLE[0], now=NOW)
                post_count(count_id=count.pk, unlisted="leave", actor=ACTOR, now=NOW)
                return
            for n in range((i - 1) * 10, i * 10):
                with transaction.atomic():
                    ship([Claim(variant.pk, place.pk, f"order_line:{n}", 1)], cause="order:1", actor=ACTOR, now=NOW)

        assert threads(3, work) == [None] * 3
        level = StockLevel.objects.get(variant=variant)
        assert (level.on_hand, level.reserved) == (50 - 20 - 2, 0)
        assert audit_stock() == []
