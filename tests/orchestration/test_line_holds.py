"""Holds on lines: what they stop waits by itself, the rest leaves, and whatever comes and goes the work is as the holds say."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.refusals import Invalid, Refusal
from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.operations.labels import buy_label
from fulfillment.operations.packing import pack_all
from fulfillment.operations.picking import finish_picking, pick_line, start_picking, start_picking_many
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.queries import next_work
from inventory.models import Reservation, Variant
from inventory.operations import adjust_stock
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_due, release_hold, release_holds
from oms.orchestration.route_order import fill_backorders, route_order
from orders.models import Hold, Order
from orders.operations import assign_hold
from tests.factories.bundles import make_bundle
from tests.factories.fulfillment import make_work
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


def sound() -> None:
    assert check_integrity()[1] == []


def work_of(order: Order) -> dict[str, dict[str, int]]:
    """State → SKU → units of the order's work."""
    found: dict[str, dict[str, int]] = {}
    rows = FulfillmentLine.objects.filter(fulfillment_order__order=order, quantity__gt=0)
    for line in rows.select_related("fulfillment_order", "order_line"):
        at = found.setdefault(line.fulfillment_order.state, {})
        at[line.order_line.sku] = at.get(line.order_line.sku, 0) + line.quantity
    return found


@pytest.fixture
def two() -> Order:
    """An order of three A-1 and two B-1, all at one location."""
    return make_work([("A-1", 3), ("B-1", 2)]).order


def line(order: Order, sku: str) -> int:
    return order.lines.get(sku=sku).pk


def hold(order: Order, *skus: str, kind: str = "customer", **more: object) -> Hold:
    lines = [line(order, sku) for sku in skus] if skus else None
    return hold_order(order_id=order.pk, kind=kind, lines=lines, actor=ACTOR, now=NOW, **more)


def ship(work: FulfillmentOrder) -> None:
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)


def test_held_units_wait_by_themselves_while_the_rest_leaves(two: Order) -> None:
    before = list(Reservation.objects.order_by("pk").values("owner", "quantity"))
    placed = hold(two, "A-1")
    two.refresh_from_db()
    assert work_of(two) == {"open": {"B-1": 2}, "on_hold": {"A-1": 3}}
    assert (two.on_hold, two.fulfillment) == (True, "unfulfilled")
    assert list(Reservation.objects.order_by("pk").values("owner", "quantity")) == before
    sound()
    ship(two.fulfillment_orders.get(state="open"))
    two.refresh_from_db()
    assert two.fulfillment == "on_hold"  # nothing but held units is left
    release_hold(hold_id=placed.pk, actor=ACTOR, now=NOW)
    two.refresh_from_db()
    assert (two.on_hold, two.fulfillment) == (False, "partially_fulfilled")
    ship(two.fulfillment_orders.get(state="open"))
    two.refresh_from_db()
    assert two.fulfillment == "fulfilled"
    sound()


def test_released_units_go_back_into_the_parcel_they_came_from(two: Order) -> None:
    first = two.fulfillment_orders.get()
    release_hold(hold_id=hold(two, "A-1").pk, actor=ACTOR, now=NOW)
    first.refresh_from_db()
    assert (first.state, first.units) == ("open", 5)
    assert work_of(two) == {"open": {"A-1": 3, "B-1": 2}}
    assert FulfillmentOrder.objects.exclude(pk=first.pk).get().state == "cancelled"
    sound()


def test_released_units_stay_by_themselves_where_the_rest_has_gone_on(two: Order) -> None:
    placed = hold(two, "A-1")
    start_picking(fulfillment_order_id=two.fulfillment_orders.get(state="open").pk, actor=ACTOR, now=NOW)
    release_hold(hold_id=placed.pk, actor=ACTOR, now=NOW)
    assert work_of(two) == {"picking": {"B-1": 2}, "open": {"A-1": 3}}
    sound()


def test_every_hand_is_stopped(two: Order) -> None:
    hold(two, "A-1", reason="Wants another colour")
    held = two.fulfillment_orders.get(state="on_hold")
    for act in (
        lambda: start_picking(fulfillment_order_id=held.pk, actor=ACTOR, now=NOW),
        lambda: pack_all(fulfillment_order_id=held.pk, actor=ACTOR, now=NOW),
        lambda: ship(held),
        lambda: buy_label(fulfillment_order_id=held.pk, actor=ACTOR, now=NOW),
    ):
        with pytest.raises(Refusal, match="A-1: Customer's request \\(Wants another colour\\)"):
            act()
    free = two.fulfillment_orders.get(state="open")
    outcome = start_picking_many(fulfillment_order_ids=[held.pk, free.pk], actor=ACTOR, now=NOW)
    assert (outcome.done, [label for label, _why in outcome.refused]) == ([free.number], [held.number])


