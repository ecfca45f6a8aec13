"""Cancel, hold, route, fill: what was taken is given back exactly, and what waits is served oldest first."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.refusals import Invalid, Refusal, Stale
from fulfillment.models import FulfillmentOrder
from inventory.models import StockLevel
from inventory.operations import adjust_stock
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_due, release_hold, release_if_paid
from oms.orchestration.route_order import fill_backorders, route_order, try_routing
from orders.operations import record_payment, record_refund
from tests.factories.shop import NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


def test_cancelling_a_part_gives_back_exactly_that(actor, now):
    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 5)
    order = make_order(lines=[("A-1", 3)], shipping_total=Decimal("4.90"))
    line = order.lines.get()
    done = cancel_order(order_id=order.pk, units={line.pk: 1}, reason="", actor=actor, now=now)
    order.refresh_from_db()
    assert done.refund_due == Decimal(10) == order.owed_to_customer
    assert StockLevel.objects.get().reserved == 2
    assert order.lines.get().allocated == 2 and order.lifecycle == "open"


def test_cancelling_all_cancels_the_order_and_its_work(actor, now):
    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 2)
    order = make_order(lines=[("A-1", 3)], shipping_total=Decimal("4.90"))
    cancel_order(order_id=order.pk, reason="changed my mind", actor=actor, now=now)
    order.refresh_from_db()
    assert (order.lifecycle, order.current_total, order.ship_by) == ("cancelled", 0, None)
    assert StockLevel.objects.get().reserved == 0
    assert FulfillmentOrder.objects.get().state == "cancelled"
    with pytest.raises(Refusal):
        cancel_order(order_id=order.pk, reason="", actor=actor, now=now)


def test_cancelling_too_much_or_a_foreign_line_or_a_stale_page_is_refused(actor, now):
    order, other = make_order(), make_order()
    line = order.lines.get()
    with pytest.raises(Invalid):
        cancel_order(order_id=order.pk, units={line.pk: 2}, reason="", actor=actor, now=now)
    with pytest.raises(Invalid):
        cancel_order(order_id=order.pk, units={other.lines.get().pk: 1}, reason="", actor=actor, now=now)
    with pytest.raises(Stale):
        cancel_order(order_id=order.pk, reason="", actor=actor, now=now, version=99)


def test_a_hold_stops_the_work_and_its_release_lets_it_go(actor, now):
    order = make_order()
    hold = hold_order(order_id=order.pk, kind="address", reason="no street", actor=actor, now=now)
    second = hold_order(order_id=order.pk, kind="fraud", until=now + timedelta(hours=1), actor=actor, now=now)
    assert FulfillmentOrder.objects.get().state == "on_hold"
    release_hold(hold_id=hold.pk, actor=actor, now=now)
    assert FulfillmentOrder.objects.get().state == "on_hold"
    assert release_due(actor=actor, now=now + timedelta(hours=2)) == 1
    second.refresh_from_db()
    order.refresh_from_db()
    assert second.released_at and FulfillmentOrder.objects.get().state == "open" and not order.on_hold


def test_payment_frees_what_waited_for_it(actor, now):
    give_stock(make_variant("A-1"), make_location(), 5)
    order = make_order(make_channel(hold_unpaid=True), [("A-1", 1)], paid=False)
    record_payment(order_id=order.pk, amount=Decimal(4), method="cash", key="1", actor=actor, now=now)
    assert not release_if_paid(order_id=order.pk, actor=actor, now=now)
    record_payment(order_id=order.pk, amount=Decimal(6), method="cash", key="2", actor=actor, now=now)
    assert release_if_paid(order_id=order.pk, actor=actor, now=now)
    assert FulfillmentOrder.objects.get().state == "open"


def test_money_cannot_be_taken_or_given_twice(actor, now):
    order = make_order(paid=False)
    record_payment(order_id=order.pk, amount=Decimal(10), method="cash", key="k", actor=actor, now=now)
    record_payment(order_id=order.pk, amount=Decimal(10), method="cash", key="k", actor=actor, now=now)
    with pytest.raises(Refusal, match=r"over_capture|owed"):
        record_payment(order_id=order.pk, amount=Decimal(1), method="cash", key="other", actor=actor, now=now)
    record_refund(order_id=order.pk, amount=Decimal(7), reason="", key="r", actor=actor, now=now)
    with pytest.raises(Refusal):
        record_refund(order_id=order.pk, amount=Decimal(4), reason="", key="r2", actor=actor, now=now)
    order.refresh_from_db()
    assert (order.captured_total, order.refunded_total, order.payment) == (10, 7, "partially_refunded")


def test_stock_that_comes_in_goes_to_the_oldest_back_order(actor, now):
    variant, location, channel = make_variant("A-1"), make_location(), make_channel()
    newer = make_order(channel, [("A-1", 2)], placed_at=NOW)
    older = make_order(channel, [("A-1", 2)], placed_at=NOW - timedelta(days=1))
    adjust_stock(variant_id=variant.pk, location_id=location.pk, quantity=3, reason="received", actor=actor, now=now)
    assert fill_backorders(variant_ids=[variant.pk], actor=actor, now=now) == 2
    assert older.lines.get().allocated == 2
    assert (newer.lines.get().allocated, newer.lines.get().backordered) == (1, 1)
    assert StockLevel.objects.get().reserved == 3


def test_trying_rules_writes_nothing_and_routing_again_moves_the_units(actor, now, django_assert_num_queries):
    variant, first = make_variant("A-1"), make_location("First", country="DE")
    give_stock(variant, first, 5)
    order = make_order(lines=[("A-1", 2)])
    second = make_location("Second", country="PL", latitude=50.0, longitude=19.9)
    give_stock(variant, second, 5)
    before = list(StockLevel.objects.order_by("pk").values())
    tried = try_routing(order_id=order.pk, now=now, whole=True)
    assert {a.site_id for a in tried.plan.allocations} == {second.pk}
    assert list(StockLevel.objects.order_by("pk").values()) == before
    route_order(order_id=order.pk, actor=actor, now=now, again=True)
    assert FulfillmentOrder.objects.get(state="open").location == second
    assert StockLevel.objects.get(location=first).reserved == 0


def test_daily_capacity_sends_the_next_order_elsewhere(actor, now):
    variant, near, far = (
        make_variant("A-1"),
        make_location(daily_capacity=1),
        make_location(latitude=40, longitude=0, country="ES"),
    )
    give_stock(variant, near, 5), give_stock(variant, far, 5)
    first, second = make_order(lines=[("A-1", 1)]), make_order(lines=[("A-1", 1)])
    assert first.fulfillment_orders.get().location == near
    assert second.fulfillment_orders.get().location == far
