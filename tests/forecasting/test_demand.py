"""Kept demand and days without stock: what is kept as orders and the ledger grow equals what a rebuild makes of them."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from core.models import Shop
from forecasting import handlers
from forecasting.models import DailyDemand, StaleDemand, StaleLevel, Stockout
from forecasting.operations.demand import mark_changed_orders, rebuild_demand, refresh_demand
from forecasting.operations.stockouts import rebuild_stockouts, refresh_stockouts
from inventory.events import StockChanged
from inventory.operations import Move, apply_moves
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.place_order import place_order
from orders.events import OrderCancelled, OrdersPlaced
from orders.models import Order
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_variant, new_order

pytestmark = pytest.mark.django_db
DAY = NOW.date()


def kept() -> list[tuple[Any, ...]]:
    """Everything that is kept, after all marks were worked off."""
    while refresh_demand(now=NOW) + refresh_stockouts():
        pass
    return sorted(
        DailyDemand.objects.values_list("variant_id", "location_id", "day", "ordered", "cancelled", "waiting"), key=repr
    )


def spans() -> list[tuple[Any, ...]]:
    return sorted(Stockout.objects.values_list("variant_id", "location_id", "first_day", "last_day"), key=repr)


def move(variant: Any, location: Any, quantity: int, at: datetime) -> None:
    with transaction.atomic():
        apply_moves(
            [Move(variant.pk, location.pk, "on_hand", quantity, "correction")], cause="test:stock", actor=ACTOR, now=at
        )
    handlers.stock_changed(StockChanged([[variant.pk, location.pk]]), actor=ACTOR, now=at)


def place(request: Any) -> Order:
    placed = place_order(request, actor=ACTOR, now=request.placed_at)
    handlers.orders_placed(OrdersPlaced([placed.order_id]), actor=ACTOR, now=NOW)
    return Order.objects.get(pk=placed.order_id)


def test_units_are_counted_where_they_ship_from_and_what_has_no_place_apart() -> None:
    variant, location, channel = make_variant(), make_location(), make_channel()
    give_stock(variant, location, 3)
    place(new_order(channel, [(variant.sku, 3)]))
    place(new_order(channel, [(variant.sku, 2)]))
    assert set(kept()) == {(variant.pk, None, DAY, 2, 0, 2), (variant.pk, location.pk, DAY, 3, 0, 0)}


def test_a_cancelled_order_is_no_demand_and_says_so() -> None:
    variant, location, channel = make_variant(), make_location(), make_channel()
    give_stock(variant, location, 5)
    order = place(new_order(channel, [(variant.sku, 2)]))
    kept()
    cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)
    handlers.order_cancelled(OrderCancelled(order.pk), actor=ACTOR, now=NOW)
    assert kept() == [(variant.pk, None, DAY, 2, 2, 0)]


def test_a_day_is_the_shops_day() -> None:
    Shop.objects.create(name="Shop", time_zone="Europe/Warsaw")
    variant = make_variant()
    place(new_order(make_channel(), [(variant.sku, 1)], placed_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC)))
    assert [row[2] for row in kept()] == [date(2026, 7, 2)]
    Shop.objects.update(time_zone="UTC")
    assert [row[2] for row in kept()] == [date(2026, 7, 1)], "another zone makes the whole history anew"


@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_equals_a_rebuild_after_any_orders_and_cancels(seed: int) -> None:
    chance = random.Random(seed)
    variants = [make_variant() for _ in range(3)]
    locations = [make_location() for _ in range(2)]
    channel = make_channel()
    for variant in variants:
        for location in locations:
            move(variant, location, chance.randint(1, 12), NOW - timedelta(days=9))
    kept()
    orders: list[Order] = []
    for step in range(25):
        at = NOW - timedelta(days=8) + timedelta(hours=7 * step)
        act = chance.random()
        if act < 0.55 or not orders:
            lines = [(variant.sku, chance.randint(1, 4)) for variant in chance.sample(variants, chance.randint(1, 2))]
            orders.append(place(new_order(channel, lines, placed_at=at)))
        elif act < 0.8:
            order = chance.choice(orders)
            line = order.lines.first()
            assert line is not None
            units = chance.choice([None, {line.pk: min(1, line.cancellable)}])
            if line.cancellable:
                cancel_order(order_id=order.pk, units=units, reason="", actor=ACTOR, now=at)
                handlers.order_cancelled(OrderCancelled(order.pk), actor=ACTOR, now=at)
            orders = [one for one in orders if units is not None or one.pk != order.pk]
        else:
            move(chance.choice(variants), chance.choice(locations), chance.randint(1, 6), at)
        if chance.random() < 0.4:
            kept()
    by_events = kept()
    rebuild_demand(now=NOW)
    assert by_events == kept()
    # Reservations move the ledger by events of the outbox, which no relay sent here: mark every level.
    handlers.stock_changed(
        StockChanged([[variant.pk, location.pk] for variant in variants for location in locations]),
        actor=ACTOR,
        now=NOW,
    )
    kept()
    outs = spans()
    rebuild_stockouts()
    assert outs == spans()
    for variant in variants:
        ordered = variant_units(variant.pk)
        assert (DailyDemand.objects.filter(variant=variant).aggregate(n=Sum("ordered"))["n"] or 0) == ordered


def variant_units(variant_id: int) -> int:
    from orders.models import OrderLine

    return OrderLine.objects.filter(variant_id=variant_id).aggregate(n=Sum("ordered"))["n"] or 0


def test_orders_that_changed_without_an_event_are_found_by_their_time() -> None:
    variant, location = make_variant(), make_location()
    order = place(new_order(make_channel(), [(variant.sku, 1)]))
    kept()
    give_stock(variant, location, 4)
    from oms.orchestration.route_order import route_order

    route_order(order_id=order.pk, cause="test", actor=ACTOR, now=NOW + timedelta(hours=3))
    mark_changed_orders(now=NOW + timedelta(hours=4))
    assert kept() == [(variant.pk, location.pk, DAY, 1, 0, 0)]


def test_a_day_without_stock_is_a_whole_day() -> None:
    variant, location = make_variant(), make_location()
    at = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
    move(variant, location, 5, at)
    move(variant, location, -5, at + timedelta(days=1))  # gone on the 3rd at 15:00
    move(variant, location, 2, at + timedelta(days=4))  # back on the 6th at 15:00
    move(variant, location, -2, datetime(2026, 11, 8, 0, 0, tzinfo=UTC))  # gone from midnight of the 8th on
    rebuild_demand(now=NOW)
    StaleLevel.objects.all().delete()
    first = spans()
    handlers.stock_changed(StockChanged([[variant.pk, location.pk]]), actor=ACTOR, now=NOW)
    kept()
    assert (
        first
        == spans()
        == [
            (variant.pk, location.pk, date(2026, 11, 4), date(2026, 11, 5)),
            (variant.pk, location.pk, date(2026, 11, 8), None),
        ]
    )


def test_what_comes_and_goes_within_a_day_is_no_day_without_stock() -> None:
    variant, location = make_variant(), make_location()
    at = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    move(variant, location, 5, at)
    move(variant, location, -5, at + timedelta(hours=2))
    move(variant, location, 3, at + timedelta(hours=9))
    kept()
    assert spans() == []


def test_an_event_that_comes_twice_marks_once() -> None:
    variant, location = make_variant(), make_location()
    order = place(new_order(make_channel(), [(variant.sku, 1)]))
    for _again in range(2):
        handlers.orders_placed(OrdersPlaced([order.pk]), actor=ACTOR, now=NOW)
        handlers.stock_changed(StockChanged([[variant.pk, location.pk]]), actor=ACTOR, now=NOW)
    assert (StaleDemand.objects.count(), StaleLevel.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "fields", [{"ordered": 0}, {"ordered": 2, "cancelled": 3}, {"ordered": 2, "waiting": 3}, {"ordered": -1}]
)
def test_the_database_refuses_demand_that_does_not_add_up(fields: dict[str, int]) -> None:
    variant = make_variant()
    with pytest.raises(IntegrityError), transaction.atomic():
        DailyDemand.objects.create(variant=variant, day=DAY, **fields)


def test_the_database_keeps_one_row_a_day_and_place_even_without_a_place() -> None:
    variant = make_variant()
    DailyDemand.objects.create(variant=variant, day=DAY, ordered=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        DailyDemand.objects.create(variant=variant, day=DAY, ordered=1)


def test_the_database_refuses_two_open_ends_and_an_end_before_the_start() -> None:
    variant, location = make_variant(), make_location()
    Stockout.objects.create(variant=variant, location=location, first_day=DAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        Stockout.objects.create(variant=variant, location=location, first_day=DAY + timedelta(days=2))
    with pytest.raises(IntegrityError), transaction.atomic():
        Stockout.objects.create(variant=variant, location=location, first_day=DAY, last_day=DAY - timedelta(days=1))


def test_days_without_stock_are_days_of_the_shop_and_made_anew_with_its_zone() -> None:
    variant, location = make_variant(), make_location()
    move(variant, location, 5, datetime(2026, 11, 2, 15, 0, tzinfo=UTC))
    move(variant, location, -5, datetime(2026, 11, 3, 23, 30, tzinfo=UTC))
    move(variant, location, 2, datetime(2026, 11, 5, 23, 30, tzinfo=UTC))
    kept()
    assert [(first.day, last.day) for _v, _l, first, last in spans()] == [(4, 4)]
    Shop.objects.create(name="Shop", time_zone="Europe/Warsaw")
    kept()
    assert [(first.day, last.day) for _v, _l, first, last in spans()] == [(5, 5)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_keepers_at_once_neither_collide_nor_lose_a_day(committed: None, threads: Any) -> None:
    variant, channel = make_variant(), make_channel()
    for n in range(12):
        place(new_order(channel, [(variant.sku, 1)], placed_at=NOW - timedelta(days=n)))

    def keep(n: int) -> int:
        if n == 0:
            return rebuild_demand(now=NOW)
        handlers.orders_placed(OrdersPlaced([Order.objects.order_by("pk")[n].pk]), actor=ACTOR, now=NOW)
        return refresh_demand(now=NOW)

    results = threads(6, keep)
    assert not [result for result in results if isinstance(result, Exception)], results
    kept()
    assert DailyDemand.objects.count() == 12
    assert DailyDemand.objects.aggregate(n=Sum("ordered"))["n"] == 12
