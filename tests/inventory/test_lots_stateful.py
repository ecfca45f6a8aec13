"""Lots and serial numbers under any sequence of what people and programs do, with the audit after each step.

What arrives with and without a lot, is adjusted, ordered, picked by scan or not, packed, shipped, returned, inspected, moved between
locations, expires, is set aside and relabelled. Refusals are allowed, breaches are not, and what leaves without being named is never
of a later lot while an earlier one that may ship lies free.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder, LineLot
from fulfillment.operations.packing import empty_parcel, pack_scanned
from fulfillment.operations.picking import finish_picking, pick_scanned
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.shortages import report_missing
from inventory.models import Lot, LotLevel, SerialNumber, StockLevel, StockMovement
from inventory.operations import Move, adjust_stock, apply_moves
from inventory.operations.auditing import audit_stock
from inventory.operations.lot_keeping import is_spent
from inventory.operations.lots import (
    find_or_add_lot,
    pick_lot_units,
    relabel_lot,
    set_expired_aside,
    set_tracking,
)
from inventory.operations.serials import give_up_serials, move_serials, receive_units
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.place_order import place_order
from orders.models import OrderLine
from returns.models import Return
from returns.operations import Received, Verdict, approve_return, inspect_return, receive_return
from returns.operations.asking import LineRequest, request_return
from returns.queries.sent_units import sent_units
from tests.factories.returns import make_shop
from tests.factories.shop import ACTOR, NOW, make_channel, make_location, make_variant, new_order
from tests.inventory.test_stock_stateful import TABLES

pytestmark = pytest.mark.django_db(transaction=True)
LOTS = ("", "A", "B", "C")
#: Days from the start until each lot expires.
DAYS = {"A": 2, "B": 6, "C": 60}


class UnitsMachine(RuleBasedStateMachine):
    """Two locations, one variant by lot, one by serial number, one that nobody follows."""

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        make_shop()
        self.channel = make_channel()
        self.places = [make_location("Near", latitude=52.0), make_location("Far", latitude=40.0, country="ES")]
        self.milk, self.phone, self.plain = (make_variant(sku) for sku in ("MILK", "PHONE", "PLAIN"))
        self.now, self.step = NOW, 0
        for variant, tracking in ((self.milk, "lot"), (self.phone, "serial")):
            set_tracking(variant_id=variant.pk, tracking=tracking, actor=ACTOR, now=self.now)

    def attempt(self, act) -> None:
        self.step += 1
        self.now += timedelta(hours=3)
        before = self.counts()
        try:
            act()
        except Refusal:
            assert self.counts() == before, "a refused operation changed something"

    def counts(self):
        return [
            list(StockLevel.objects.order_by("pk").values_list("on_hand", "reserved", "damaged", "quality_control")),
            list(LotLevel.objects.filter(on_hand__gt=0).order_by("pk").values_list("on_hand", "quality_control", "picked")),
            list(SerialNumber.objects.order_by("pk").values_list("state", "location")),
        ]  # fmt: skip

    def some(self, rows, pick: int):
        rows = list(rows)
        return rows[pick % len(rows)] if rows else None

    @property
    def key(self) -> str:
        return f"{self.step:032x}"

    def lot(self, code: str) -> Lot | None:
        if not code:
            return None
        expires = NOW.date() + timedelta(days=DAYS[code])
        return find_or_add_lot(variant_id=self.milk.pk, code=code, expires_on=expires, actor=ACTOR, now=self.now)

    @rule(place=st.integers(0, 1), code=st.sampled_from(LOTS), units=st.integers(1, 9))
    def milk_arrives(self, place, code, units) -> None:
        def act() -> None:
            with transaction.atomic():
                lot = self.lot(code)
                move = Move(self.milk.pk, self.places[place].pk, "on_hand", units, "received", lot_id=lot and lot.pk)
                apply_moves([move], cause=f"test:{self.step}", actor=ACTOR, now=self.now)

        self.attempt(act)

    @rule(place=st.integers(0, 1), units=st.integers(1, 3), named=st.booleans())
    def phones_arrive(self, place, units, named) -> None:
        where = {"variant_id": self.phone.pk, "location_id": self.places[place].pk, "actor": ACTOR, "now": self.now}
        if named:
            serials = [f"S{self.step}-{n}" for n in range(units)]
            self.attempt(lambda: receive_units(**where, serials=serials, key=self.key))
        else:
            self.attempt(lambda: adjust_stock(**where, quantity=units, reason="received"))

    @rule(
        variant=st.sampled_from(["milk", "phone", "plain"]), place=st.integers(0, 1), change=st.integers(-5, 6),
        bucket=st.sampled_from(["on_hand", "on_hand", "damaged", "quality_control"]), forced=st.booleans(),
    )  # fmt: skip
    def adjust(self, variant, place, change, bucket, forced) -> None:
        which = getattr(self, variant)

        def act() -> None:
            with transaction.atomic():
                where = {"variant_id": which.pk, "location_id": self.places[place].pk, "actor": ACTOR, "now": self.now}
                if forced and variant == "phone" and bucket == "on_hand" and change < 0:
                    give_up_serials(**where, units=-change, cause=f"test:{self.step}")
                adjust_stock(**where, bucket=bucket, quantity=change, reason="correction")

        self.attempt(act)

    @rule(code=st.sampled_from(["A", "B", "C"]), place=st.integers(0, 1), units=st.integers(1, 3))
    def read_a_lot(self, code, place, units) -> None:
        expires = NOW.date() + timedelta(days=DAYS[code])
        self.attempt(
            lambda: relabel_lot(
                variant_id=self.milk.pk, location_id=self.places[place].pk, code=code, expires_on=expires, units=units, key=self.key,
                actor=ACTOR, now=self.now,
            )
        )  # fmt: skip

    @rule(place=st.integers(0, 1), units=st.integers(1, 4))
    def bring_to_the_other_location(self, place, units) -> None:
        here, there = self.places[place], self.places[1 - place]
        phone = SerialNumber.objects.filter(location=here).first()

        def act() -> None:
            with transaction.atomic():
                out = Move(self.milk.pk, here.pk, "on_hand", -units, "transferred")
                apply_moves([out], cause=f"test-bring:{self.step}", actor=ACTOR, now=self.now)
                gone = StockMovement.objects.filter(cause=f"test-bring:{self.step}").values_list("lot_id", "quantity")
                back = [Move(self.milk.pk, there.pk, "on_hand", -n, "transferred", lot_id=lot) for lot, n in gone]
                apply_moves(back, cause=f"test-bring:{self.step}", actor=ACTOR, now=self.now)

        self.attempt(act)
        if phone:
            self.attempt(lambda: self.bring_phone(phone, here, there))

    def bring_phone(self, phone, here, there) -> None:
        told = {
            "variant_id": self.phone.pk,
            "serials": [phone.serial],
            "cause": "test-bring:0",
            "actor": ACTOR,
            "now": self.now,
        }
        with transaction.atomic():
            move_serials(**told, state="in_transit", from_location_id=here.pk)
            for place, units in ((here, -1), (there, 1)):
                move = Move(self.phone.pk, place.pk, "on_hand", units, "transferred")
                apply_moves([move], cause="test-bring:0", actor=ACTOR, now=self.now)
            move_serials(**told, state="in_stock", location_id=there.pk, from_states=["in_transit"])

    @rule(days=st.integers(1, 2))
    def time_passes(self, days) -> None:
        self.now += timedelta(days=days)
        self.attempt(lambda: set_expired_aside(actor=ACTOR, now=self.now))

    @rule(
        lines=st.lists(
            st.tuples(st.sampled_from(["MILK", "MILK", "PHONE", "PLAIN"]), st.integers(1, 3)), min_size=1, max_size=2
        )
    )
    def place(self, lines) -> None:
        request = new_order(self.channel, lines)
        self.attempt(lambda: place_order(request, actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 30), code=st.sampled_from(["MILK", "A", "B", "C"]), pack=st.booleans())
    def scan(self, pick, code, pack) -> None:
        work = self.open_work(pick)
        if work:
            scan_in = pack_scanned if pack else pick_scanned
            self.attempt(lambda: scan_in(fulfillment_order_id=work.pk, code=code, actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 30), unit=st.integers(0, 30))
    def scan_a_phone(self, pick, unit) -> None:
        work, phone = self.open_work(pick), self.some(SerialNumber.objects.order_by("pk"), unit)
        if work and phone:
            self.attempt(
                lambda: pack_scanned(fulfillment_order_id=work.pk, code=phone.serial, actor=ACTOR, now=self.now)
            )

    @rule(pick=st.integers(0, 30), act=st.sampled_from([finish_picking, empty_parcel]))
    def finish_or_empty(self, pick, act) -> None:
        work = self.open_work(pick)
        if work:
            self.attempt(lambda: act(fulfillment_order_id=work.pk, actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 30), units=st.integers(1, 2))
    def not_there(self, pick, units) -> None:
        work = self.open_work(pick)
        line = work and work.lines.filter(quantity__gt=0).first()
        if line:
            self.attempt(
                lambda: report_missing(
                    fulfillment_order_id=work.pk, line_id=line.pk, units=units, actor=ACTOR, now=self.now
                )
            )

    def open_work(self, pick: int) -> FulfillmentOrder | None:
        return self.some(FulfillmentOrder.objects.filter(state__in=["open", "picking", "picked"]).order_by("pk"), pick)

    @rule(pick=st.integers(0, 30))
    def ship(self, pick) -> None:
        work = self.some(
            FulfillmentOrder.objects.filter(state__in=["open", "picking", "picked", "packed"]).order_by("pk"), pick
        )
        if work is None:
            return
        for phone in SerialNumber.objects.filter(location=work.location_id, state="in_stock").order_by("pk")[:3]:
            self.attempt(
                lambda serial=phone.serial: pack_scanned(
                    fulfillment_order_id=work.pk, code=serial, actor=ACTOR, now=self.now
                )
            )
        self.attempt(
            lambda: ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=self.now, fast_forward=True)
        )

    @rule(pick=st.integers(0, 30))
    def cancel(self, pick) -> None:
        line = self.some(OrderLine.objects.filter(order__lifecycle="open").order_by("pk"), pick)
        if line:
            self.attempt(lambda: cancel_order(order_id=line.order_id, reason="", actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 30), disposition=st.sampled_from(["restock", "quarantine", "refurbish", "scrap"]))
    def bring_back(self, pick, disposition) -> None:
        line = self.some(OrderLine.objects.filter(shipped__gt=0).order_by("pk"), pick)
        if line is None:
            return
        asked = [LineRequest(line.pk, 1, "changed_mind")]
        self.attempt(
            lambda: request_return(
                order_id=line.order_id, lines=asked, customer_note="", request_key=f"{self.step:020d}", actor=ACTOR, now=self.now
            )
        )  # fmt: skip
        for request in Return.objects.filter(state__in=["requested", "approved", "in_transit"]):
            if request.state == "requested":
                self.attempt(lambda pk=request.pk: approve_return(return_id=pk, actor=ACTOR, now=self.now))
            self.attempt(lambda request=request: self.receive(request, disposition))

    def receive(self, request, disposition) -> None:
        line = request.lines.select_related("order_line").get()
        sent = sent_units([line.order_line_id]).get(line.order_line_id)
        received = Received(
            line.pk, 1, lot_id=sent.lots[0].lot_id if sent and sent.lots else None,
            serials=tuple(sent.serials[:1]) if sent else (),
        )  # fmt: skip
        told = {"return_id": request.pk, "actor": ACTOR, "now": self.now}
        with transaction.atomic():
            receive_return(lines=[received], location_id=self.places[0].pk, **told)
            inspect_return(verdicts=[Verdict(line.pk, disposition, 1)], **told)

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert audit_stock() == []

    @invariant()
    def picked_units_are_those_of_open_lines(self) -> None:
        in_totes: dict[tuple[int, int], int] = {}
        rows = LineLot.objects.filter(line__shipped=0).values_list(
            "lot", "line__fulfillment_order__location", "quantity"
        )
        for lot, place, units in rows:
            in_totes[(lot, place)] = in_totes.get((lot, place), 0) + units
        levels = LotLevel.objects.filter(picked__gt=0).values_list("lot", "location", "picked")
        assert {(lot, place): units for lot, place, units in levels} == in_totes

    def teardown(self) -> None:
        assert check_integrity()[1] == []


def test_units_stay_told_apart_whatever_happens() -> None:
    run_state_machine_as_test(
        UnitsMachine,
        settings=settings(
            phases=[Phase.explicit, Phase.generate],
            max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )  # fmt: skip


@given(
    lots=st.lists(st.tuples(st.none() | st.integers(-3, 20), st.integers(1, 5)), min_size=1, max_size=5),
    wanted=st.integers(1, 12),
    least=st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_never_a_later_expiry_while_an_earlier_one_that_may_ship_is_free(lots, wanted, least) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLES} CASCADE")
    variant, place = make_variant(min_remaining_days=least), make_location()
    set_tracking(variant_id=variant.pk, tracking="lot", actor=ACTOR, now=NOW)
    today = NOW.date()
    with transaction.atomic():
        moves = []
        for n, (days, units) in enumerate(lots):
            expires = None if days is None else today + timedelta(days=days)
            lot = find_or_add_lot(variant_id=variant.pk, code=f"L{n}", expires_on=expires, actor=ACTOR, now=NOW)
            moves.append(Move(variant.pk, place.pk, "on_hand", units, "received", lot_id=lot.pk))
        apply_moves(moves, cause="test:1", actor=ACTOR, now=NOW)
        try:
            taken = dict(pick_lot_units(variant_id=variant.pk, location_id=place.pk, units=wanted, now=NOW))
        except Refusal:
            taken = {}
    rows = LotLevel.objects.select_related("lot").filter(on_hand__gt=0)
    fit = {row.lot_id: row for row in rows if not is_spent(row.lot.expires_on, least, today)}
    assert sum(taken.values()) == (wanted if sum(row.on_hand for row in fit.values()) >= wanted else 0)
    assert taken.keys() <= fit.keys()
    turn = {pk: (row.lot.expires_on or date.max, pk) for pk, row in fit.items()}
    left_free = [turn[pk] for pk, row in fit.items() if taken and row.on_hand > taken.get(pk, 0)]
    assert not left_free or max(turn[pk] for pk in taken) <= min(left_free)
