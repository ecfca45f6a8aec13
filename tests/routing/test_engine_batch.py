"""Batches: nothing is promised twice, neither units nor a site's day."""

from __future__ import annotations

import copy
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine import Demand, Need, Planner, Rule, RuleSet, Site, plan_batch

FILTERS = tuple(Rule(name) for name in ("may_ship_online", "ships_to_zone", "capacity_left"))
RANKERS = tuple(Rule(name) for name in ("fewest_parcels", "stay_in_market", "nearest"))
RULES = RuleSet(1, 1, FILTERS, RANKERS)


@st.composite
def batches(draw):
    sites = {
        id_: Site(
            id_,
            str(id_),
            "store",
            draw(st.sampled_from(["PL", "DE"])),
            50.0 + id_,
            20.0,
            ships_to=draw(st.sampled_from([frozenset(), frozenset({"PL"})])),
            capacity_left=draw(st.sampled_from([None, 0, 1, 2, 3])),
        )
        for id_ in range(1, draw(st.integers(2, 5)) + 1)
    }
    stock = {variant: {id_: draw(st.integers(0, 4)) for id_ in sites} for variant in range(1, 4)}
    demands = [
        Demand(
            order,
            1,
            draw(st.sampled_from(["PL", "DE"])),
            draw(st.sampled_from([51.0, 55.0])),
            20.0,
            tuple(
                Need(order * 10 + line, draw(st.integers(1, 3)), draw(st.integers(1, 3)))
                for line in range(draw(st.integers(1, 3)))
            ),
        )
        for order in range(1, draw(st.integers(1, 8)) + 1)
    ]
    return demands, sites, stock


@settings(max_examples=300, deadline=None)
@given(batches())
def test_a_batch_promises_no_unit_and_no_capacity_twice(batch):
    demands, sites, stock = batch
    kept = copy.deepcopy(stock)
    plans = plan_batch(demands, sites, stock, RULES)
    assert stock == kept
    assert [plan.order_id for plan in plans] == [demand.order_id for demand in demands]
    taken, orders = {}, {}
    for plan in plans:
        for _, variant, site, quantity in plan.allocations:
            taken[variant, site] = taken.get((variant, site), 0) + quantity
        for site in {allocation.site_id for allocation in plan.allocations}:
            orders[site] = orders.get(site, 0) + 1
    assert all(units <= stock[variant][site] for (variant, site), units in taken.items())
    for site, count in orders.items():
        assert sites[site].capacity_left is None or count <= sites[site].capacity_left


@settings(max_examples=200, deadline=None)
@given(batches())
def test_a_batch_plans_each_order_as_if_it_stood_alone_before_what_is_left(batch):
    demands, sites, stock = batch
    plans = plan_batch(demands, sites, stock, RULES)
    sites, stock = dict(sites), copy.deepcopy(stock)
    for demand, plan in zip(demands, plans, strict=True):
        assert Planner(sites, RULES).plan(demand, stock) == plan
        for _, variant, site, quantity in plan.allocations:
            stock[variant][site] -= quantity
        for site in {allocation.site_id for allocation in plan.allocations}:
            left = sites[site].capacity_left
            sites[site] = replace(sites[site], capacity_left=None if left is None else left - 1)


def test_a_planner_gives_a_batch_twice_alike():
    sites = {1: Site(1, "A", "store", "PL", capacity_left=1), 2: Site(2, "B", "store", "PL")}
    stock = {1: {1: 5, 2: 1}}
    demands = [Demand(n, 1, "PL", None, None, (Need(n, 1, 1),)) for n in (1, 2, 3)]
    planner = Planner(sites, RULES)
    first, second = planner.plan_batch(demands, stock), planner.plan_batch(demands, stock)
    assert first == second
    assert [plan.allocations[0].site_id if plan.allocations else None for plan in first] == [
        1,
        2,
        None,
    ]


def test_a_site_whose_day_is_full_stands_as_such_on_later_receipts_only():
    sites = {1: Site(1, "A", "store", "PL", capacity_left=1), 2: Site(2, "B", "store", "PL")}
    demands = [Demand(n, 1, "PL", None, None, (Need(n, 1, 1),)) for n in (1, 2)]
    first, second = plan_batch(demands, sites, {1: {1: 5, 2: 5}}, RULES)
    assert first.receipt["removed"] == {}
    assert first.receipt["chosen"]["sites"] == [1]
    assert second.receipt["removed"] == {"capacity_left": {"count": 1, "sites": [1]}}
    assert second.receipt["chosen"]["sites"] == [2]


def test_stock_of_an_unknown_variant_is_a_back_order():
    (plan,) = plan_batch(
        [Demand(1, 1, "PL", None, None, (Need(1, 99, 2),))],
        {1: Site(1, "A", "store", "PL")},
        {},
        RULES,
    )
    assert plan.backorders == ((1, 99, 2),)
    assert plan.receipt["decided_by"] == "no_stock"