def test_the_rest_of_a_held_order_is_offered_as_next_work(two: Order) -> None:
    other = make_work([("C-1", 1)])
    hold(two, "A-1")
    free = two.fulfillment_orders.get(state="open")
    assert next_work(other, ["open"]) == free.pk
    hold(two, kind="address")
    assert next_work(other, ["open", "picking"]) is None


def test_a_hold_that_comes_during_picking_takes_what_is_not_picked_and_stops_the_parcel(two: Order) -> None:
    work = two.fulfillment_orders.get()
    start_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
    first, _second = work.lines.order_by("order_line__position")
    pick_line(fulfillment_order_id=work.pk, line_id=first.pk, units=1, actor=ACTOR, now=NOW)
    placed = hold(two, "A-1")
    assert work_of(two) == {"picking": {"A-1": 1, "B-1": 2}, "on_hold": {"A-1": 2}}
    with pytest.raises(Refusal, match="A-1"):
        finish_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
    release_hold(hold_id=placed.pk, actor=ACTOR, now=NOW)
    finish_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
    sound()


def test_a_tote_from_which_the_rest_was_taken_is_picked(two: Order) -> None:
    work = two.fulfillment_orders.get()
    start_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
    first = work.lines.order_by("order_line__position").first()
    pick_line(fulfillment_order_id=work.pk, line_id=first.pk, actor=ACTOR, now=NOW)
    hold(two, "B-1")
    work.refresh_from_db()
    assert (work.state, work.units) == ("picked", 3)
    ship(work)
    sound()


def test_a_whole_hold_over_a_line_hold_and_back(two: Order) -> None:
    whole = hold(two, kind="fraud")
    hold(two, "A-1")
    assert set(work_of(two)) == {"on_hold"}
    release_hold(hold_id=whole.pk, actor=ACTOR, now=NOW)
    assert work_of(two) == {"open": {"B-1": 2}, "on_hold": {"A-1": 3}}
    sound()


def test_routing_again_and_stock_that_comes_in_respect_the_hold() -> None:
    variant, location = make_variant("A-1"), make_location()
    give_stock(make_variant("B-1"), location, 5)
    order = make_order(lines=[("A-1", 2), ("B-1", 1)])
    hold(order, "A-1")
    adjust_stock(variant_id=variant.pk, location_id=location.pk, quantity=5, reason="received", actor=ACTOR, now=NOW)
    fill_backorders(variant_ids=[variant.pk], actor=ACTOR, now=NOW)
    assert work_of(order) == {"open": {"B-1": 1}, "on_hold": {"A-1": 2}}
    route_order(order_id=order.pk, actor=ACTOR, now=NOW, again=True)
    assert work_of(order) == {"open": {"B-1": 1}, "on_hold": {"A-1": 2}}
    sound()


def test_filling_a_held_order_takes_nothing_that_others_have(two: Order) -> None:
    variant = two.lines.get(sku="A-1").variant
    late = make_order(lines=[("A-1", 8)])  # three are free beside the three of the first order
    hold(late, "A-1")
    assert fill_backorders(variant_ids=[variant.pk], actor=ACTOR, now=NOW) == 0
    assert two.lines.get(sku="A-1").allocated == 3
    sound()


def test_a_bundle_is_held_as_a_whole() -> None:
    location = make_location()
    cup, plate = make_variant("CUP"), make_variant("PLATE")
    give_stock(cup, location, 5), give_stock(plate, location, 5)
    make_bundle("SET", {cup: 1, plate: 2})
    order = make_order(lines=[("SET", 1), ("CUP", 1)])
    component = order.lines.get(sku="PLATE").pk
    placed = hold_order(order_id=order.pk, kind="customer", lines=[component], actor=ACTOR, now=NOW)
    assert placed.lines.count() == 2
    assert work_of(order) == {"open": {"CUP": 1}, "on_hold": {"CUP": 1, "PLATE": 2}}
    sound()


