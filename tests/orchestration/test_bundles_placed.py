"""A bundle in a cart: its components move, its money stays exact, and a cart counts as a whole."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory.models import Reservation, StockLevel
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.place_order import place_order, place_orders
from oms.orchestration.requests import CartShort, Refused
from oms.orchestration.route_order import fill_backorders
from orders.models import Order, OrderBundle
from tests.factories.bundles import make_bundle
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant, new_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db):
    """A lamp and a bulb; a set of one lamp with two bulbs."""
    lamp, bulb = make_variant("LAMP", price=Decimal(40)), make_variant("BULB", price=Decimal(5))
    return lamp, bulb, make_bundle("SET", {lamp: 1, bulb: 2}, title="Lamp with bulbs", price=Decimal(45))


def held(order: Order) -> dict[str, tuple[int, int]]:
    """SKU → (allocated, back-ordered)."""
    return {line.sku: (line.allocated, line.backordered) for line in order.lines.order_by("position")}


def test_the_sale_of_a_bundle_moves_its_components(shop, actor, now):
    lamp, bulb, bundle = shop
    place = make_location()
    give_stock(lamp, place, 5), give_stock(bulb, place, 9)
    order = make_order(lines=[("SET", 2)], price="44.99")
    group = OrderBundle.objects.get()
    assert (group.sku, group.title, group.quantity, group.unit_price) == ("SET", "Lamp with bulbs", 2, Decimal("44.99"))
    assert held(order) == {"LAMP": (2, 0), "BULB": (4, 0)}
    assert [(line.bundle, line.per_bundle) for line in order.lines.order_by("position")] == [(group, 1), (group, 2)]
    assert {level.variant_id: level.reserved for level in StockLevel.objects.all()} == {lamp.pk: 2, bulb.pk: 4}
    assert (order.subtotal, order.discount_total, order.total) == (Decimal("89.98"), 0, Decimal("89.98"))
    assert not Reservation.objects.filter(variant=bundle).exists()
    assert check_integrity()[1] == []


def test_complete_sets_are_served_and_the_rest_waits_as_sets(shop, actor, now):
    lamp, bulb, _bundle = shop
    place = make_location()
    give_stock(lamp, place, 9), give_stock(bulb, place, 5)
    order = make_order(lines=[("SET", 4)])
    assert held(order) == {"LAMP": (2, 2), "BULB": (4, 4)}, "a lamp without bulbs is not reserved"
    give_stock(bulb, place, 2)
    assert fill_backorders(actor=actor, now=now) == 1
    assert held(order) == {"LAMP": (3, 1), "BULB": (6, 2)}
    assert check_integrity()[1] == []


def test_what_an_incomplete_set_leaves_is_there_for_the_next_line(shop):
    lamp, _bulb, _bundle = shop
    give_stock(lamp, make_location(), 1)
    order = make_order(lines=[("SET", 1), ("LAMP", 1)])
    lines = list(order.lines.order_by("position"))
    assert [(line.allocated, line.backordered) for line in lines] == [(0, 1), (0, 2), (1, 0)]


def test_a_set_may_come_from_several_locations(shop):
    lamp, bulb, _bundle = shop
    give_stock(lamp, make_location(), 1), give_stock(bulb, make_location(), 2)
    assert held(make_order(lines=[("SET", 1)])) == {"LAMP": (1, 0), "BULB": (2, 0)}


def test_a_cart_that_only_looks_possible_line_by_line_is_refused(shop, actor, now):
    lamp, bulb, _bundle = shop
    other = make_bundle("PAIR", {bulb: 2})
    place = make_location()
    give_stock(lamp, place, 9), give_stock(bulb, place, 3)
    channel = make_channel()
    for lines in ([("SET", 1)], [("PAIR", 1)], [("BULB", 3)]):
        placed = place_order(new_order(channel, lines, on_shortage="refuse"), actor=actor, now=now)
        cancel_order(order_id=placed.order_id, reason="", actor=actor, now=now)
    request = new_order(channel, [("SET", 1), ("PAIR", 1), ("BULB", 1)], on_shortage="refuse")
    with pytest.raises(CartShort) as refusal:
        place_order(request, actor=actor, now=now)
    assert [(s.position, s.sku, s.quantity, s.promised) for s in refusal.value.short] == [(1, "PAIR", 1, 0)]
    assert refusal.value.field == "lines[1].quantity" and refusal.value.status == 409
    assert Order.objects.exclude(lifecycle="cancelled").count() == 0
    assert sum(StockLevel.objects.values_list("reserved", flat=True)) == 0
    assert other.pk and check_integrity()[1] == []


def test_a_refused_order_leaves_its_stock_to_the_next_of_the_batch(shop, actor, now):
    lamp, bulb, _bundle = shop
    place, channel = make_location(), make_channel()
    give_stock(lamp, place, 3), give_stock(bulb, place, 9)
    first = new_order(channel, [("SET", 4)], on_shortage="refuse")
    second = new_order(channel, [("LAMP", 3)], on_shortage="refuse")
    answers = place_orders([first, second, first], actor=actor, now=now)
    assert isinstance(answers[0], Refused) and answers[2] == answers[0] and answers[1].created
    assert held(Order.objects.get()) == {"LAMP": (3, 0)}
