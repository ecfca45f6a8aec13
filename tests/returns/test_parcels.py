"""The parcel of a return: on its way when the carrier says so, at its end when it is received, and the label ordered at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import outbox
from core.models import OutboxDelivery
from fulfillment.carriers import registered
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.models import Shipment
from orders.models import Order
from orders.states import Delivery
from returns.models import Return
from returns.operations import Received, create_return_label, follow_return_parcels, mark_in_transit, receive_return
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR, NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


@pytest.fixture
def labelled() -> Return:
    make_shop()
    made = ask(sent_order(1), 1)
    create_return_label(return_id=made.pk, actor=ACTOR, now=NOW)
    return Return.objects.get(pk=made.pk)


def shipment_of(made: Return) -> Shipment:
    return Shipment.objects.get(pk=made.shipment_id)


@pytest.fixture
def carrier_says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the built-in carrier reports about every number it is asked for."""

    def say(*updates: TrackingUpdate) -> list[str]:
        asked: list[str] = []

        def track(numbers: Any) -> dict[str, list[TrackingUpdate]]:
            asked.extend(numbers)
            return {number: list(updates) for number in numbers}

        monkeypatch.setattr(registered()["builtin"], "track", track)
        return asked

    return say


def follow() -> int:
    return follow_return_parcels(actor=ACTOR, now=LATER)


class TestFollowing:
    def test_a_first_report_puts_it_on_its_way(self, labelled: Return, carrier_says: Any) -> None:
        carrier_says(TrackingUpdate("in_transit", NOW + timedelta(hours=5), "Accepted by the carrier"))
        assert follow() == 1
        assert Return.objects.get().state == "in_transit"
        assert shipment_of(labelled).state == "in_transit"
        assert follow() == 0

    def test_a_printed_label_is_not_a_parcel_yet(self, labelled: Return, carrier_says: Any) -> None:
        carrier_says(TrackingUpdate("label_purchased", NOW, "Label created"))
        assert follow() == 0
        assert Return.objects.get().state == "approved"

    def test_the_delivery_back_is_not_the_delivery_to_the_customer(self, labelled: Return, carrier_says: Any) -> None:
        before = Order.objects.get(pk=labelled.order_id)
        carrier_says(TrackingUpdate("delivered", NOW + timedelta(hours=9), "Delivered"))
        follow()
        order = Order.objects.get(pk=labelled.order_id)
        assert shipment_of(labelled).state == "delivered"
        assert (order.delivery, order.parcels_delivered) == (Delivery.IN_TRANSIT, before.parcels_delivered)
        assert order.lines.get().delivered == 0

    def test_nobody_is_asked_about_returns_that_are_over(self, labelled: Return, carrier_says: Any) -> None:
        receive_return(return_id=labelled.pk, lines=[Received(labelled.lines.get().pk, 1)], actor=ACTOR, now=NOW)
        asked = carrier_says()
        follow()
        assert asked == []


class TestEnd:
    @pytest.mark.parametrize("moved", [False, True])
    def test_received_goods_end_the_way_of_the_parcel(self, labelled: Return, moved: bool) -> None:
        if moved:
            mark_in_transit(return_id=labelled.pk, actor=ACTOR, now=NOW)
        receive_return(return_id=labelled.pk, lines=[Received(labelled.lines.get().pk, 1)], actor=ACTOR, now=LATER)
        shipment = shipment_of(labelled)
        assert (shipment.state, shipment.delivered_at) == ("delivered", LATER)

    def test_goods_that_came_without_our_label_are_received_all_the_same(self) -> None:
        make_shop()
        made = ask(sent_order(1), 1)
        receive_return(return_id=made.pk, lines=[Received(made.lines.get().pk, 1)], actor=ACTOR, now=NOW)
        assert shipment_of(made).state == "label_requested"


def test_the_label_is_ordered_when_the_approval_is_committed(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    make_shop()
    rung: list[tuple[Any, ...]] = []
    monkeypatch.setattr(outbox.bell, "ring", lambda *args: rung.append(args))
    made = ask(sent_order(1), 1)
    outbox.relay(now=NOW)
    delivery = OutboxDelivery.objects.get(handler="returns.reactions.order_return_label")
    with django_capture_on_commit_callbacks(execute=True):
        outbox.deliver(delivery.pk, now=NOW)
    assert ("returns.tasks.make_return_label", made.pk) in rung
