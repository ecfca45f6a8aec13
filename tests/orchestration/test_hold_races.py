"""Holds, hands and decisions at the same moment: one order of events wins, nobody is told two things, and the work fits the holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.refusals import Refusal
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.picking import finish_picking, start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from oms.integrity import check_integrity
from oms.orchestration.hold_order import hold_order, release_due, release_hold
from oms.orchestration.place_order import place_order
from oms.orchestration.screening import decide_risk, screen_orders
from orders.models import Hold, Order
from risk.models import RiskAssessment
from risk.operations import add_rule
from tests.factories.fulfillment import make_work
from tests.factories.shop import ACTOR, NOW, make_channel, make_order, make_variant, new_order

pytestmark = pytest.mark.django_db(transaction=True)


def sound() -> None:
    assert check_integrity()[1] == []


def errors(results: list[Any]) -> list[Any]:
    """What went wrong beyond being refused."""
    return [one for one in results if isinstance(one, Exception) and not isinstance(one, Refusal)]


def test_a_hold_is_released_once_by_six_who_try(threads) -> None:
    order = make_work([("A-1", 2), ("B-1", 1)]).order
    hold = hold_order(
        order_id=order.pk, kind="customer", lines=[order.lines.get(sku="A-1").pk], until=NOW + timedelta(minutes=1), actor=ACTOR, now=NOW
    )  # fmt: skip
    later = NOW + timedelta(hours=1)
    results = threads(
        6,
        lambda i: (
            release_due(actor=ACTOR, now=later) if i == 0 else release_hold(hold_id=hold.pk, actor=ACTOR, now=later)
        ),
    )
    assert not errors(results)
    done = sum(not isinstance(one, Refusal) and one != 0 for one in results)
    assert done == 1
    sound()


def test_a_hold_on_a_line_against_the_hand_that_picks_it(threads) -> None:
    for n in range(4):
        work = make_work([(f"A-{n}", 2), (f"B-{n}", 1)])
        line = work.order.lines.get(sku=f"A-{n}").pk

        def act(i: int, work: FulfillmentOrder = work, line: int = line) -> Any:
            if i:
                return finish_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
            return hold_order(order_id=work.order_id, kind="customer", lines=[line], actor=ACTOR, now=NOW)

        results = threads(2, act)
        assert not errors(results)
        work.refresh_from_db()
        picked = work.order.lines.get(pk=line).picked
        assert (work.state, picked, work.units) in (("picked", 2, 3), ("picked", 0, 1), ("open", 0, 1))
        if picked:  # picked first: the hold came after, and nothing of that parcel leaves
            with pytest.raises(Refusal, match=f"A-{n}"):
                ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)
        sound()


def test_holds_on_two_lines_their_release_and_a_picker_all_at_once(threads) -> None:
    order = make_work([("A-1", 3), ("B-1", 2), ("C-1", 1)]).order
    lines = {line.sku: line.pk for line in order.lines.all()}
    first = hold_order(order_id=order.pk, kind="customer", lines=[lines["A-1"]], actor=ACTOR, now=NOW)

    def act(i: int) -> Any:
        if i == 0:
            return release_hold(hold_id=first.pk, actor=ACTOR, now=NOW)
        if i == 1:
            return hold_order(order_id=order.pk, kind="operator", lines=[lines["B-1"]], actor=ACTOR, now=NOW)
        if i == 2:
            return hold_order(order_id=order.pk, kind="fraud", actor=ACTOR, now=NOW)
        work = FulfillmentOrder.objects.filter(order=order).order_by("pk").first()
        return start_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)

    assert not errors(threads(4, act))
    sound()
    for hold in Hold.objects.filter(released_at__isnull=True):
        release_hold(hold_id=hold.pk, actor=ACTOR, now=NOW)
    sound()
    assert not FulfillmentOrder.objects.filter(state="on_hold").exists()


def test_accepting_against_rejecting_is_decided_once(threads) -> None:
    add_rule(kind="country", params={"countries": ["PL"]}, score=100, actor=ACTOR, now=NOW)
    order = make_order()
    screen_orders(order_ids=[order.pk], now=NOW)
    found = RiskAssessment.objects.get()
    results = threads(
        6, lambda i: decide_risk(assessment_id=found.pk, accept=i % 2 == 0, reason="", actor=ACTOR, now=NOW)
    )
    assert not errors(results)
    assert sum(not isinstance(one, Exception) for one in results) == 1
    found.refresh_from_db()
    order.refresh_from_db()
    assert (found.decision, order.lifecycle) in (("accepted", "open"), ("rejected", "cancelled"))
    assert not Hold.objects.filter(released_at__isnull=True).exists()
    sound()


def test_looking_again_against_a_persons_word_leaves_no_hold_behind(threads) -> None:
    add_rule(kind="country", params={"countries": ["PL"]}, score=100, actor=ACTOR, now=NOW)
    for _n in range(3):
        order = make_order()
        screen_orders(order_ids=[order.pk], now=NOW)
        pk = RiskAssessment.objects.get(order=order).pk

        def act(i: int, order: Order = order, pk: int = pk) -> Any:
            if i == 0:
                return decide_risk(assessment_id=pk, accept=True, reason="", actor=ACTOR, now=NOW)
            return screen_orders(order_ids=[order.pk], now=NOW)

        results = threads(4, act)
        assert not errors(results) and not any(isinstance(one, Exception) for one in results), results
        assert not Hold.objects.filter(order=order, released_at__isnull=True).exists()
    sound()


def test_the_event_told_six_times_at_once_holds_once(threads) -> None:
    add_rule(kind="country", params={"countries": ["PL"]}, score=100, actor=ACTOR, now=NOW)
    orders = [make_order().pk for _n in range(3)]
    results = threads(6, lambda i: screen_orders(order_ids=orders, now=NOW))
    assert not any(isinstance(one, Exception) for one in results), results
    assert Hold.objects.filter(kind="fraud").count() == RiskAssessment.objects.count() == 3
    sound()


def test_of_batches_that_are_looked_at_together_the_last_sees_the_burst(threads) -> None:
    add_rule(kind="velocity", params={"orders": 6, "hours": 24, "source": "email"}, score=60, actor=ACTOR, now=NOW)
    make_variant("A-1")
    channel = make_channel()
    requests = [new_order(channel, [("A-1", 1)], email="burst@example.com") for _n in range(6)]

    def act(i: int) -> Any:
        placed = place_order(requests[i], actor=ACTOR, now=NOW)
        return screen_orders(order_ids=[placed.order_id], now=NOW)

    assert not any(isinstance(one, Exception) for one in threads(6, act))
    assert RiskAssessment.objects.filter(level="review").exists()


def test_shipping_against_a_risk_hold(threads) -> None:
    """Whoever is first: a parcel that left is not held, one that is held does not leave."""
    add_rule(kind="country", params={"countries": ["PL"]}, score=100, actor=ACTOR, now=NOW)
    for _n in range(3):
        order = make_order()
        work = order.fulfillment_orders.get()

        def act(i: int, order: Order = order, work: FulfillmentOrder = work) -> Any:
            if i:
                return screen_orders(order_ids=[order.pk], now=NOW)
            return ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)

        results = threads(2, act)
        assert not errors(results), results
        order.refresh_from_db()
        assert (order.lifecycle, order.on_hold) in (("completed", False), ("open", True))
        assert (order.fulfillment == "fulfilled") == (not isinstance(results[0], Refusal))
    sound()
