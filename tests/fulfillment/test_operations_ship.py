"""Shipping: stock, quantities, statuses, event and mail; and two who ship at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from core.models import OutboxEvent, OutgoingMail, TimelineEntry
from core.refusals import NotFound, Refusal, Stale
from core.search import search
from fulfillment.events import FulfillmentShipped
from fulfillment.handlers import tell_customer_shipped
from fulfillment.models import FulfillmentOrder, Package, Shipment
from fulfillment.operations.labels import buy_label
from fulfillment.operations.packing import pack_all
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order, ship_many
from inventory.models import Reservation, StockLevel, StockMovement
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order
from orders.models import Order
from tests.factories.fulfillment import make_work, make_works
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
ANNA = Actor("user", "1", "Anna Packer")
BEN = Actor("user", "2", "Ben Packer")


def ship(work: FulfillmentOrder, now: datetime, actor: Actor = ANNA, **extra: Any) -> Any:
    return ship_fulfillment_order(fulfillment_order_id=work.pk, actor=actor, now=now, **extra)


def test_shipping_moves_stock_quantities_and_statuses(now: datetime) -> None:
    work = make_work([("A", 2), ("B", 1)])
    before = {level.variant.sku: level for level in StockLevel.objects.select_related("variant")}
    buy_label(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    pack_all(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    shipped = ship(work, now)

    after = {level.variant.sku: level for level in StockLevel.objects.select_related("variant")}
    assert [(after[s].on_hand - before[s].on_hand, after[s].reserved - before[s].reserved) for s in "AB"] == [
        (-2, -2),
        (-1, -1),
    ]
    assert not Reservation.objects.filter(quantity__gt=0).exists()
    assert StockMovement.objects.filter(reason="shipped", cause=work.subject, bucket="on_hand").count() == 2
    order = Order.objects.get(pk=work.order_id)
    assert [(n.allocated, n.picked, n.packed, n.shipped, n.delivered) for n in order.lines.order_by("position")] == [
        (2, 2, 2, 2, 0),
        (1, 1, 1, 1, 0),
    ]
    assert (order.lifecycle, order.fulfillment, order.delivery, order.parcels) == (
        "completed",
        "fulfilled",
        "in_transit",
        1,
    )
    work.refresh_from_db()
    assert (work.state, work.state_by_label, work.shipped_at) == ("shipped", "Anna Packer", now)
    shipment = Shipment.objects.get(pk=shipped.shipment_id)
    assert (shipment.state, shipment.handed_over_at) == ("in_transit", now)
    assert shipped.tracking_numbers == (Package.objects.get().tracking_number,)
    assert (
        OutboxEvent.objects.filter(name="fulfillment.shipped", payload={"fulfillment_order_id": work.pk}).count() == 1
    )
    entry = TimelineEntry.objects.get(kind="fulfillment.shipped")
    assert entry.data["tracking_numbers"] == list(shipped.tracking_numbers)


def test_a_shipped_order_is_found_by_its_tracking_number(now: datetime) -> None:
    shipped = ship(work := make_work(), now, fast_forward=True)
    assert list(search(Order.objects.all(), shipped.tracking_numbers[0].lower())) == [work.order]


def test_it_is_not_shipped_before_it_is_packed_and_labelled(now: datetime) -> None:
    work = make_work()
    with pytest.raises(Refusal, match="Not possible while it is “Ready to pick”"):
        ship(work, now)
    pack_all(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    with pytest.raises(Refusal, match="It has no label yet"):
        ship(work, now)
    assert not StockMovement.objects.filter(reason="shipped").exists()


@pytest.mark.parametrize("begun", [False, True])
def test_fast_forward_ships_from_wherever_it_is(begun: bool, now: datetime) -> None:
    work = make_work()
    if begun:
        start_picking(fulfillment_order_id=work.pk, actor=BEN, now=now)
    ship(work, now, fast_forward=True)
    work.refresh_from_db()
    assert work.state == "shipped"
    kinds = set(TimelineEntry.objects.values_list("kind", flat=True))
    assert kinds >= {
        "fulfillment.picking",
        "fulfillment.picked",
        "fulfillment.packed",
        "label.bought",
        "fulfillment.shipped",
    }


def test_the_second_who_ships_is_told_who_did_and_when(now: datetime) -> None:
    work = make_work()
    ship(work, now, fast_forward=True)
    for fast in (False, True):
        with pytest.raises(Stale, match=r"Anna Packer shipped it, .*2026"):
            ship(work, now, actor=BEN, fast_forward=fast)
    assert StockMovement.objects.filter(reason="shipped", bucket="on_hand").count() == 2


def test_an_old_version_does_not_ship(now: datetime) -> None:
    work = make_work()
    start_picking(fulfillment_order_id=work.pk, actor=BEN, now=now)
    with pytest.raises(Stale, match="Ben Packer is picking it"):
        ship(work, now, fast_forward=True, expected_version=work.version)


def test_held_work_is_not_shipped_and_buys_no_label(now: datetime) -> None:
    work = make_work()
    hold_order(order_id=work.order_id, kind="fraud", reason="", actor=ANNA, now=now)
    with pytest.raises(Refusal, match="On hold: Fraud check"):
        ship(work, now, fast_forward=True)
    assert not Shipment.objects.exists()


def test_a_hold_that_comes_after_packing_stops_the_parcel(now: datetime) -> None:
    work = make_work()
    buy_label(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    pack_all(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    hold_order(order_id=work.order_id, kind="customer", reason="", actor=ANNA, now=now)
    with pytest.raises(Refusal, match="On hold"):
        ship(work, now)


def test_cancelled_work_is_not_shipped(now: datetime) -> None:
    work = make_work()
    cancel_order(order_id=work.order_id, units=None, reason="", actor=ANNA, now=now)
    with pytest.raises(Stale, match="Do not ship it"):
        ship(work, now, fast_forward=True)


def test_unknown_work_is_not_found(now: datetime) -> None:
    with pytest.raises(NotFound):
        ship_fulfillment_order(fulfillment_order_id=999_999_999, actor=ANNA, now=now, fast_forward=True)


def test_many_ship_and_the_refused_are_listed(now: datetime) -> None:
    works = make_works(3)
    hold_order(order_id=works[1].order_id, kind="fraud", reason="", actor=ANNA, now=now)
    outcome = ship_many(fulfillment_order_ids=[w.pk for w in works], actor=ANNA, now=now)
    assert outcome.done == [works[0].number, works[2].number]
    assert outcome.refused == [(works[1].number, "On hold: Fraud check.")]


def split_order() -> list[FulfillmentOrder]:
    """An order that leaves from two locations, with one work order each."""
    here, there = make_location(), make_location()
    first, second = make_variant("HERE"), make_variant("THERE")
    give_stock(first, here, 5)
    give_stock(second, there, 5)
    order = make_order(make_channel(), [("HERE", 1), ("THERE", 1)])
    return list(FulfillmentOrder.objects.filter(order=order).order_by("pk"))


def test_an_order_of_two_parcels_is_half_shipped_after_one(now: datetime) -> None:
    works = split_order()
    assert len(works) == 2
    ship(works[0], now, fast_forward=True)
    order = Order.objects.get(pk=works[0].order_id)
    assert (order.lifecycle, order.fulfillment, order.parcels) == ("open", "partially_fulfilled", 1)
    ship(works[1], now, fast_forward=True)
    order.refresh_from_db()
    assert (order.lifecycle, order.fulfillment, order.parcels) == ("completed", "fulfilled", 2)


def test_the_customer_is_told_once_with_link_and_date(now: datetime) -> None:
    work = make_work([("A", 2)])
    shipped = ship(work, now, fast_forward=True)
    for _n in range(2):
        tell_customer_shipped(FulfillmentShipped(work.pk), actor=ANNA, now=now)
    mail = OutgoingMail.objects.get()
    assert mail.to == work.order.email
    assert work.order.number in mail.subject
    assert work.order.token in mail.text
    assert shipped.tracking_numbers[0] in mail.text
    assert "2 × " in mail.text
    assert "Expected:" in mail.text
    assert "The rest of your order" not in mail.text


def test_the_customer_reads_what_is_still_to_come(now: datetime) -> None:
    works = split_order()
    ship(works[0], now, fast_forward=True)
    tell_customer_shipped(FulfillmentShipped(works[0].pk), actor=ANNA, now=now)
    assert "The rest of your order" in OutgoingMail.objects.get().text


def test_the_number_of_statements_does_not_grow_with_the_lines(now: datetime) -> None:
    ship(make_work(), now, fast_forward=True)  # the carrier's number range is there
    counts = []
    for size in (1, 6):
        work = make_work([("", 1)] * size)
        with CaptureQueriesContext(connection) as queries:
            ship(work, now, fast_forward=True)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fast", [True, False])
def test_of_two_who_ship_at_once_one_does_and_the_other_learns_who(
    threads: Callable[..., list[Any]], now: datetime, fast: bool
) -> None:
    work = make_work([("A", 2), ("B", 1)])
    if not fast:
        buy_label(fulfillment_order_id=work.pk, actor=ANNA, now=now)
        pack_all(fulfillment_order_id=work.pk, actor=ANNA, now=now)
    people = [Actor("user", str(n), f"Packer {n}") for n in range(6)]
    results = threads(6, lambda n: ship(work, now, actor=people[n], fast_forward=fast))
    done = [n for n, result in enumerate(results) if not isinstance(result, Exception)]
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(done) == 1, results
    assert all(isinstance(error, Refusal) for error in refused)
    assert all(f"Packer {done[0]} " in str(error) for error in refused), "each learns who was faster"
    assert Shipment.objects.count() == Package.objects.count() == 1
    assert StockMovement.objects.filter(reason="shipped", bucket="on_hand").count() == 2
    assert OutboxEvent.objects.filter(name="fulfillment.shipped").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_parcels_of_one_order_ship_at_once_and_both_leave(threads: Callable[..., list[Any]], now: datetime) -> None:
    works = split_order()
    results = threads(2, lambda n: ship(works[n], now, fast_forward=True))
    assert [type(result).__name__ for result in results] == ["Shipped", "Shipped"]
    order = Order.objects.get(pk=works[0].order_id)
    assert (order.lifecycle, order.fulfillment, order.parcels) == ("completed", "fulfilled", 2)


@pytest.mark.django_db(transaction=True)
def test_shipping_and_cancelling_at_once_end_in_one_of_both(threads: Callable[..., list[Any]], now: datetime) -> None:
    work = make_work([("A", 2)])
    ship_it = lambda: ship(work, now, fast_forward=True)  # noqa: E731
    cancel_it = lambda: cancel_order(order_id=work.order_id, units=None, reason="", actor=BEN, now=now)  # noqa: E731
    results = threads(2, lambda n: (ship_it, cancel_it)[n]())
    assert sum(not isinstance(result, Exception) for result in results) == 1, results
    level = StockLevel.objects.get(variant__sku="A")
    assert (level.on_hand, level.reserved) in {(3, 0), (5, 0)}
    assert (level.on_hand == 3) == (FulfillmentOrder.objects.get(pk=work.pk).state == "shipped")
