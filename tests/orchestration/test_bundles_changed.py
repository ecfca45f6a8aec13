"""What becomes of a sold bundle: cancelled whole or in part, shipped, sent back, imported again, and wanted by many at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import smallest_unit
from core.refusals import Invalid, Refusal
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shortages import report_missing
from inventory.models import StockLevel, Variant
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.place_order import place_order, place_orders
from oms.orchestration.promising import Wish, check_availability
from oms.orchestration.requests import CartShort, NewLine, Placed
from oms.orchestration.route_order import fill_backorders, route_order
from orders.models import Order, OrderBundle, OrderLine
from tests.channels.files import bring_in, counts, orders_file
from tests.factories.bundles import make_bundle
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

pytestmark = pytest.mark.django_db
BY = {"actor": ACTOR, "now": NOW}


@pytest.fixture
def stocked(db):
    """SET: one lamp, two bulbs; nine lamps, nine bulbs."""
    lamp, bulb = make_variant("LAMP", price=Decimal(40)), make_variant("BULB", price=Decimal(5))
    bundle, place = make_bundle("SET", {lamp: 1, bulb: 2}, title="Lamp with bulbs"), make_location()
    give_stock(lamp, place, 9), give_stock(bulb, place, 9)
    return bundle


def quantities(order: Order) -> list[tuple[str, int, int]]:
    return list(order.lines.order_by("position").values_list("sku", "ordered", "cancelled"))


def test_one_bundle_is_cancelled_with_its_share_of_the_money(stocked):
    order = make_order(lines=[("SET", 3)], price="33.33", paid=False)
    bundle = order.bundles.get()
    done = cancel_order(order_id=order.pk, sets={bundle.pk: 1}, reason="", **BY)
    order.refresh_from_db()
    assert quantities(order) == [("LAMP", 3, 1), ("BULB", 6, 2)] and sum(done.units.values()) == 3
    assert order.cancelled_total == Decimal("33.33")
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {2, 4}
    cancel_order(order_id=order.pk, sets={bundle.pk: 2}, reason="", **BY)
    order.refresh_from_db()
    assert order.lifecycle == "cancelled" and order.cancelled_total == order.total == Decimal("99.99")
    assert check_integrity()[1] == []


def test_a_component_is_cancelled_alone_and_then_fewer_whole_bundles_can_be(stocked):
    order = make_order(lines=[("SET", 2)], paid=False)
    bundle, bulbs = order.bundles.get(), order.lines.get(sku="BULB")
    cancel_order(order_id=order.pk, units={bulbs.pk: 1}, reason="", **BY)
    with pytest.raises(Invalid) as refusal:
        cancel_order(order_id=order.pk, sets={bundle.pk: 2}, reason="", **BY)
    assert refusal.value.field == f"bundle-{bundle.pk}"
    cancel_order(order_id=order.pk, sets={bundle.pk: 1}, units={bulbs.pk: 1}, reason="", **BY)
    assert quantities(order) == [("LAMP", 2, 1), ("BULB", 4, 4)]
    other = make_order(lines=[("SET", 1)])
    with pytest.raises(Invalid):
        cancel_order(order_id=order.pk, sets={other.bundles.get().pk: 1}, reason="", **BY)
    assert check_integrity()[1] == []


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_money_stays_exact_through_any_cancels(stocked, data):
    """Any bundle price, discount and tax, in currencies of 0, 2 and 3 decimals, cancelled in any pieces."""
    with transaction.atomic():
        check_money(data)
        transaction.set_rollback(True)


def check_money(data) -> None:
    currency = data.draw(st.sampled_from(["JPY", "EUR", "KWD"]))
    unit = smallest_unit(currency)
    quantity = data.draw(st.integers(1, 4))
    price = data.draw(st.integers(0, 20_000)) * unit
    discount = data.draw(st.integers(0, int(price * quantity / unit))) * unit
    tax = data.draw(st.integers(0, 5_000)) * unit
    included = data.draw(st.booleans())
    lines = (NewLine("SET", quantity, price), NewLine("BULB", 1, 7 * unit))
    request = new_order(
        make_channel(currency=currency), [], paid=False, discount_total=discount, tax_total=tax, tax_included=included
    )
    placed = place_order(replace(request, lines=lines), **BY)
    order = Order.objects.get(pk=placed.order_id)
    assert order.subtotal == price * quantity + 7 * unit and order.discount_total == discount
    assert order.total == order.subtotal - discount + (0 if included else tax) and order.adjustment_total == 0
    bundle, before = order.bundles.get(), Decimal(0)
    for _step in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            wanted = {"sets": {bundle.pk: data.draw(st.integers(1, 2))}}
        else:
            line = data.draw(st.sampled_from(list(order.lines.order_by("position"))))
            wanted = {"units": {line.pk: data.draw(st.integers(1, 2))}}
        try:
            cancel_order(order_id=order.pk, reason="", **wanted, **BY)
        except Refusal:
            continue
        order.refresh_from_db()
        assert before <= order.cancelled_total <= order.total and order.cancelled_total % unit == 0
        before = order.cancelled_total
    assert check_integrity()[1] == []
    if order.lifecycle == "open":
        cancel_order(order_id=order.pk, reason="", **BY)
        order.refresh_from_db()
    assert order.cancelled_total == order.total
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {0}


def test_an_export_with_a_bundle_comes_in_once_and_catches_up(stocked):
    row = {"Lineitem sku": "SET", "Lineitem quantity": "2", "Lineitem price": "45.50", "Total": "91.00"}
    channel = make_channel(time_zone="Europe/Warsaw")
    assert counts(bring_in("orders", orders_file(row), channel)) == (1, 0, 0, 0)
    order = Order.objects.get()
    assert quantities(order) == [("LAMP", 2, 0), ("BULB", 4, 0)] and order.bundles.get().quantity == 2
    assert (order.subtotal, order.total, order.adjustment_total) == (91, 91, 0)
    assert counts(bring_in("orders", orders_file(row), channel)) == (0, 0, 1, 0)
    gone = row | {
        "Cancelled at": "2026-11-19 10:00:00 +0100",
        "Financial Status": "refunded",
        "Refunded Amount": "91.00",
    }
    assert counts(bring_in("orders", orders_file(gone), channel)) == (0, 1, 0, 0)
    order.refresh_from_db()
    assert order.lifecycle == "cancelled" and check_integrity()[1] == []
    assert counts(bring_in("orders", orders_file(gone), channel)) == (0, 0, 1, 0)


def test_a_shipped_export_of_a_bundle_is_history(stocked):
    row = {"Lineitem sku": "SET", "Lineitem fulfillment status": "fulfilled", "Fulfillment Status": "fulfilled"}
    bring_in("orders", orders_file(row))
    assert set(OrderLine.objects.values_list("ordered", "shipped")) == {(1, 1), (2, 2)}
    assert OrderBundle.objects.get().quantity == 1 and check_integrity()[1] == []


# ---- carts against a reference ---------------------------------------------------------------------------------------


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_random_carts_are_promised_what_a_packer_would_find(data):
    """Bundles that share components, bought together and singly, from several locations, against packing one after the other."""
    with transaction.atomic():
        variants = [make_variant() for _n in range(4)]
        places = [make_location() for _n in range(2)]
        left: Counter[int] = Counter()
        for variant in variants:
            for place in places:
                if units := data.draw(st.integers(0, 6)):
                    give_stock(variant, place, units)
                    left[variant.pk] += units
        recipes: dict[str, dict[int, int]] = {variant.sku: {variant.pk: 1} for variant in variants}
        for _n in range(3):
            parts = data.draw(st.dictionaries(st.sampled_from(range(4)), st.integers(1, 3), min_size=1))
            bundle = make_bundle("", {variants[i]: quantity for i, quantity in parts.items()})
            recipes[bundle.sku] = {variants[i].pk: quantity for i, quantity in parts.items()}
        cart = data.draw(
            st.lists(st.tuples(st.sampled_from(sorted(recipes)), st.integers(1, 5)), min_size=1, max_size=5)
        )
        expected = [_pack(left, recipes[sku], quantity) for sku, quantity in cart]
        found = check_availability([Wish(*line) for line in cart], country="PL", now=NOW)
        assert [line.promised for line in found.lines] == expected
        whole = expected == [quantity for _sku, quantity in cart]
        assert found.complete == whole
        channel = make_channel()
        try:
            with transaction.atomic():
                place_order(new_order(channel, cart, on_shortage="refuse"), **BY)
                placed = True
                transaction.set_rollback(True)
        except CartShort as refusal:
            placed = False
            told = {short.position: short.promised for short in refusal.short}
            assert [told.get(n, quantity) for n, (_sku, quantity) in enumerate(cart)] == expected
        assert placed == whole
        order = Order.objects.get(pk=place_order(new_order(channel, cart), **BY).order_id)
        assert _served(order, cart, recipes) == expected
        assert check_integrity()[1] == []
        transaction.set_rollback(True)


def _pack(left: Counter[int], recipe: dict[int, int], quantity: int) -> int:
    """Pack up to `quantity`, one after the other, taking from what is left."""
    for n in range(quantity):
        if any(left[variant] < units for variant, units in recipe.items()):
            return n
        left.subtract(recipe)
    return quantity


def _served(order: Order, cart: list[tuple[str, int]], recipes: dict[str, dict[int, int]]) -> list[int]:
    """Whole sets reserved for each line of the cart; nothing beyond them is reserved."""
    served, lines = [], iter(order.lines.order_by("position"))
    for sku, _quantity in cart:
        is_bundle = Variant.objects.get(sku=sku).is_bundle
        group, seen = [], Counter[int]()
        while sum(seen.values()) < (sum(recipes[sku].values()) if is_bundle else 1):
            line = next(lines)
            group.append(line)
            seen[line.variant_id] += line.per_bundle or 1
        sets = {line.allocated // (line.per_bundle or 1) for line in group}
        assert len(sets) == 1 and all(line.allocated % (line.per_bundle or 1) == 0 for line in group)
        assert all(line.allocated + line.backordered == line.ordered for line in group)
        served.append(sets.pop())
    return served


def test_a_batch_of_orders_shares_what_there_is(stocked):
    make_bundle("PAIR", {Variant.objects.get(sku="BULB"): 2})
    channel = make_channel()
    wanted = [new_order(channel, [(sku, 2)], on_shortage="refuse") for sku in ("SET", "PAIR", "SET", "PAIR")]
    assert [isinstance(answer, Placed) for answer in place_orders(wanted, **BY)] == [True, True, False, False]
    assert StockLevel.objects.get(variant__sku="BULB").available == 1


# ---- many at once ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("on_shortage", ["refuse", "backorder"])
def test_fifty_buyers_of_two_bundles_that_share_a_component(threads, on_shortage):
    """Twenty bulbs, taken two by SET and one by SINGLE: none is sold twice, and none is left while somebody was refused."""
    lamp, bulb, base = make_variant("LAMP"), make_variant("BULB"), make_variant("BASE")
    make_bundle("SET", {lamp: 1, bulb: 2}), make_bundle("SINGLE", {base: 1, bulb: 1})
    here, there, channel = make_location(), make_location(latitude=50.0), make_channel()
    for variant in (lamp, base):
        give_stock(variant, here, 100)
    give_stock(bulb, here, 13), give_stock(bulb, there, 7)
    requests = [new_order(channel, [("SET" if n % 2 else "SINGLE", 1)], on_shortage=on_shortage) for n in range(50)]
    results = threads(50, lambda n: place_order(requests[n], **BY))
    assert not [r for r in results if not isinstance(r, Placed | CartShort)]
    reserved = StockLevel.objects.filter(variant=bulb).aggregate(n=Sum("reserved"))["n"]
    assert reserved in (19, 20), "at most one bulb is left, when only pairs were still wanted"
    served = {
        sku: OrderLine.objects.filter(bundle__sku=sku, sku="BULB").aggregate(n=Sum("allocated"))["n"] or 0
        for sku in ("SET", "SINGLE")
    }
    assert served["SET"] + served["SINGLE"] == reserved and served["SET"] % 2 == 0
    if reserved == 19:
        assert served["SINGLE"] == 25, "a single bulb is never refused while one is left"
    for first, second in (("LAMP", "SET"), ("BASE", "SINGLE")):
        whole = OrderLine.objects.filter(sku=first).aggregate(n=Sum("allocated"))["n"] or 0
        assert whole == served[second] // (2 if second == "SET" else 1), "nothing is reserved for an incomplete set"
    if on_shortage == "refuse":
        refused = sum(isinstance(r, CartShort) for r in results)
        assert Order.objects.count() == 50 - refused
        assert OrderLine.objects.aggregate(n=Sum("backordered"))["n"] == 0
    assert check_integrity()[1] == []


def test_a_component_that_a_picker_did_not_find_completes_its_set_later(db):
    """The lamp keeps its place; the bulb that is missing waits, and comes to the set that lacks it."""
    lamp, bulb = make_variant("LAMP"), make_variant("BULB")
    place = make_location()
    make_bundle("SET", {lamp: 1, bulb: 2})
    give_stock(lamp, place, 5), give_stock(bulb, place, 2)
    order = make_order(lines=[("SET", 1)])
    work = FulfillmentOrder.objects.get(order=order)
    start_picking(fulfillment_order_id=work.pk, **BY)
    missing = work.lines.get(order_line__sku="BULB")
    report_missing(fulfillment_order_id=work.pk, line_id=missing.pk, units=1, **BY)
    route_order(order_id=order.pk, **BY)
    assert placed(order) == {"LAMP": (1, 0), "BULB": (1, 1)} and check_integrity()[1] == []
    give_stock(bulb, place, 1)
    assert fill_backorders(**BY) == 1
    assert placed(order) == {"LAMP": (1, 0), "BULB": (2, 0)} and check_integrity()[1] == []


def placed(order: Order) -> dict[str, tuple[int, int]]:
    return {line.sku: (line.allocated, line.backordered) for line in order.lines.all()}
