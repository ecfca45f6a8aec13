"""From needs to drafts: packs, minimums, and that a need is ordered once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purchasing.models import PurchaseOrder
from purchasing.operations import create_purchase_orders, plan_purchases, plan_with_rest
from purchasing.planning import Need, Offer, Terms, plan, round_up
from tests.factories.purchasing import make_item, make_supplier
from tests.factories.shop import ACTOR, NOW, make_location, make_variant


@given(units=st.integers(1, 500), pack=st.integers(1, 48), least=st.integers(0, 300))
def test_rounding_gives_the_least_whole_packs_and_says_why(units: int, pack: int, least: int) -> None:
    quantity, added = round_up(units, pack_size=pack, minimum_quantity=least)
    assert quantity % pack == 0
    assert quantity >= max(units, least) > quantity - pack
    assert quantity == units + sum(each.units for each in added)


_OFFERS = st.lists(
    st.builds(
        Offer,
        supplier_id=st.integers(1, 3),
        variant_id=st.integers(1, 5),
        price=st.decimals("0", "60", places=2),
        pack_size=st.integers(1, 12),
        minimum_quantity=st.integers(0, 30),
    ),
    max_size=12,
    unique_by=lambda offer: (offer.supplier_id, offer.variant_id),
)
_NEEDS = st.lists(st.builds(Need, st.integers(1, 5), st.integers(1, 2), st.integers(0, 80)), max_size=8)


@given(
    needs=_NEEDS,
    offers=_OFFERS,
    minimum=st.integers(0, 4000),
    drafted=st.dictionaries(st.tuples(st.integers(1, 5), st.integers(1, 2)), st.integers(0, 40), max_size=4),
    shuffle=st.randoms(),
)
def test_plans_cover_every_need_that_somebody_sells(needs, offers, minimum, drafted, shuffle) -> None:
    terms = {n: Terms(n, "EUR", Decimal(minimum)) for n in (1, 2, 3)}
    plans, left = plan(needs, offers, terms, drafted=drafted)
    wanted = Counter()
    for need in needs:
        wanted[(need.variant_id, need.location_id)] += need.units
    packs = {(o.supplier_id, o.variant_id): o for o in offers}
    planned = {}
    for each in plans:
        for line in each.lines:
            offer = packs[(each.supplier_id, line.variant_id)]
            planned[(line.variant_id, each.location_id)] = line
            assert line.quantity % offer.pack_size == 0
            assert line.quantity >= offer.minimum_quantity
            assert line.quantity == line.needed + sum(added.units for added in line.added)
        value = sum(line.unit_cost * line.quantity for line in each.lines)
        assert value >= minimum or not any(line.unit_cost for line in each.lines)
        assert each.short_of_minimum == max(Decimal(0), minimum - value)
    sold = {offer.variant_id for offer in offers}
    for key, units in wanted.items():
        net = units - drafted.get(key, 0)
        if net <= 0 or key[0] not in sold:
            assert key not in planned
        else:
            assert planned[key].needed == net
    assert {(each.need.variant_id, each.need.location_id) for each in left} == {
        key for key, units in wanted.items() if units and key not in planned
    }
    mixed = list(needs)
    shuffle.shuffle(mixed)
    assert plan(mixed, offers, terms, drafted=drafted) == (plans, left)


@given(price=st.decimals("0.01", "90", places=2), units=st.integers(1, 20), minimum=st.integers(0, 100_000))
def test_the_minimum_order_is_reached_with_less_than_a_pack_too_much(price, units, minimum) -> None:
    offers = [Offer(1, 1, price, pack_size=6)]
    [made], _left = plan([Need(1, 1, units)], offers, {1: Terms(1, "EUR", Decimal(minimum))})
    [line] = made.lines
    assert price * line.quantity >= minimum
    least, _added = round_up(units, pack_size=6, minimum_quantity=1)
    assert line.quantity == least or price * (line.quantity - 6) < minimum


@pytest.mark.django_db
class TestOrders:
    def test_needs_become_drafts_by_supplier_and_location_that_wait_for_approval(self) -> None:
        near, far = make_location("Near"), make_location("Far")
        mug, cup, pot = make_variant(), make_variant(), make_variant()
        first, second = make_supplier(minimum_order=Decimal(100)), make_supplier(currency="USD")
        make_item(first, mug, price="2.50", pack_size=10, preferred=True)
        make_item(second, mug, price="1.00")
        make_item(first, cup, price="4")
        make_item(second, pot, price="8", minimum_quantity=5)
        needs = [(mug.pk, near.pk, 13), (cup.pk, near.pk, 2), (pot.pk, near.pk, 2), (pot.pk, far.pk, 9)]
        made = create_purchase_orders(plan_purchases(needs), actor=ACTOR, now=NOW)
        assert {(o.supplier_id, o.location_id) for o in made} == {
            (first.pk, near.pk), (second.pk, near.pk), (second.pk, far.pk),
        }  # fmt: skip
        assert all(order.awaits_approval and order.state == "draft" for order in made)
        own = next(order for order in made if order.supplier_id == first.pk)
        assert own.total >= 100
        assert own.exchange_rate == 1
        foreign = next(order for order in made if order.location_id == far.pk)
        assert foreign.exchange_rate is None  # nobody has typed one
        assert PurchaseOrder.objects.get(pk=own.pk).lines.get(variant=mug).ordered % 10 == 0

    def test_the_same_need_is_planned_once(self) -> None:
        place, mug, supplier = make_location(), make_variant(), make_supplier()
        make_item(supplier, mug, price="2", pack_size=6)
        needs = [(mug.pk, place.pk, 10)]
        plans = plan_purchases(needs)
        assert len(create_purchase_orders(plans, actor=ACTOR, now=NOW)) == 1
        assert create_purchase_orders(plans, actor=ACTOR, now=NOW) == []
        assert plan_purchases(needs) == []
        more, left = plan_with_rest([(mug.pk, place.pk, 15)])
        assert [line.needed for each in more for line in each.lines] == [3]  # 12 are on the draft
        assert not left


def test_two_planners_at_once_order_once(committed, threads) -> None:
    place, mug, supplier = make_location(), make_variant(), make_supplier()
    make_item(supplier, mug, price="2", pack_size=6)
    plans = plan_purchases([(mug.pk, place.pk, 10)])
    made = threads(6, lambda _n: create_purchase_orders(plans, actor=ACTOR, now=NOW))
    assert sum(len(orders) for orders in made) == 1
