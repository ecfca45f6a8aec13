"""Purchasing under any sequence of what people and programs do: after each step stock, orders and costs prove themselves right."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.refusals import Refusal
from inventory.models import StockLevel, StockMovement
from inventory.operations import Claim, adjust_stock, reserve, ship
from inventory.operations.auditing import audit_stock
from purchasing.auditing import CHECKS
from purchasing.models import CostEntry, PurchaseLine, PurchaseOrder, VariantCost
from purchasing.operations import (
    Arrived,
    Confirmation,
    LineEdit,
    NewLine,
    approve_purchase_order,
    book_counted,
    cancel_purchase_order,
    change_charges,
    close_purchase_order,
    confirm_purchase_order,
    cost_everything,
    count_scanned,
    create_purchase_order,
    create_purchase_orders,
    edit_purchase_order,
    plan_purchases,
    receive_purchase_order,
    revalue_purchase,
    send_purchase_order,
)
from tests.factories.purchasing import make_item, make_purchase, make_supplier, receive
from tests.factories.shop import ACTOR, NOW, make_location, make_variant

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = (
    "purchasing_purchaseorder, purchasing_supplier, purchasing_variantcost, purchasing_costcursor, purchasing_costlayer, purchasing_costentry, "
    "inventory_stockmovement, inventory_reservation, inventory_stocklevel, inventory_changedlevel, core_timelineentry, core_outboxevent, "
    "inventory_location, inventory_variant, inventory_product"
)


def wrong() -> list[tuple[str, ...]]:
    """What the checks of purchasing find."""
    found = []
    with connection.cursor() as cursor:
        for name, statement in CHECKS.items():
            cursor.execute(statement)
            found += [(name, *row) for row in cursor.fetchall()]
    return found


class PurchasingMachine(RuleBasedStateMachine):
    """Two places, three SKUs, a supplier at home and one abroad; goods are bought, sold, lost, and costed now and then."""

    def __init__(self) -> None:
        super().__init__()
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
        self.places = [make_location(), make_location()]
        self.variants = [make_variant(f"S-{n}", cost=Decimal(n) if n else None) for n in range(3)]
        self.suppliers = [make_supplier(minimum_order=Decimal(20)), make_supplier(currency="JPY")]
        for n, variant in enumerate(self.variants):
            make_item(self.suppliers[n % 2], variant, price=str(n + 1), pack_size=n + 1, preferred=True)
        self.now, self.sold = NOW, 0

    def attempt(self, act) -> None:
        """Do it a little later than the last thing; a refusal changes nothing and is fine."""
        self.now += timedelta(minutes=7)
        before = self.totals()
        try:
            act()
        except Refusal:
            assert self.totals() == before, "a refused act changed something"

    def totals(self):
        return (
            list(StockLevel.objects.order_by("pk").values_list("on_hand", "damaged", "incoming")),
            list(
                PurchaseLine.objects.order_by("pk").values_list(
                    "ordered", "confirmed", "received", "damaged", "cancelled"
                )
            ),
            list(PurchaseOrder.objects.order_by("pk").values_list("state", "version")),
        )

    def order(self, pick: int) -> PurchaseOrder | None:
        orders = list(PurchaseOrder.objects.order_by("-pk")[:6])
        return orders[pick % len(orders)] if orders else None

    def do(self, operation, pick: int, **more) -> None:
        if order := self.order(pick):
            more = {name: value(order) if callable(value) else value for name, value in more.items()}
            self.attempt(lambda: operation(order_id=order.pk, actor=ACTOR, now=self.now, **more))

    @rule(
        supplier=st.integers(0, 1),
        place=st.integers(0, 1),
        lines=st.dictionaries(st.integers(0, 2), st.integers(1, 9), min_size=1),
    )
    def draft(self, supplier, place, lines) -> None:
        new = [NewLine(self.variants[n].pk, units, Decimal(units) / 4) for n, units in lines.items()]
        self.attempt(
            lambda: create_purchase_order(
                supplier_id=self.suppliers[supplier].pk,
                location_id=self.places[place].pk,
                lines=new,
                actor=ACTOR,
                now=self.now,
            )
        )

    @rule(needs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 30)), min_size=1, max_size=3))
    def plan(self, needs) -> None:
        wanted = [(self.variants[n].pk, self.places[p].pk, units) for n, p, units in needs]
        self.attempt(lambda: create_purchase_orders(plan_purchases(wanted), actor=ACTOR, now=self.now))
        assert plan_purchases(wanted) == [], "the same need is planned twice"

    @rule(pick=st.integers(0, 9), units=st.integers(0, 12))
    def edit(self, pick, units) -> None:
        self.do(
            edit_purchase_order,
            pick,
            edits=lambda order: [LineEdit(line.pk, units, Decimal("1.25")) for line in order.lines.all()[:1]],
        )

    @rule(
        pick=st.integers(0, 9),
        freight=st.integers(0, 50),
        rate=st.sampled_from(["0.006", "0.0071"]),
        basis=st.sampled_from(["value", "quantity"]),
    )
    def charge(self, pick, freight, rate, basis) -> None:
        order = self.order(pick)
        if order:
            foreign = order.currency != "EUR"
            self.do(
                change_charges,
                pick,
                freight=Decimal(freight),
                duty=Decimal(0),
                other=Decimal(3),
                basis=basis,
                exchange_rate=Decimal(rate) if foreign else None,
                rate_source="bank",
            )
            revalue_purchase(purchase_id=order.pk, now=self.now)

    @rule(pick=st.integers(0, 9))
    def approve(self, pick) -> None:
        self.do(approve_purchase_order, pick)

    @rule(pick=st.integers(0, 9))
    def send(self, pick) -> None:
        self.do(send_purchase_order, pick, mail=False)

    @rule(pick=st.integers(0, 9), change=st.integers(-4, 4))
    def confirm(self, pick, change) -> None:
        self.do(
            confirm_purchase_order,
            pick,
            lines=lambda order: [
                Confirmation(line.pk, max(0, line.expected + change)) for line in order.lines.all()[:2]
            ],
        )

    @rule(
        pick=st.integers(0, 9),
        units=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), min_size=1, max_size=3),
        reason=st.sampled_from(["", "more"]),
    )
    def arrive(self, pick, units, reason) -> None:
        self.do(
            receive_purchase_order,
            pick,
            key=uuid.uuid4().hex,
            reason=reason,
            arrived=lambda order: [
                Arrived(line.pk, *each) for line, each in zip(order.lines.order_by("pk"), units, strict=False)
            ],
        )

    @rule(pick=st.integers(0, 9), variant=st.integers(0, 2), book=st.booleans())
    def scan(self, pick, variant, book) -> None:
        if order := self.order(pick):
            self.attempt(lambda: count_scanned(order_id=order.pk, code=self.variants[variant].sku))
            if book:
                self.do(book_counted, pick, key=uuid.uuid4().hex)

    @rule(pick=st.integers(0, 9))
    def close(self, pick) -> None:
        self.do(close_purchase_order, pick, reason="gone")

    @rule(pick=st.integers(0, 9))
    def cancel(self, pick) -> None:
        self.do(cancel_purchase_order, pick, reason="no")

    @rule(variant=st.integers(0, 2), place=st.integers(0, 1), units=st.integers(1, 5))
    def sell(self, variant, place, units) -> None:
        self.sold += 1
        claim = [Claim(self.variants[variant].pk, self.places[place].pk, f"order_line:{self.sold}", units)]

        def act() -> None:
            with transaction.atomic():
                reserve(claim, cause=f"order:{self.sold}", actor=ACTOR, now=self.now)
                ship(claim, cause=f"order:{self.sold}", actor=ACTOR, now=self.now)

        self.attempt(act)

    @rule(
        variant=st.integers(0, 2),
        place=st.integers(0, 1),
        change=st.integers(-4, 6),
        bucket=st.sampled_from(["on_hand", "incoming"]),
    )
    def adjust(self, variant, place, change, bucket) -> None:
        self.attempt(
            lambda: adjust_stock(
                variant_id=self.variants[variant].pk,
                location_id=self.places[place].pk,
                bucket=bucket,
                quantity=change,
                reason="correction",
                actor=ACTOR,
                now=self.now,
            )
        )

    @rule()
    def cost(self) -> None:
        """The follower catches up: then units are those on hand, and nothing is costed twice."""
        cost_everything(now=self.now)
        assert cost_everything(now=self.now) == 0
        on_hand: dict[int, int] = defaultdict(int)
        for variant_id, units in StockLevel.objects.values_list("variant_id", "on_hand"):
            on_hand[variant_id] += units
        pools = dict(VariantCost.objects.values_list("variant_id", "units"))
        assert {key: units for key, units in on_hand.items() if units} == {
            key: units for key, units in pools.items() if units
        }
        moved = StockMovement.objects.filter(bucket="on_hand").count()
        assert CostEntry.objects.filter(movement_id__isnull=False).count() == moved
        sums = CostEntry.objects.aggregate(fifo=Sum("fifo_stock"), average=Sum("average_stock"))
        values = VariantCost.objects.aggregate(fifo=Sum("fifo_value"), average=Sum("average_value"))
        assert sums == values

    @invariant()
    def nothing_is_broken(self) -> None:
        assert audit_stock() == []
        assert wrong() == []


def test_any_sequence_keeps_stock_orders_and_costs_right() -> None:
    run_state_machine_as_test(
        PurchasingMachine,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# ---- at once ---------------------------------------------------------------------------------------------------------


def test_one_delivery_booked_by_many_at_once_is_booked_once(committed, threads) -> None:
    order = make_purchase([(make_variant(), 10, "1")])
    line, key = order.lines.get(), uuid.uuid4().hex
    made = threads(
        6,
        lambda _n: (
            receive_purchase_order(order_id=order.pk, arrived=[Arrived(line.pk, 10)], key=key, actor=ACTOR, now=NOW).pk
        ),
    )
    assert len(set(made)) == 1
    level = StockLevel.objects.get(variant=line.variant_id)
    assert (level.on_hand, level.incoming) == (10, 0)
    assert wrong() == []


def test_two_deliveries_at_once_both_count(committed, threads) -> None:
    order = make_purchase([(make_variant(), 12, "1"), (make_variant(), 12, "1")])
    threads(6, lambda _n: receive(order, 2, 2))
    assert PurchaseOrder.objects.get(pk=order.pk).state == "received"
    assert list(StockLevel.objects.values_list("on_hand", "incoming")) == [(12, 0), (12, 0)]
    assert wrong() == []


def test_a_cancel_against_a_receipt_leaves_one_of_them(committed, threads) -> None:
    for _round in range(4):
        order = make_purchase([(make_variant(), 5, "1")])

        def act(n: int, order: PurchaseOrder = order) -> None:
            if n % 2:
                cancel_purchase_order(order_id=order.pk, reason="no", actor=ACTOR, now=NOW)
            else:
                receive(order, 5)

        results = threads(2, act)
        assert sum(isinstance(result, Refusal) for result in results) == 1
        order.refresh_from_db()
        assert (order.state, order.received) in (("cancelled", 0), ("received", 5))
    assert audit_stock() == []
    assert wrong() == []


def test_orders_of_the_same_goods_at_once_never_deadlock(committed, threads) -> None:
    place, first, second = make_location(), make_variant(), make_variant()
    supplier = make_supplier()
    orders = [
        make_purchase([(first, 4, "1"), (second, 4, "1")][:: 1 if n % 2 else -1], supplier=supplier, location=place)
        for n in range(6)
    ]
    results = threads(6, lambda n: receive(orders[n], 4, 4))
    assert not [result for result in results if isinstance(result, Exception)]
    assert list(StockLevel.objects.values_list("on_hand", "incoming")) == [(24, 0), (24, 0)]
    assert wrong() == []