def test_cancelling_a_held_line_gives_its_stock_back(two: Order) -> None:
    hold(two, "A-1")
    cancel_order(order_id=two.pk, units={line(two, "A-1"): 3}, reason="", actor=ACTOR, now=NOW)
    assert work_of(two) == {"open": {"B-1": 2}}
    sound()


def test_holds_that_make_no_sense_are_refused(two: Order) -> None:
    other = make_work([("C-1", 1)]).order
    for ids, code in (([], "no_lines"), ([line(other, "C-1")], "no_such_line")):
        with pytest.raises(Invalid) as refused:
            hold_order(order_id=two.pk, kind="customer", lines=ids, actor=ACTOR, now=NOW)
        assert refused.value.code == code
    hold(two, "A-1")
    with pytest.raises(Refusal, match="on hold for that already"):
        hold(two, "A-1")
    hold(two, "A-1", "B-1")  # more than was held: a second hold of the kind
    hold(two)
    with pytest.raises(Refusal, match="on hold for that already"):
        hold(two)


def test_holds_end_by_kind_by_cause_and_by_time(two: Order) -> None:
    hold(two, "A-1")
    hold(two, kind="fraud", cause="risk:1")
    hold(two, "B-1", kind="operator", until=NOW + timedelta(hours=1))
    assert release_holds(order_id=two.pk, kinds={"fraud"}, cause="risk:2", actor=ACTOR, now=NOW) == 0
    assert release_holds(order_id=two.pk, kinds={"fraud"}, actor=ACTOR, now=NOW) == 1
    assert release_due(actor=ACTOR, now=NOW + timedelta(hours=2)) == 1
    assert work_of(two) == {"open": {"B-1": 2}, "on_hold": {"A-1": 3}}
    sound()


def test_a_hold_has_a_person_who_sees_to_it(two: Order, django_user_model) -> None:
    anna = django_user_model.objects.create_user("anna")
    placed = hold(two, "A-1", owner=anna)
    assert placed.owner == anna
    assert assign_hold(hold_id=placed.pk, owner=None, actor=ACTOR, now=NOW).owner is None
    release_hold(hold_id=placed.pk, actor=ACTOR, now=NOW)
    with pytest.raises(Refusal):
        assign_hold(hold_id=placed.pk, owner=anna, actor=ACTOR, now=NOW)


_ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.sets(st.sampled_from(["A-1", "B-1", "C-1"])), st.sampled_from(["customer", "fraud"])),
        st.tuples(st.just("release"), st.integers(0, 5)),
        st.tuples(st.just("pick"), st.integers(0, 3)),
        st.tuples(st.just("ship"), st.integers(0, 3)),
        st.tuples(st.just("cancel"), st.sampled_from(["A-1", "B-1", "C-1"])),
        st.tuples(st.just("reroute")),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_any_sequence_leaves_work_statuses_and_stock_as_the_holds_say(acts: list[tuple]) -> None:
    channel, location = make_channel(), make_location()
    for sku in ("A-1", "B-1", "C-1"):
        give_stock(Variant.objects.filter(sku=sku).first() or make_variant(sku), location, 2)
    order = make_order(channel, [("A-1", 2), ("B-1", 1), ("C-1", 3)])
    for act in acts:
        with contextlib.suppress(Refusal):
            _do(order, *act)
        sound()


def _do(order: Order, act: str, *told: object) -> None:
    open_work = list(order.fulfillment_orders.filter(state__in=["open", "on_hold", "picking"]).order_by("pk"))
    if act == "hold":
        hold(order, *sorted(told[0]), kind=told[1])
    elif act == "release":
        holds = list(Hold.objects.filter(order=order, released_at__isnull=True).order_by("pk"))
        if holds:
            release_hold(hold_id=holds[told[0] % len(holds)].pk, actor=ACTOR, now=NOW)
    elif act == "cancel":
        cancel_order(order_id=order.pk, units={line(order, told[0]): 1}, reason="", actor=ACTOR, now=NOW)
    elif act == "reroute":
        route_order(order_id=order.pk, actor=ACTOR, now=NOW, again=True)
    elif open_work:
        work = open_work[told[0] % len(open_work)]
        if act == "ship":
            ship(work)
        else:
            first = work.lines.filter(quantity__gt=0).order_by("pk").first()
            pick_line(fulfillment_order_id=work.pk, line_id=first.pk, units=1, actor=ACTOR, now=NOW)
