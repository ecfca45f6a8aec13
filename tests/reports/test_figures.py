"""The figures of days: whole days of the shop's zone, always equal to the orders they are made from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from core.actors import Actor
from core.models import Shop
from oms.orchestration.cancel_order import cancel_order
from orders.events import OrderCancelled, OrdersPlaced
from orders.models import Order
from orders.queries import day_bounds, shop_zone
from reports import handlers
from reports.models import DailyFigure, StaleDay
from reports.operations import mark_every_day, refresh_figures
from reports.queries import Range, figures_for
from tests.factories.shop import NOW, make_channel, make_order

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.fixture
def berlin() -> None:
    Shop.objects.create(name="Shop", time_zone="Europe/Berlin")


def figures() -> dict[date, int]:
    while refresh_figures():
        pass
    return dict(DailyFigure.objects.values_list("day").annotate(n=Sum("orders")))


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
def test_a_day_is_as_long_as_its_clocks_make_it(berlin: None, day: date, hours: int) -> None:
    start, end = day_bounds(day, shop_zone())
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_orders_of_every_hour_around_a_change_of_clocks_are_counted_once(berlin: None, day: date) -> None:
    channel = make_channel()
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=12)
    for hour in range(48):
        make_order(channel, placed_at=begin + timedelta(hours=hour), now=NOW)
    mark_every_day()
    counted = figures()
    hours = {SPRING: 23, AUTUMN: 25}[day]
    assert counted[day] == hours
    assert sum(counted.values()) == 48


def test_an_order_just_before_midnight_belongs_to_the_day_of_the_shop(berlin: None) -> None:
    order = make_order(placed_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    handlers.orders_placed(OrdersPlaced([order.pk]), actor=ACTOR, now=NOW)
    assert figures() == {date(2026, 7, 2): 1}


def test_a_cancelled_order_leaves_the_revenue_and_stays_counted() -> None:
    order = make_order(lines=None)
    handlers.orders_placed(OrdersPlaced([order.pk]), actor=ACTOR, now=NOW)
    assert figures() == {NOW.date(): 1}
    assert DailyFigure.objects.get().revenue == order.total
    cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)
    handlers.order_changed(OrderCancelled(order.pk), actor=ACTOR, now=NOW)
    figures()
    figure = DailyFigure.objects.get()
    assert (figure.orders, figure.cancelled, figure.revenue) == (1, 1, Decimal(0))


def test_an_event_that_comes_twice_changes_nothing() -> None:
    order = make_order()
    for _again in range(2):
        handlers.orders_placed(OrdersPlaced([order.pk]), actor=ACTOR, now=NOW)
        assert figures() == {NOW.date(): 1}
    assert not StaleDay.objects.exists()


def test_another_zone_of_the_shop_makes_every_day_anew(berlin: None) -> None:
    make_order(placed_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    mark_every_day()
    assert figures() == {date(2026, 7, 2): 1}
    Shop.objects.update(time_zone="UTC")
    assert figures() == {date(2026, 7, 1): 1}


def test_figures_of_a_range_add_up_and_never_mix_currencies() -> None:
    euro, dollar = make_channel(name="Euro"), make_channel(name="Dollar", currency="USD")
    for channel, count in ((euro, 3), (dollar, 2)):
        for n in range(count):
            make_order(channel, placed_at=NOW - timedelta(days=n))
    mark_every_day()
    figures()
    found = figures_for(Range(NOW.date() - timedelta(days=6), NOW.date()))
    assert found.orders == Order.objects.count() == 5
    assert sum(found.orders_by_channel.values()) == 5
    assert found.revenue == {
        row["currency"]: row["sum"] for row in Order.objects.order_by().values("currency").annotate(sum=Sum("total"))
    }
    assert not found.being_made
    assert list(found.orders_by_day) == found.range.days


def test_what_cannot_be_true_is_not_stored() -> None:
    channel = make_channel()
    with pytest.raises(IntegrityError), transaction.atomic():
        DailyFigure.objects.create(
            day=NOW.date(),
            channel=channel,
            currency="EUR",
            time_zone="UTC",
            orders=1,
            cancelled=2,
            revenue=0,
            refunded=0,
        )
