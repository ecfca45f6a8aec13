"""Stock under any sequence of what people and programs do: after each step the ledger proves it right.

The machine places, cancels, routes, ships, returns, adjusts and imports in random order; refusals are allowed, breaches are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import Reservation, StockLevel
from inventory.operations import adjust_stock
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_holds
from oms.orchestration.import_inventory import import_inventory
from oms.orchestration.place_order import place_order
from oms.orchestration.route_order import fill_backorders, route_order
from orders.models import Order, OrderLine
from returns.models import Return
from returns.operations.asking import LineRequest, cancel_return, request_return
from returns.operations.deciding import approve_return
from returns.operations.goods import Received, Verdict, inspect_return, receive_return
from tests.factories.shop import ACTOR, NOW, make_channel, make_location, make_variant, new_order

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = (
    "returns_inspection, returns_returnline, returns_return, fulfillment_fulfillmentline, fulfillment_fulfillmentorder, "
    "inventory_stockmovement, inventory_reservation, inventory_stocklevel, orders_order, core_timelineentry, core_outboxevent, "
    "inventory_location, inventory_variant, inventory_product, orders_channel"
)


@dataclass(frozen=True)
class Count:
    """A row of an inventory file."""

    sku: str
    location: str
    on_hand: int | None
    unavailable: int | None = None
    bin: str | None = None
    hs_code: str | None = None
    origin_country: str | None = None


class StockMachine(RuleBasedStateMachine):
    """Two locations, three SKUs, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        self.channel = make_channel()
        self.places = [make_location("Near", latitude=52.0), make_location("Far", latitude=40.0, country="ES")]
        self.variants = [make_variant(sku) for sku in ("A-1", "B-1", "C-1")]
        self.now = NOW
        self.step = 0

    def attempt(self, act) -> None:
        """Do it a little later than the last thing; a refusal changes nothing and is fine."""
        self.step += 1
        self.now += timedelta(minutes=7)
        before = self.totals()
        try:
            act()
        except Refusal:
            assert self.totals() == before, "a refused operation changed stock"

    def totals(self):
        return list(
            StockLevel.objects.order_by("pk").values_list(
                "on_hand", "reserved", "damaged", "quality_control", "safety_stock"
            )
        )

    def some(self, rows, pick: int):
        rows = list(rows)
        return rows[pick % len(rows)] if rows else None

    @rule(lines=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=3), paid=st.booleans())
    def place(self, lines, paid) -> None:
        request = new_order(self.channel, [(self.variants[i].sku, n) for i, n in lines], paid=paid)
        self.attempt(lambda: place_order(request, actor=ACTOR, now=self.now))

    @rule(
        variant=st.integers(0, 2),
        place=st.integers(0, 1),
        change=st.integers(-6, 9),
        bucket=st.sampled_from(["on_hand", "on_hand", "damaged", "safety_stock", "quality_control"]),
    )
    def adjust(self, variant, place, change, bucket) -> None:
        self.attempt(
            lambda: adjust_stock(
                variant_id=self.variants[variant].pk, location_id=self.places[place].pk, bucket=bucket, quantity=change,
                reason="correction", actor=ACTOR, now=self.now,
            )
        )  # fmt: skip

    @rule(variant=st.integers(0, 2), place=st.integers(0, 1), count=st.integers(0, 12))
    def import_count(self, variant, place, count) -> None:
        row = Count(self.variants[variant].sku, self.places[place].name, count)
        self.attempt(lambda: import_inventory([row], cause="job:1", actor=ACTOR, now=self.now))

    @rule()
    def fill(self) -> None:
        self.attempt(lambda: fill_backorders(actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 30), units=st.none() | st.integers(1, 3))
    def cancel(self, pick, units) -> None:
        line = self.some(OrderLine.objects.filter(order__lifecycle="open").order_by("pk"), pick)
        if line:
            wanted = None if units is None else {line.pk: units}
            self.attempt(
                lambda: cancel_order(order_id=line.order_id, units=wanted, reason="", actor=ACTOR, now=self.now)
            )

    @rule(pick=st.integers(0, 30))
    def reroute(self, pick) -> None:
        order = self.some(Order.objects.filter(lifecycle="open").order_by("pk"), pick)
        if order:
            self.attempt(lambda: route_order(order_id=order.pk, actor=ACTOR, now=self.now, again=True))

    @rule(pick=st.integers(0, 30), hold=st.booleans())
    def hold_or_release(self, pick, hold) -> None:
        order = self.some(Order.objects.filter(lifecycle="open").order_by("pk"), pick)
        if order and hold:
            self.attempt(lambda: hold_order(order_id=order.pk, kind="operator", actor=ACTOR, now=self.now))
        elif order:
            self.attempt(lambda: release_holds(order_id=order.pk, actor=ACTOR, now=self.now))

    @rule(pick=st.integers(0, 30))
    def ship(self, pick) -> None:
        work = self.some(FulfillmentOrder.objects.filter(state__in=["open", "on_hold", "shipped"]).order_by("pk"), pick)
        if work:
            self.attempt(
                lambda: ship_fulfillment_order(
                    fulfillment_order_id=work.pk, actor=ACTOR, now=self.now, fast_forward=True
                )
            )

    @precondition(lambda self: OrderLine.objects.filter(shipped__gt=0).exists())
    @rule(pick=st.integers(0, 30), units=st.integers(1, 3))
    def ask_return(self, pick, units) -> None:
        line = self.some(OrderLine.objects.filter(shipped__gt=0).order_by("pk"), pick)
        request = [LineRequest(line.pk, units, "changed_mind")]
        self.attempt(
            lambda: request_return(
                order_id=line.order_id,
                lines=request,
                customer_note="",
                request_key=f"{self.step:020d}",
                actor=ACTOR,
                now=self.now,
            )
        )

    @rule(
        pick=st.integers(0, 30),
        disposition=st.sampled_from(["restock", "quarantine", "refurbish", "scrap"]),
        cancel=st.booleans(),
    )
    def work_on_return(self, pick, disposition, cancel) -> None:
        request = self.some(
            Return.objects.exclude(state__in=["resolved", "declined", "cancelled", "inspected"]).order_by("pk"), pick
        )
        if request is None:
            return
        line = request.lines.first()
        if cancel:
            self.attempt(lambda: cancel_return(return_id=request.pk, actor=ACTOR, now=self.now))
        elif request.state == "requested":
            self.attempt(lambda: approve_return(return_id=request.pk, actor=ACTOR, now=self.now))
        elif request.state in ("approved", "in_transit"):
            received = [Received(line.pk, line.quantity)]
            self.attempt(
                lambda: receive_return(
                    return_id=request.pk, lines=received, location_id=self.places[0].pk, actor=ACTOR, now=self.now
                )
            )
        else:
            verdict = [Verdict(line.pk, disposition, line.received - line.inspected)]
            self.attempt(lambda: inspect_return(return_id=request.pk, verdicts=verdict, actor=ACTOR, now=self.now))

    @invariant()
    def the_ledger_proves_it(self) -> None:
        assert audit_stock() == []

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        promised = Reservation.objects.aggregate(n=Sum("quantity"))["n"] or 0
        open_units = OrderLine.objects.aggregate(n=Sum(F("allocated") - F("shipped")))["n"] or 0
        assert promised == open_units

    def teardown(self) -> None:
        assert check_integrity()[1] == []


def test_stock_stays_right_whatever_happens() -> None:
    run_state_machine_as_test(
        StockMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
