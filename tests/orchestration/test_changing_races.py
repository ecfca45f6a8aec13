"""A change against everything that can come at the same moment: one wins, the other gets a clear answer, and nothing is doubled."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core.refusals import Refusal, Stale
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from inventory.models import StockLevel
from inventory.operations.auditing import audit_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.changing import parse_changes, preview_change, submit_change
from oms.orchestration.place_order import place_order
from orders.models import ChangeOrder, Order
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
ROUNDS = 6


@pytest.fixture
def orders(committed: None) -> list[Order]:
    place = make_location()
    for sku in ("A-1", "B-1"):
        give_stock(make_variant(sku), place, 60)
    channel = make_channel()
    return [make_order(channel, [("A-1", 2), ("B-1", 1)]) for _n in range(ROUNDS)]


def edit(order: Order, key: str, **change: Any) -> ChangeOrder:
    changes = parse_changes([change])
    return submit_change(order_id=order.pk, changes=changes, version=1, key=key, actor=ACTOR, now=NOW)


def less(order: Order, key: str = "less") -> ChangeOrder:
    line = order.lines.get(sku="A-1")
    return edit(order, key, kind="remove_units", line=line.pk, units=1)


def whole() -> None:
    assert audit_stock() == [] and check_integrity()[1] == []


def test_two_edits(orders, threads):
    for order in orders:
        results = threads(4, lambda i, order=order: less(order, f"k{i}"))
        assert Counter(type(one) for one in results) == {ChangeOrder: 1, Stale: 3}, results
        assert order.lines.get(sku="A-1").cancelled == 1
    whole()


def test_one_edit_sent_four_times(orders, threads):
    for order in orders:
        results = threads(4, lambda i, order=order: less(order).pk)
        assert len(set(results)) == 1 and order.changes.count() == 1, results
    whole()


def test_edit_against_pick(orders, threads):
    for order in orders:
        work = FulfillmentOrder.objects.get(order=order)

        def act(i: int, order: Order = order, work: FulfillmentOrder = work) -> Any:
            return less(order) if i else start_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)

        picked, changed = threads(2, act)
        assert isinstance(picked, FulfillmentOrder)
        if isinstance(changed, Refusal):
            assert changed.code == "started" and "picking it since" in changed.message
        assert FulfillmentOrder.objects.get(pk=work.pk).units == (3 if isinstance(changed, Refusal) else 2)
    whole()


def test_edit_against_cancel(orders, threads):
    for order in orders:

        def act(i: int, order: Order = order) -> Any:
            return less(order) if i else cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)

        cancelled, changed = threads(2, act)
        assert not isinstance(cancelled, Exception)
        assert isinstance(changed, ChangeOrder | Stale), changed
        order.refresh_from_db()
        assert order.lifecycle == "cancelled" and order.owed_to_customer == 30
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {0}
    whole()


def test_edit_against_ship(orders, threads):
    for order in orders:
        work = FulfillmentOrder.objects.get(order=order)

        def act(i: int, order: Order = order, work: FulfillmentOrder = work) -> Any:
            if i:
                return less(order)
            return ship_fulfillment_order(fulfillment_order_id=work.pk, fast_forward=True, actor=ACTOR, now=NOW)

        shipped, changed = threads(2, act)
        assert not isinstance(shipped, Exception) or isinstance(shipped, Refusal), shipped
        assert isinstance(changed, ChangeOrder | Refusal), changed
        line = order.lines.get(sku="A-1")
        assert line.shipped + line.cancelled <= 2
        assert not (isinstance(changed, Exception) and isinstance(shipped, Exception)), "nobody won"
    whole()


def test_edits_that_take_the_last_units_against_buyers(orders, threads):
    """Sixty are there, twelve reserved: eight ask for seven more each, and nobody gets what another has."""

    def act(i: int) -> Any:
        if i < ROUNDS:
            return edit(orders[i], "more", kind="add_line", sku="A-1", quantity=7)
        return place_order(new_order(orders[0].channel, [("A-1", 7)]), actor=ACTOR, now=NOW)

    results = threads(ROUNDS + 4, act)
    assert not [one for one in results if isinstance(one, Exception)], results
    level = StockLevel.objects.get(variant__sku="A-1")
    assert level.reserved == 60 and level.available == 0
    whole()


def test_previews_beside_changes_change_nothing_and_block_nobody(orders, threads):
    changes = parse_changes([{"kind": "add_line", "sku": "B-1", "quantity": 1}])

    def act(i: int) -> Any:
        order = orders[i % 2]
        if i < 4:
            return preview_change(order_id=order.pk, changes=changes, actor=ACTOR, now=NOW)
        return less(order, f"k{i}")

    results = threads(8, act)
    assert not [one for one in results if isinstance(one, Exception) and not isinstance(one, Refusal)], results
    assert ChangeOrder.objects.count() == 2
    whole()
