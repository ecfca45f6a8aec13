"""What carriers report: once each, in any order, and what follows for parcel, order and customer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.actors import Actor
from core.models import OutboxEvent, OutgoingMail, TimelineEntry
from core.refusals import NotFound
from fulfillment.carriers import carrier, register
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.carriers.builtin import BuiltinCarrier
from fulfillment.events import ShipmentDelivered
from fulfillment.handlers import tell_customer_delivered
from fulfillment.models import FulfillmentOrder, Package, Shipment, TrackingEvent
from fulfillment.operations.labels import buy_label
from fulfillment.operations.numbers import DatabaseNumbers
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.simulation import simulated_events
from fulfillment.operations.tracking import ask_carriers, newest_report, record_tracking
from orders.models import Order
from tests.factories.fulfillment import make_work, make_works
from tests.fulfillment.test_operations_ship import split_order

pytestmark = pytest.mark.django_db
CARRIER = Actor.system("carrier")


def shipped(work: FulfillmentOrder, now: datetime) -> Shipment:
    done = ship_fulfillment_order(fulfillment_order_id=work.pk, actor=CARRIER, now=now, fast_forward=True)
    return Shipment.objects.get(pk=done.shipment_id)


def report(shipment: Shipment, now: datetime, *codes: str, start: int = 1) -> None:
    updates = [
        TrackingUpdate(code, now + timedelta(hours=start + n), code.replace("_", " "), "Łódź")
        for n, code in enumerate(codes)
    ]
    record_tracking(shipment_id=shipment.pk, updates=updates, actor=CARRIER, now=now)


def state_of(shipment: Shipment) -> tuple[Any, ...]:
    """Everything that must not depend on how the reports arrive."""
    shipment.refresh_from_db()
    order = Order.objects.get(pk=shipment.order_id)
    counters = (order.parcels, order.parcels_out_for_delivery, order.parcels_delivered, order.parcels_exception)
    delivered = tuple(order.lines.order_by("position").values_list("delivered", flat=True))
    work_state = FulfillmentOrder.objects.get(pk=shipment.fulfillment_order_id).state
    return (shipment.state, shipment.delivered_at, order.delivery, counters, delivered, work_state)


def test_a_delivery_reaches_parcel_work_order_and_order(now: datetime) -> None:
    shipment = shipped(make_work([("A", 2), ("B", 1)]), now)
    report(shipment, now, "in_transit", "out_for_delivery")
    assert state_of(shipment) == ("out_for_delivery", None, "out_for_delivery", (1, 1, 0, 0), (0, 0), "shipped")
    report(shipment, now, "delivered", start=5)
    at = now + timedelta(hours=5)
    assert state_of(shipment) == ("delivered", at, "delivered", (1, 0, 1, 0), (2, 1), "delivered")
    assert OutboxEvent.objects.filter(name="shipment.delivered", payload={"shipment_id": shipment.pk}).count() == 1
    assert TimelineEntry.objects.filter(kind="fulfillment.delivered").count() == 1


def test_a_report_twice_is_one_report(now: datetime) -> None:
    shipment = shipped(make_work(), now)
    for _n in range(2):
        report(shipment, now, "in_transit", "delivered")
    assert TrackingEvent.objects.count() == 2
    assert OutboxEvent.objects.filter(name="shipment.delivered").count() == 1


def test_trouble_shows_and_ends(now: datetime) -> None:
    shipment = shipped(make_work(), now)
    report(shipment, now, "in_transit", "out_for_delivery", "exception")
    assert state_of(shipment)[2:4] == ("exception", (1, 0, 0, 1))
    report(shipment, now, "out_for_delivery", start=8)
    assert state_of(shipment)[2:4] == ("out_for_delivery", (1, 1, 0, 0))


def test_delivered_is_final(now: datetime) -> None:
    shipment = shipped(make_work(), now)
    report(shipment, now, "delivered")
    before = state_of(shipment)
    report(shipment, now, "exception", "in_transit", start=9)
    assert state_of(shipment) == before


def test_an_older_report_never_wins_over_a_newer_one(now: datetime) -> None:
    shipment = shipped(make_work(), now)
    report(shipment, now, "out_for_delivery", start=5)
    report(shipment, now, "in_transit", start=1)
    assert state_of(shipment)[0] == "out_for_delivery"


def test_reports_that_come_before_the_parcel_is_shipped_here_wait_for_it(now: datetime) -> None:
    work = make_work()
    shipment = buy_label(fulfillment_order_id=work.pk, actor=CARRIER, now=now)
    report(shipment, now, "in_transit", "delivered")
    assert state_of(shipment)[0] == "label_purchased"
    shipped(work, now)
    assert state_of(shipment)[:3] == ("delivered", now + timedelta(hours=2), "delivered")


def test_unknown_words_of_a_carrier_are_kept_and_change_nothing(now: datetime) -> None:
    shipment = shipped(make_work(), now)
    updates = [TrackingUpdate("customs\x00cleared-and-a-very-long-code", now, "Zoll\x00 " + "x" * 400)]
    record_tracking(shipment_id=shipment.pk, updates=updates, actor=CARRIER, now=now)
    assert state_of(shipment)[0] == "in_transit"
    assert len(TrackingEvent.objects.get().description) == 250


def test_an_order_is_delivered_when_its_last_parcel_is(now: datetime) -> None:
    first, second = (shipped(work, now) for work in split_order())
    report(first, now, "delivered")
    assert state_of(first)[2] == "in_transit"
    report(second, now, "delivered")
    assert state_of(second)[2:4] == ("delivered", (2, 0, 2, 0))


def test_an_unknown_shipment_is_not_found(now: datetime) -> None:
    with pytest.raises(NotFound):
        record_tracking(shipment_id=999_999_999, updates=[], actor=CARRIER, now=now)


STREAM = ["in_transit", "out_for_delivery", "exception", "out_for_delivery", "delivered"]


def test_every_order_of_arrival_ends_in_the_same_state(now: datetime) -> None:
    works = make_works(7)
    updates = [TrackingUpdate(code, now + timedelta(hours=n)) for n, code in enumerate(STREAM)]
    expected = None
    arrivals = [*itertools.islice(itertools.permutations(updates), 0, 120, 20), [*updates, *updates]]
    for work, arrival in zip(works, arrivals, strict=True):
        shipment = shipped(work, now)
        for update in arrival:
            record_tracking(shipment_id=shipment.pk, updates=[update], actor=CARRIER, now=now)
        expected = expected or state_of(shipment)
        assert state_of(shipment) == expected
    assert OutboxEvent.objects.filter(name="shipment.delivered").count() == 7


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(6)), st.lists(st.sampled_from([*STREAM, "label_purchased"]), min_size=6, max_size=6))
def test_the_deciding_report_does_not_depend_on_the_order_of_the_list(places: list[int], codes: list[str]) -> None:
    start = datetime.fromisoformat("2026-11-20T10:00:00+00:00")
    events = [TrackingEvent(code=code, at=start + timedelta(hours=n // 2)) for n, code in enumerate(codes)]
    told, expected = newest_report([events[n] for n in places]), newest_report(events)
    assert (told and (told.code, told.at)) == (expected and (expected.code, expected.at))


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_reported_by_many_at_once_counts_once(
    threads: Callable[..., list[Any]], now: datetime
) -> None:
    shipment = shipped(make_work(), now)
    results = threads(4, lambda _n: report(shipment, now, "in_transit", "delivered"))
    assert results == [None] * 4
    assert state_of(shipment)[3] == (1, 0, 1, 0)
    assert OutboxEvent.objects.filter(name="shipment.delivered").count() == 1


@pytest.fixture
def simulated() -> Iterator[None]:
    """The built-in carrier as it is in a demo."""
    own = carrier("builtin")
    register(BuiltinCarrier(lambda: DatabaseNumbers("builtin"), tracking=simulated_events))
    yield
    register(own)


def test_parcels_of_a_demo_arrive_by_themselves(simulated: None, now: datetime) -> None:
    shipments = [shipped(work, now) for work in make_works(3)]
    assert {s.state for s in shipments} == {"in_transit"}
    with time_machine.travel(now + timedelta(minutes=1), tick=False):
        ask_carriers(actor=CARRIER, now=now)
    assert set(TrackingEvent.objects.values_list("code", flat=True)) == {"label_purchased"}
    later = now + timedelta(days=30)
    with time_machine.travel(later, tick=False):
        assert ask_carriers(actor=CARRIER, now=later) == 3
        assert ask_carriers(actor=CARRIER, now=later) == 0
    assert [state_of(s)[0] for s in shipments] == ["delivered"] * 3


def test_every_parcel_gets_its_turn(simulated: None, now: datetime) -> None:
    shipments = [shipped(work, now) for work in make_works(3)]
    with time_machine.travel(now + timedelta(minutes=1), tick=False):
        turns = [ask_carriers(actor=CARRIER, now=now + timedelta(minutes=n), limit=1) for n in range(3)]
    assert turns == [1, 1, 1]
    assert TrackingEvent.objects.values("shipment").distinct().count() == len(shipments)


def test_without_a_simulator_nothing_moves_by_itself(now: datetime) -> None:
    shipped(make_work(), now)
    assert ask_carriers(actor=CARRIER, now=now + timedelta(days=30)) == 0
    assert Package.objects.count() == 1


def test_the_customer_is_told_of_the_delivery_once(now: datetime) -> None:
    shipment = shipped(make_work(), now)
    tell_customer_delivered(ShipmentDelivered(shipment.pk), actor=CARRIER, now=now)
    assert not OutgoingMail.objects.exists(), "not before it is delivered"
    report(shipment, now, "delivered")
    for _n in range(2):
        tell_customer_delivered(ShipmentDelivered(shipment.pk), actor=CARRIER, now=now)
    mail = OutgoingMail.objects.get()
    assert shipment.order.token in mail.text
    assert shipment.order.number in mail.subject
