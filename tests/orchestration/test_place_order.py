"""Placing orders: once each, routed, reserved, adding up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import OutboxEvent, TimelineEntry
from core.refusals import Invalid
from fulfillment.models import FulfillmentOrder
from inventory.models import Reservation, StockLevel, StockMovement
from oms.orchestration.place_order import place_order, place_orders
from oms.orchestration.requests import NewLine, Refused
from orders.models import Order
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant, new_order

pytestmark = pytest.mark.django_db


def test_an_order_is_reserved_routed_and_explained(actor, now):
    variant, location = make_variant("A-1"), make_location("Warsaw")
    give_stock(variant, location, 5, bin="A-02")
    order = make_order(lines=[("A-1", 2)])
    level = StockLevel.objects.get()
    assert (level.on_hand, level.reserved, level.available) == (5, 2, 3)
    assert Reservation.objects.get().owner == f"order_line:{order.lines.get().pk}"
    work = FulfillmentOrder.objects.get()
    assert (work.state, work.units, work.first_bin, work.location) == ("open", 2, "A-02", location)
    assert order.routing_decisions.get().receipt["allocations"]
    assert (order.lifecycle, order.payment, order.fulfillment) == ("open", "paid", "unfulfilled")
    assert order.ship_by == work.ship_by
    assert TimelineEntry.objects.filter(subject=order.subject, kind="order.placed").exists()
    assert OutboxEvent.objects.filter(name="orders.placed", payload__order_ids=[order.pk]).exists()
    assert StockMovement.objects.filter(bucket="reserved", cause=order.subject).get().quantity == 2


def test_shortage_becomes_a_back_order(actor, now):
    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 1)
    order = make_order(lines=[("A-1", 3)])
    line = order.lines.get()
    assert (line.allocated, line.backordered) == (1, 2)
    assert order.backordered and not order.needs_routing


def test_an_order_that_no_location_may_ship_waits_for_routing(actor, now):
    variant, location = make_variant("A-1"), make_location(ships_to=["DE"])
    give_stock(variant, location, 9)
    order = make_order(lines=[("A-1", 3)])
    assert order.needs_routing and not order.backordered
    assert order.lines.get().to_place == 3


def test_an_unpaid_order_is_reserved_and_held(actor, now):
    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 9)
    order = make_order(make_channel(hold_unpaid=True), [("A-1", 3)], paid=False)
    assert order.on_hold and order.fulfillment == "on_hold" and order.payment == "unpaid"
    assert FulfillmentOrder.objects.get().state == "on_hold"
    assert StockLevel.objects.get().reserved == 3


def test_the_same_order_again_is_answered_not_repeated(actor, now):
    variant, location = make_variant("A-1"), make_location()
    give_stock(variant, location, 9)
    request = new_order(make_channel(), [("A-1", 1)])
    first = place_order(request, actor=actor, now=now)
    second, third = place_orders([request, request], actor=actor, now=now)
    assert first.created and not second.created and not third.created
    assert first.order_id == second.order_id == third.order_id
    assert Order.objects.count() == 1 and StockLevel.objects.get().reserved == 1


def test_a_batch_places_what_it_can_and_names_what_it_cannot(actor, now):
    channel, variant, location = make_channel(), make_variant("A-1"), make_location()
    give_stock(variant, location, 9)
    good, unknown = new_order(channel, [("A-1", 1)]), new_order(channel, [("A-1", 1), ("NOPE", 1)])
    outcomes = place_orders([unknown, good], actor=actor, now=now)
    assert isinstance(outcomes[0], Refused) and outcomes[0].line == 1 and "NOPE" in outcomes[0].message
    assert outcomes[1].created and Order.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lines": ()}, "lines"),
        ({"lines": (NewLine("A-1", 0, Decimal(1)),)}, "lines[0].quantity"),
        ({"lines": (NewLine("A-1", 1, Decimal(-1)),)}, "lines[0].unit_price"),
        ({"lines": (NewLine("A-1", 1, Decimal("NaN")),)}, "lines[0].unit_price"),
        ({"currency": "eur"}, "currency"),
        ({"external_id": ""}, "external_id"),
        ({"shipping_total": Decimal("0.001")}, "shipping_total"),
    ],
)
def test_bad_input_is_refused_naming_the_field(actor, now, changes, field):
    make_variant("A-1")
    with pytest.raises(Invalid) as refusal:
        place_order(_changed(changes), actor=actor, now=now)
    assert refusal.value.field == field
    assert Order.objects.count() == 0


def _changed(changes):
    from dataclasses import replace

    return replace(new_order(make_channel(), [("A-1", 1)]), **changes)


def test_a_difference_to_the_channels_total_is_kept_visibly(actor, now):
    give_stock(make_variant("A-1"), make_location(), 9)
    order = make_order(lines=[("A-1", 1)], total=Decimal("9.50"))
    assert (order.subtotal, order.adjustment_total, order.total) == (Decimal(10), Decimal("-0.5"), Decimal("9.5"))


@pytest.mark.parametrize(("currency", "price"), [("JPY", "1234"), ("KWD", "1.234"), ("EUR", "0.99")])
def test_currencies_with_other_decimals_add_up(actor, now, currency, price):
    give_stock(make_variant("A-1"), make_location(), 9)
    order = make_order(make_channel(currency=currency), [("A-1", 3)], price=price)
    assert order.total == Decimal(price) * 3 and order.payment == "paid"
