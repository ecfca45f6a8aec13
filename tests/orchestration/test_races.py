"""Races that open systems lose: here each ends right, with nothing doubled and nothing refused that could be served."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from django.db.models import Sum

from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder
from inventory.models import Reservation, StockLevel
from inventory.operations import Claim, NotEnoughStock, reserve
from inventory.operations.auditing import audit_stock
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.place_order import place_order
from oms.orchestration.route_order import fill_backorders, route_order
from orders.models import Order, OrderLine
from orders.operations import record_payment
from tests.factories.shop import (
    ACTOR,
    NOW,
    give_stock,
    make_channel,
    make_location,
    make_order,
    make_variant,
    new_order,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_fifty_buyers_for_twenty_units(threads):
    variant, location, channel = make_variant("A-1"), make_location(), make_channel()
    give_stock(variant, location, 20)
    requests = [new_order(channel, [("A-1", 1)]) for _ in range(50)]
    results = threads(50, lambda i: place_order(requests[i], actor=ACTOR, now=NOW))
    assert all(getattr(r, "created", False) for r in results), [r for r in results if isinstance(r, Exception)]
    assert StockLevel.objects.get().reserved == 20
    assert OrderLine.objects.aggregate(a=Sum("allocated"), b=Sum("backordered")) == {"a": 20, "b": 30}
    assert audit_stock() == []


def test_fifty_threads_reserve_exactly_ten_units(threads):
    from django.db import transaction

    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 10)

    def take(i: int) -> str:
        with transaction.atomic():
            reserve([Claim(variant.pk, location.pk, f"test:{i}", 1)], cause=f"test:{i}", actor=ACTOR, now=NOW)
        return "got"

    results = threads(50, take)
    assert Counter(r if r == "got" else type(r) for r in results) == {"got": 10, NotEnoughStock: 40}
    assert StockLevel.objects.get().reserved == 10 == Reservation.objects.aggregate(n=Sum("quantity"))["n"]


def test_one_order_sent_eight_times_at_once_exists_once(threads):
    variant, location, channel = make_variant("A-1"), make_location(), make_channel()
    give_stock(variant, location, 20)
    request = new_order(channel, [("A-1", 2)])
    results = threads(8, lambda i: place_order(request, actor=ACTOR, now=NOW))
    assert Counter(r.created for r in results) == {True: 1, False: 7}
    assert Order.objects.count() == 1 and StockLevel.objects.get().reserved == 2
    assert FulfillmentOrder.objects.count() == 1


def test_forty_orders_that_name_two_skus_in_opposite_order(threads):
    location, channel = make_location(), make_channel()
    for sku in ("A-1", "B-1"):
        give_stock(make_variant(sku), location, 40)
    lines = [[("A-1", 1), ("B-1", 1)], [("B-1", 1), ("A-1", 1)]]
    requests = [new_order(channel, lines[i % 2]) for i in range(40)]
    results = threads(40, lambda i: place_order(requests[i], actor=ACTOR, now=NOW))
    assert all(getattr(r, "created", False) for r in results), [r for r in results if isinstance(r, Exception)]
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {40}


def test_a_payment_recorded_eight_times_at_once_charges_once(threads):
    order = make_order(paid=False)

    def pay(i: int):
        return record_payment(
            order_id=order.pk, amount=Decimal(10), method="card", key=f"attempt-{i}", actor=ACTOR, now=NOW
        )

    results = threads(8, pay)
    assert sum(isinstance(r, Refusal) for r in results) == 7
    order.refresh_from_db()
    assert order.captured_total == 10 and order.payments.count() == 1


def test_a_hundred_and_twenty_buyers_for_ten_units_at_each_of_ten_locations(threads):
    variant, channel = make_variant("A-1"), make_channel()
    for n in range(10):
        give_stock(variant, make_location(latitude=50 + n / 10), 10)
    requests = [new_order(channel, [("A-1", 1)]) for _ in range(120)]
    results = threads(120, lambda i: place_order(requests[i], actor=ACTOR, now=NOW))
    assert all(getattr(r, "created", False) for r in results), [r for r in results if isinstance(r, Exception)]
    assert OrderLine.objects.aggregate(a=Sum("allocated"), b=Sum("backordered")) == {"a": 100, "b": 20}
    assert set(StockLevel.objects.values_list("available", flat=True)) == {0}


def test_cancel_against_cancel_gives_back_once(threads):
    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 5)
    order = make_order(lines=[("A-1", 3)])
    results = threads(6, lambda i: cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW))
    assert sum(isinstance(r, Refusal) for r in results) == 5
    assert StockLevel.objects.get().reserved == 0 and audit_stock() == []


def test_reroutes_cancels_and_fills_at_once_neither_deadlock_nor_lose_units(threads):
    channel = make_channel()
    first, second = make_location(latitude=50.1), make_location(latitude=53.1)
    for sku in ("A-1", "B-1", "C-1"):
        variant = make_variant(sku)
        give_stock(variant, first, 6), give_stock(variant, second, 6)
    orders = [make_order(channel, [("A-1", 1), ("C-1", 1), ("B-1", 1)]) for _ in range(16)]

    def act(i: int):
        order = orders[i % 16]
        if i % 3 == 0:
            return route_order(order_id=order.pk, actor=ACTOR, now=NOW, again=True)
        if i % 3 == 1:
            return cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)
        return fill_backorders(actor=ACTOR, now=NOW)

    results = threads(24, act)
    assert not [r for r in results if isinstance(r, Exception) and not isinstance(r, Refusal)]
    fill_backorders(actor=ACTOR, now=NOW)
    assert audit_stock() == []
    assert OrderLine.objects.filter(order__lifecycle="open", backordered__gt=0).count() == 0
