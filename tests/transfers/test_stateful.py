"""Transfers under any sequence of what people do to them, beside adjustments: after each step the ledger proves it right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.refusals import Refusal
from inventory.models import Reservation, StockLevel
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from oms.integrity import CHECKS
from tests.factories.shop import ACTOR, NOW, make_location, make_variant
from transfers.auditing import CHECKS as TRANSFER_CHECKS
from transfers.models import Arrival, Transfer, TransferLine
from transfers.operations import (
    Arrived,
    NewTransfer,
    Settled,
    cancel_transfer,
    count_scanned,
    create_transfer,
    dispatch_transfer,
    find_again,
    make_ready,
    receive_counted,
    receive_transfer,
    revise_transfer,
    settle_missing,
    undo_arrival,
)

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = (
    "transfers_transfer, transfers_transferline, transfers_arrival, transfers_settlement, inventory_stockmovement, inventory_reservation, "
    "inventory_stocklevel, core_timelineentry, core_outboxevent, inventory_location, inventory_variant, inventory_product"
)
PICK = st.integers(0, 20)
UNITS = st.integers(0, 6)


class TransferMachine(RuleBasedStateMachine):
    """Three places, two SKUs, and everything that may happen to stock between them."""

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        self.places = [make_location() for _ in range(3)]
        self.variants = [make_variant(sku) for sku in ("A-1", "B-1")]
        self.now = NOW
        self.step = 0
        for place in self.places[:2]:
            for variant in self.variants:
                self.adjust_(variant, place, "on_hand", 8)

    def adjust_(self, variant, place, bucket: str, change: int) -> None:
        adjust_stock(
            variant_id=variant.pk, location_id=place.pk, bucket=bucket, quantity=change, reason="correction", actor=ACTOR, now=self.now
        )  # fmt: skip

    def attempt(self, act, **arguments: Any) -> None:
        """Do it a little later than the last thing; a refusal changes nothing and is fine."""
        self.step += 1
        self.now += timedelta(minutes=7)
        before = self.totals()
        try:
            act(**arguments, actor=ACTOR, now=self.now)
        except Refusal:
            assert self.totals() == before, "a refused operation changed something"

    def totals(self) -> list[Any]:
        levels = StockLevel.objects.order_by("pk").values_list("on_hand", "reserved", "damaged", "incoming")
        lines = TransferLine.objects.order_by("pk").values_list(
            "shipped", "received", "over", "lost", "returned", "found"
        )
        return [*levels, *lines, *Transfer.objects.order_by("pk").values_list("state", "version")]

    def some(self, rows, pick: int):
        rows = list(rows.order_by("pk"))
        return rows[pick % len(rows)] if rows else None

    def under_way(self, pick: int) -> Transfer | None:
        return self.some(Transfer.objects.filter(state__in=["in_transit", "received"]), pick)

    @rule(
        origin=st.integers(0, 2), further=st.integers(1, 2), units=st.lists(st.integers(1, 6), min_size=1, max_size=2)
    )
    def draft(self, origin, further, units) -> None:
        a, b = self.places[origin], self.places[(origin + further) % 3]
        lines = tuple((variant.pk, n) for variant, n in zip(self.variants, units, strict=False))
        create_transfer(NewTransfer(a.pk, b.pk, lines), actor=ACTOR, now=self.now)

    @rule(pick=PICK, reduce=st.booleans())
    def ready(self, pick, reduce) -> None:
        if transfer := self.some(Transfer.objects.filter(state__in=["draft", "ready"]), pick):
            self.attempt(make_ready, transfer_id=transfer.pk, reduce=reduce)

    @rule(pick=PICK, cancel=st.booleans())
    def give_up(self, pick, cancel) -> None:
        if transfer := self.some(Transfer.objects.all(), pick):
            self.attempt(cancel_transfer if cancel else revise_transfer, transfer_id=transfer.pk)

    @rule(pick=PICK, units=st.none() | st.lists(UNITS, min_size=2, max_size=2), keep_rest=st.booleans())
    def dispatch(self, pick, units, keep_rest) -> None:
        if transfer := self.some(Transfer.objects.filter(state="ready"), pick):
            wanted = units and dict(
                zip(transfer.lines.order_by("pk").values_list("pk", flat=True), units, strict=False)
            )
            self.attempt(dispatch_transfer, transfer_id=transfer.pk, units=wanted, keep_rest=keep_rest)

    @rule(
        pick=PICK,
        units=st.lists(UNITS, min_size=2, max_size=2),
        damaged=st.integers(0, 2),
        why=st.sampled_from(["sent_more", "found", ""]),
    )
    def receive(self, pick, units, damaged, why) -> None:
        if transfer := self.under_way(pick):
            arrived = [
                Arrived(line.pk, n, min(damaged, n), why, "on_the_way")
                for line, n in zip(transfer.lines.order_by("pk"), units, strict=False)
            ]
            self.attempt(receive_transfer, transfer_id=transfer.pk, arrived=arrived, key=f"k{self.step % 5}")

    @rule(pick=PICK, code=st.sampled_from(["A-1", "B-1", "C-1"]), times=st.integers(1, 4), damaged=st.booleans())
    def scan(self, pick, code, times, damaged) -> None:
        if transfer := self.under_way(pick):
            try:
                for _ in range(times):
                    count_scanned(transfer_id=transfer.pk, code=code, damaged=damaged)
            except Refusal:
                return

    @rule(pick=PICK, why=st.sampled_from(["sent_more", "found"]))
    def post(self, pick, why) -> None:
        if transfer := self.under_way(pick):
            reasons = {pk: Arrived(pk, 0, 0, why, "before") for pk in transfer.lines.values_list("pk", flat=True)}
            self.attempt(receive_counted, transfer_id=transfer.pk, reasons=reasons, key=f"post{self.step}")

    @rule(pick=PICK)
    def undo(self, pick) -> None:
        if arrival := self.some(Arrival.objects.all(), pick):
            self.attempt(undo_arrival, arrival_id=arrival.pk)

    @rule(pick=PICK, units=UNITS, reason=st.sampled_from(["lost", "stolen", "back"]))
    def settle(self, pick, units, reason) -> None:
        if line := self.some(TransferLine.objects.filter(transfer__state="in_transit"), pick):
            settled = [Settled(line.pk, units, reason)]
            self.attempt(settle_missing, transfer_id=line.transfer_id, settled=settled)

    @rule(pick=PICK, units=UNITS, place=st.sampled_from(["origin", "destination"]))
    def find(self, pick, units, place) -> None:
        if line := self.some(TransferLine.objects.filter(lost__gt=0), pick):
            self.attempt(find_again, transfer_id=line.transfer_id, line_id=line.pk, quantity=units, place=place)

    @rule(
        variant=st.integers(0, 1), place=st.integers(0, 2), change=st.integers(-5, 5),
        bucket=st.sampled_from(["on_hand", "damaged", "safety_stock", "incoming"]),
    )  # fmt: skip
    def adjust(self, variant, place, change, bucket) -> None:
        self.attempt(
            adjust_stock, variant_id=self.variants[variant].pk, location_id=self.places[place].pk, bucket=bucket, quantity=change,
            reason="correction",
        )  # fmt: skip

    @invariant()
    def the_ledger_proves_it(self) -> None:
        assert audit_stock() == []
        with connection.cursor() as cursor:
            for name in ("reservation_has_an_owner_that_needs_it", *TRANSFER_CHECKS):
                cursor.execute(CHECKS[name])
                assert cursor.fetchall() == [], name

    @invariant()
    def nothing_is_promised_for_nothing(self) -> None:
        promised = Reservation.objects.aggregate(n=Sum("quantity", default=0))["n"]
        assert promised == Transfer.objects.filter(state="ready").aggregate(n=Sum("units", default=0))["n"]

    @invariant()
    def closed_is_closed(self) -> None:
        gone = F("shipped") - F("received") - F("lost") - F("returned")
        assert not Transfer.objects.filter(state="received").annotate(left=gone).exclude(left=0).exists()
        assert not Transfer.objects.filter(state="in_transit").annotate(left=gone).filter(left=0).exists()


@pytest.mark.slow
def test_any_sequence_leaves_the_books_right() -> None:
    run_state_machine_as_test(
        TransferMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
