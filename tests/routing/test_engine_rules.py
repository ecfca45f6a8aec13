"""Filters, rankers, their parameters and the distances they rest on."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from routing.engine import (
    FILTERS,
    RANKERS,
    Demand,
    Need,
    Planner,
    Rule,
    RuleError,
    RuleSet,
    Site,
    plan_order,
)
from routing.engine.geo import distance_km, unit_vector
from routing.engine.parameters import settle

WARSAW, BERLIN, PARIS = (52.2297, 21.0122), (52.52, 13.405), (48.8566, 2.3522)


def site(id_, place=WARSAW, country="PL", **fields):
    return Site(id_, f"Site {id_}", "warehouse", country, *place, **fields)


def order(*quantities, country="PL", channel=1, place=WARSAW):
    needs = tuple(Need(10 + v, v, quantity) for v, quantity in enumerate(quantities, 1))
    return Demand(5, channel, country, *place, needs)


def everywhere(demand, places, units=9):
    return {need.variant_id: dict.fromkeys(places, units) for need in demand.needs}


def plan(demand, places, stock=None, filters=(), rankers=()):
    places = {each.id: each for each in places}
    rules = RuleSet(
        1,
        1,
        tuple(rule if isinstance(rule, Rule) else Rule(rule) for rule in filters),
        tuple(rule if isinstance(rule, Rule) else Rule(rule) for rule in rankers),
    )
    return plan_order(demand, places, stock or everywhere(demand, places), rules)


def chosen(result):
    return result.receipt["chosen"]["sites"]


# -- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "barred", "free"),
    [
        ("may_ship_online", {"may_ship_online": False}, {}),
        ("ships_to_zone", {"ships_to": frozenset({"DE"})}, {"ships_to": frozenset({"PL", "DE"})}),
        ("ships_to_zone", {"ships_to": frozenset({"DE"})}, {"ships_to": frozenset()}),
        ("channel", {"channels": frozenset({2})}, {"channels": frozenset({1, 2})}),
        ("channel", {"channels": frozenset({2})}, {"channels": frozenset()}),
        ("capacity_left", {"capacity_left": 0}, {"capacity_left": 1}),
        ("capacity_left", {"capacity_left": 0}, {"capacity_left": None}),
    ],
)
def test_a_filter_removes_the_site_that_it_bars_and_the_receipt_names_it(name, barred, free):
    places = [site(1, **barred), site(2, **free)]
    result = plan(order(1), places, filters=[name])
    assert chosen(result) == [2]
    assert result.receipt["removed"] == {name: {"count": 1, "sites": [1]}}
    assert chosen(plan(order(1), places)) == [1]  # without the filter the lower id ships


def test_a_site_that_several_filters_bar_stands_under_the_first():
    places = [site(1, may_ship_online=False, capacity_left=0), site(2)]
    for filters in (["may_ship_online", "capacity_left"], ["capacity_left", "may_ship_online"]):
        result = plan(order(1), places, filters=filters)
        assert result.receipt["removed"] == {filters[0]: {"count": 1, "sites": [1]}}


def test_capacity_can_keep_some_orders_free():
    places = [site(1, capacity_left=2), site(2)]
    keep = Rule("capacity_left", {"keep_free": 2})
    assert chosen(plan(order(1), places, filters=[keep])) == [2]
    assert chosen(plan(order(1), places, filters=["capacity_left"])) == [1]


def test_an_order_that_every_site_is_barred_from_waits_whole():
    result = plan(order(2, 1), [site(1, may_ship_online=False)], filters=["may_ship_online"])
    assert result.allocations == ()
    assert result.backorders == ((11, 1, 2), (12, 2, 1))
    assert result.receipt["decided_by"] == "no_site"


def test_one_planner_keeps_the_verdicts_of_countries_and_channels_apart():
    places = {
        1: site(1, ships_to=frozenset({"PL"})),
        2: site(2, ships_to=frozenset({"DE"}), channels=frozenset({1})),
        3: site(3, channels=frozenset({2})),
    }
    planner = Planner(places, RuleSet(1, 1, (Rule("ships_to_zone"), Rule("channel")), ()))
    for country, channel, expected in [
        ("PL", 1, [1]),
        ("DE", 1, [2]),
        ("DE", 2, [3]),
        ("PL", 2, [1]),
        ("PL", 1, [1]),
    ]:
        demand = order(1, country=country, channel=channel)
        assert chosen(planner.plan(demand, everywhere(demand, places))) == expected


# -- rankers ----------------------------------------------------------------------------------------------------------


def test_the_first_ranker_that_breaks_a_tie_wins():
    near_abroad = site(1, BERLIN, "DE", rank=5)
    far_at_home = site(2, WARSAW, "PL", rank=9)
    demand = order(1, country="PL", place=BERLIN)
    both = [near_abroad, far_at_home]
    assert chosen(plan(demand, both, rankers=["stay_in_market", "nearest"])) == [2]
    assert chosen(plan(demand, both, rankers=["nearest", "stay_in_market"])) == [1]
    assert chosen(plan(demand, both, rankers=["fewest_parcels", "ranked_locations"])) == [1]


def test_countries_can_be_one_market():
    places = [site(1, country="FR"), site(2, country="DE")]
    demand = order(1, country="AT")
    dach = Rule("stay_in_market", {"markets": [["DE", "AT", "CH"]]})
    assert chosen(plan(demand, places, rankers=["stay_in_market"])) == [1]
    assert chosen(plan(demand, places, rankers=[dach])) == [2]


def test_a_site_without_a_place_is_the_last_by_distance():
    places = [site(1, (None, None)), site(2, PARIS)]
    result = plan(order(1, place=WARSAW), places, rankers=["nearest"])
    assert chosen(result) == [2]
    assert result.receipt["candidates"]["values"][0][0] is None
    # Two far parcels from known places still go before one from nowhere.
    split = plan(
        order(1, 1),
        [site(1, (None, None)), site(2, PARIS), site(3, BERLIN)],
        stock={1: {1: 1, 2: 1}, 2: {1: 1, 3: 1}},
        rankers=["nearest"],
    )
    assert chosen(split) == [2, 3]


def test_an_order_without_a_place_leaves_distance_to_the_next_rule():
    places = [site(1, WARSAW, rank=2), site(2, BERLIN, rank=1)]
    demand = order(1, place=(None, None))
    result = plan(demand, places, rankers=["nearest", "ranked_locations"])
    assert chosen(result) == [2]
    assert result.receipt["candidates"]["values"][0] is None
    assert result.receipt["decided_by"] == "ranked_locations"


def test_distances_in_one_step_are_a_tie():
    places = [site(1, PARIS, rank=2), site(2, BERLIN, rank=1), site(3, WARSAW, rank=3)]
    demand = order(1, place=(52.0, 19.0))
    by_100 = [Rule("nearest", {"step_km": 1000}), "ranked_locations"]
    assert chosen(plan(demand, places, rankers=["nearest", "ranked_locations"])) == [3]
    assert chosen(plan(demand, places, rankers=by_100)) == [2]


def test_an_order_that_no_rule_decides_goes_to_the_lower_id_in_the_fewest_parcels():
    places = [site(id_) for id_ in (4, 3, 2)]
    stock = {1: {4: 1, 2: 1, 3: 1}, 2: {4: 1, 3: 1}}
    assert chosen(plan(order(1, 1), places, stock)) == [3]


def test_lines_of_one_variant_share_its_stock():
    needs = (Need(11, 1, 2), Need(12, 1, 3), Need(13, 1, 2))
    demand = Demand(5, 1, "PL", *WARSAW, needs)
    result = plan(demand, [site(1), site(2)], stock={1: {1: 3, 2: 2}})
    assert result.allocations == ((11, 1, 2, 2), (12, 1, 1, 3))
    assert result.backorders == ((13, 1, 2),)


@pytest.mark.parametrize(
    ("rule", "param"),
    [
        (Rule("no_such_rule"), None),
        (Rule("nearest", {"step": 1}), "step"),
        (Rule("nearest", {"step_km": 0}), "step_km"),
        (Rule("nearest", {"step_km": "1"}), "step_km"),
        (Rule("nearest", {"step_km": True}), "step_km"),
        (Rule("nearest", {"step_km": float("nan")}), "step_km"),
        (Rule("nearest", {"step_km": float("inf")}), "step_km"),
        (Rule("stay_in_market", {"markets": "DE"}), "markets"),
        (Rule("stay_in_market", {"markets": [["Germany"]]}), "markets"),
    ],
)
def test_a_rule_that_cannot_be_run_is_refused_by_name(rule, param):
    with pytest.raises(RuleError) as refused:
        Planner({1: site(1)}, RuleSet(1, 1, (), (rule,)))
    assert (refused.value.rule, refused.value.param) == (rule.name, param)


def test_a_filter_that_cannot_be_run_is_refused_by_name():
    for rule, param in [
        (Rule("nearest"), None),
        (Rule("capacity_left", {"keep_free": -1}), "keep_free"),
        (Rule("capacity_left", {"keep_free": 0.5}), "keep_free"),
    ]:
        with pytest.raises(RuleError) as refused:
            Planner({1: site(1)}, RuleSet(1, 1, (rule,), ()))
        assert (refused.value.rule, refused.value.param) == (rule.name, param)


def test_sites_out_of_order_are_refused():
    for places in ({2: site(1)}, {1: site(1, rank=-1)}):
        with pytest.raises(ValueError, match="site"):
            Planner(places, RuleSet(1, 1, (), ()))
    with pytest.raises(ValueError, match="not a place"):
        Planner({1: site(1, (float("nan"), 0.0))}, RuleSet(1, 1, (), (Rule("nearest"),)))


def test_the_defaults_of_every_rule_are_valid_and_every_rule_is_labelled():
    for registry in (FILTERS, RANKERS):
        for name, kind in registry.items():
            assert name == kind.name
            assert kind.label
            assert settle(name, kind.params, {}).keys() == {param.name for param in kind.params}
            assert all(param.label for param in kind.params)


# -- distances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        (WARSAW, BERLIN, 517.2),  # by the textbook formula on the mean sphere
        (BERLIN, PARIS, 877.5),
        ((0.0, 0.0), (0.0, 180.0), 20015.1),
        ((90.0, 0.0), (-90.0, 77.0), 20015.1),
        ((0.0, 179.9), (0.0, -179.9), 22.2),
        ((52.0, 21.0), (52.0, 21.0), 0.0),
    ],
)
def test_distances_are_those_of_the_sphere(a, b, km):
    assert distance_km(unit_vector(*a), unit_vector(*b)) == pytest.approx(km, abs=0.06)
    assert distance_km(unit_vector(*b), unit_vector(*a)) == pytest.approx(km, abs=0.06)


def test_a_place_is_no_metre_away_from_itself_anywhere():
    for lat in range(-90, 91, 5):
        for lon in range(-180, 181, 7):
            here = unit_vector(lat + 0.123, lon + 0.456)
            assert distance_km(here, here) < 0.001


# -- purity -----------------------------------------------------------------------------------------------------------


def test_the_engine_imports_nothing_but_the_standard_library_and_itself():
    folder = Path(sys.modules["routing.engine"].__file__).parent
    clock = re.compile(r"^(time|datetime|random|os|django.*)$")
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names, f"{path.name}: {name}"
                assert not clock.match(name), f"{path.name}: {name}"
