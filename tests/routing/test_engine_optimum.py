"""The engine's plans against brute force: an independent statement of the objective, tried on every possibility."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import chain, combinations, product
from math import asin, cos, radians, sin, sqrt

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine import Demand, Need, Planner, Rule, RuleSet, Site, plan_order
from routing.engine import cover as cover_module
from routing.engine.cover import cheapest_cover

COUNTRIES = ("PL", "DE", "FR")
RANKERS = ("fewest_parcels", "stay_in_market", "nearest", "ranked_locations")
FILTERS = tuple(Rule(name) for name in ("may_ship_online", "ships_to_zone", "channel", "capacity_left"))


@st.composite
def sites(draw, most=6):
    # Few different places, ranks and countries, so that ties and their breaking are met often.
    count = draw(st.integers(1, most))
    ids = draw(st.lists(st.integers(1, 30), min_size=count, max_size=count, unique=True))
    return {
        id_: Site(
            id_,
            f"Site {id_}",
            "warehouse",
            draw(st.sampled_from(COUNTRIES)),
            *draw(st.sampled_from([(52.2, 21.0), (52.5, 13.4), (48.9, 2.4), (50.0, 20.0), (None, None)])),
            ships_to=draw(st.sampled_from([frozenset(), frozenset({"PL"}), frozenset({"DE", "FR"})])),
            channels=draw(st.sampled_from([frozenset(), frozenset(), frozenset({2})])),
            capacity_left=draw(st.sampled_from([None, None, 0, 1, 5])),
            rank=draw(st.integers(0, 3)),
            may_ship_online=draw(st.sampled_from([True, True, True, False])),
        )
        for id_ in ids
    }


@st.composite
def demands(draw, most_lines=4, most_units=4, order_id=1):
    lines = draw(st.integers(1, most_lines))
    return Demand(
        order_id,
        draw(st.sampled_from([1, 2])),
        draw(st.sampled_from([*COUNTRIES, ""])),
        *draw(st.sampled_from([(52.4, 16.9), (48.1, 11.6), (None, None)])),
        tuple(Need(100 + line, draw(st.integers(1, 5)), draw(st.integers(1, most_units))) for line in range(lines)),
    )


@st.composite
def instances(draw, most_sites=6, most_lines=4, most_units=4):
    places = draw(sites(most_sites))
    demand = draw(demands(most_lines, most_units))
    stock = {
        variant: {
            id_: units
            for id_ in places
            if (units := draw(st.sampled_from([0, 0, 1, 2, 4, 9, -1]))) or draw(st.booleans())
        }
        for variant in {need.variant_id for need in demand.needs}
    }
    rankers = draw(st.lists(st.sampled_from(RANKERS), max_size=4))
    return demand, places, stock, RuleSet(7, 3, FILTERS, tuple(Rule(name) for name in rankers))


def kilometres(demand, site):
    phi, psi = radians(demand.lat), radians(site.lat)
    h = sin((phi - psi) / 2) ** 2 + cos(phi) * cos(psi) * sin(radians(demand.lon - site.lon) / 2) ** 2
    return 2 * 6371.0088 * asin(sqrt(h))


def ranking(name, demand, chosen):
    """The value of one ranker for a set of sites; smaller is better."""
    if name == "fewest_parcels":
        return len(chosen)
    if name == "stay_in_market":
        return sum(site.country != demand.country for site in chosen) if demand.country else 0
    if name == "ranked_locations":
        return sum(site.rank for site in chosen)
    if demand.lat is None:
        return 0
    known = [site for site in chosen if site.lat is not None]
    tenths = sum(round(kilometres(demand, site) * 10) for site in known)
    return (len(chosen) - len(known), tenths)


def allowed(demand, places):
    return [
        site
        for site in sorted(places.values(), key=lambda site: site.id)
        if site.may_ship_online
        and (not site.ships_to or demand.country in site.ships_to)
        and (not site.channels or demand.channel_id in site.channels)
        and (site.capacity_left is None or site.capacity_left > 0)
    ]


def objective(demand, rules, chosen, unfilled):
    return (
        unfilled,
        *(ranking(rule.name, demand, chosen) for rule in rules.rankers),
        len(chosen),
        tuple(site.id for site in chosen),
    )


def best_set_by_brute_force(demand, places, stock, rules):
    candidates = allowed(demand, places)
    wanted = {}
    for need in demand.needs:
        wanted[need.variant_id] = wanted.get(need.variant_id, 0) + need.quantity
    subsets = chain.from_iterable(combinations(candidates, size) for size in range(len(candidates) + 1))
    return min(
        objective(
            demand,
            rules,
            chosen,
            sum(
                max(0, units - sum(max(0, stock[v].get(site.id, 0)) for site in chosen)) for v, units in wanted.items()
            ),
        )
        for chosen in subsets
    )


def best_assignment_by_brute_force(demand, places, stock, rules):
    """Every way to give each single unit to a site or to none, with no thought of sets and covers."""
    candidates = allowed(demand, places)
    units = [need.variant_id for need in demand.needs for _ in range(need.quantity)]
    best = None
    for owners in product([*candidates, None], repeat=len(units)):
        given_ = {}
        for variant, site in zip(units, owners, strict=True):
            if site is not None:
                given_[variant, site.id] = given_.get((variant, site.id), 0) + 1
        if any(count > stock[variant].get(id_, 0) for (variant, id_), count in given_.items()):
            continue
        used = {id_ for _, id_ in given_}
        chosen = [site for site in candidates if site.id in used]
        value = objective(demand, rules, chosen, owners.count(None))
        if best is None or value < best:
            best = value
    return best


def result_of(demand, places, rules, plan):
    used = {allocation.site_id for allocation in plan.allocations}
    chosen = [places[id_] for id_ in sorted(used)]
    return objective(demand, rules, chosen, sum(back.quantity for back in plan.backorders))


@settings(max_examples=300, deadline=None)
@given(instances())
def test_a_plan_is_the_best_of_all_sets_of_sites(instance):
    demand, places, stock, rules = instance
    plan = plan_order(demand, places, stock, rules)
    assert result_of(demand, places, rules, plan) == best_set_by_brute_force(*instance)
    assert plan.proven


@settings(max_examples=150, deadline=None)
@given(instances(most_sites=3, most_lines=3, most_units=2))
def test_a_plan_is_the_best_of_all_assignments_of_units(instance):
    demand, places, stock, rules = instance
    plan = plan_order(demand, places, stock, rules)
    assert result_of(demand, places, rules, plan) == best_assignment_by_brute_force(*instance)


@settings(max_examples=300, deadline=None)
@given(instances())
def test_a_plan_ships_no_more_than_asked_and_no_more_than_there_is(instance):
    demand, places, stock, rules = instance
    plan = plan_order(demand, places, stock, rules)
    candidates = {site.id for site in allowed(demand, places)}
    taken = {}
    for line, variant, site, quantity in plan.allocations:
        assert quantity > 0
        assert site in candidates
        taken[variant, site] = taken.get((variant, site), 0) + quantity
        assert any(need.line_id == line and need.variant_id == variant for need in demand.needs)
    assert all(units <= stock[variant][site] for (variant, site), units in taken.items())
    for need in demand.needs:
        shipped = sum(a.quantity for a in plan.allocations if a.line_id == need.line_id)
        waiting = sum(b.quantity for b in plan.backorders if b.line_id == need.line_id)
        assert shipped + waiting == need.quantity


@settings(max_examples=300, deadline=None)
@given(instances())
def test_a_line_is_split_only_if_no_chosen_site_has_it_all(instance):
    demand, places, stock, rules = instance
    variants = [need.variant_id for need in demand.needs]
    plan = plan_order(demand, places, stock, rules)
    chosen = {allocation.site_id for allocation in plan.allocations}
    for need in demand.needs:
        parts = [a.quantity for a in plan.allocations if a.line_id == need.line_id]
        if len(parts) > 1 and variants.count(need.variant_id) == 1:
            assert all(stock[need.variant_id].get(id_, 0) < sum(parts) for id_ in chosen)


@settings(max_examples=200, deadline=None)
@given(instances(), st.randoms(use_true_random=False))
def test_the_same_question_gives_the_same_receipt_however_it_is_put(instance, random):
    demand, places, stock, rules = instance
    first = plan_order(demand, places, stock, rules)
    shuffled = list(places.items())
    random.shuffle(shuffled)
    mixed = {
        variant: dict(random.sample(list(found.items()), len(found))) for variant, found in reversed(stock.items())
    }
    planner = Planner(dict(shuffled), rules)
    planner.plan(demand, {})
    again = planner.plan(demand, mixed)
    assert again == first
    assert json.dumps(again.receipt) == json.dumps(first.receipt)


@settings(max_examples=200, deadline=None)
@given(instances())
def test_the_runner_up_is_a_plan_that_ships_as_much_and_is_not_better(instance):
    demand, places, stock, rules = instance
    receipt = plan_order(demand, places, stock, rules).receipt
    other = receipt["runner_up"]
    if other is None:
        assert receipt["decided_at"] is None
        return
    sites_of = {"chosen": receipt["chosen"]["sites"], "other": other["sites"]}
    values = {}
    for side, ids in sites_of.items():
        chosen = [places[id_] for id_ in ids]
        short = 0
        for variant in {need.variant_id for need in demand.needs}:
            wanted = sum(n.quantity for n in demand.needs if n.variant_id == variant)
            short += max(0, wanted - sum(max(0, stock[variant].get(id_, 0)) for id_ in ids))
        values[side] = objective(demand, rules, chosen, short)
    assert values["chosen"] < values["other"]
    assert values["chosen"][0] == values["other"][0]
    differs = [a != b for a, b in zip(values["chosen"][1:], values["other"][1:], strict=True)]
    first = differs.index(True)
    if first < len(rules.rankers):
        assert receipt["decided_by"] == rules.rankers[first].name
        assert receipt["decided_at"] == first
    else:
        assert receipt["decided_by"] in ("fewer_parcels", "lowest_id")


# -- the search by itself ---------------------------------------------------------------------------------------------


@st.composite
def covers(draw, most_sites=9):
    """Costs of two parts, a major and a minor one, and what each site has of each target."""
    count = draw(st.integers(1, most_sites))
    costs = {id_: (draw(st.integers(0, 2)), draw(st.integers(0, 6))) for id_ in range(10, 10 + count)}
    targets = []
    for _ in range(draw(st.integers(1, 5))):
        offers = {id_: units for id_ in costs if (units := draw(st.sampled_from([0, 0, 1, 2, 3, 8])))}
        if offers:
            targets.append((draw(st.integers(1, min(6, sum(offers.values())))), offers))
    return costs, targets or [(1, {10: 1})]


def minimal_covers(costs, targets):
    """(major, minor, number, ids) of every minimal cover, best first."""

    def is_cover(ids):
        return all(sum(offers.get(i, 0) for i in ids) >= wanted for wanted, offers in targets)

    found = []
    for size in range(1, len(costs) + 1):
        for ids in combinations(costs, size):
            if is_cover(ids) and not any(is_cover(set(ids) - {i}) for i in ids):
                major, minor = (sum(costs[i][part] for i in ids) for part in (0, 1))
                found.append((major, minor, size, ids))
    return sorted(found)


def search(costs, targets, **options):
    """Costs packed as the planner packs them: the number of parcels is the least of it."""
    packed = {i: (major << 12) + (minor << 4) + 1 for i, (major, minor) in costs.items()}
    return cheapest_cover(packed, targets, minor_bits=12, **options)


@contextmanager
def constants(**values):
    before = {name: getattr(cover_module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(cover_module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(cover_module, name, value)


@settings(max_examples=400, deadline=None)
@given(covers(), st.sampled_from([0, 12]))
def test_the_search_finds_the_best_and_the_second_best_minimal_cover(instance, reduce_above):
    expected = minimal_covers(*instance)
    with constants(REDUCE_ABOVE=reduce_above):
        found = search(*instance)
    assert found.proven
    assert found.best == expected[0][3]
    if found.compared:
        assert found.second == (expected[1][3] if len(expected) > 1 else ())


@settings(max_examples=400, deadline=None)
@given(covers(), st.sampled_from([0, 2, 8]), st.booleans())
def test_a_long_search_finds_the_best_cover_with_its_sharper_bound(instance, compare, with_minor_bits):
    costs, targets = instance
    if not with_minor_bits:
        costs = {i: (0, minor) for i, (_, minor) in costs.items()}
    expected = minimal_covers(costs, targets)
    with constants(REDUCE_ABOVE=0, COMPARE=compare):
        found = search(costs, targets)
    assert found.proven
    assert found.best == expected[0][3]
    assert found.second in [(), *(ids for *_, ids in expected[1:])]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([400, 0]))
def test_the_search_finds_the_best_cover_among_more_sites_than_it_keeps(random, compare):
    costs = {i: (1, random.randint(0, 9)) for i in range(13)}
    targets = []
    for _ in range(6):
        offers = {i: random.choice([1, 2, 5]) for i in costs if random.random() < 0.35} or {0: 1}
        targets.append((random.randint(1, min(5, sum(offers.values()))), offers))
    expected = minimal_covers(costs, targets)
    with constants(COMPARE=compare):
        found = search(costs, targets)
    assert found.proven
    assert found.best == expected[0][3]
    if found.compared:
        assert found.second == (expected[1][3] if len(expected) > 1 else ())


@settings(max_examples=400, deadline=None)
@given(covers())
def test_no_bound_is_above_the_cost_of_the_best_cover_nor_of_its_rest(instance):
    costs, targets = instance
    best = minimal_covers(costs, targets)[0][3]
    wanted = [units for units, _ in targets]
    full, parts = cover_module._profiles(list(costs), targets)
    packed = [(major + 1 << 12) + (minor << 4) + 1 for major, minor in costs.values()]
    searched = cover_module._Search(packed, full, parts, wanted, minor_bits=12)
    open_, rest = searched.all, searched.wanted
    left = [list(costs).index(i) for i in best]
    while left:
        cost = sum(searched.costs[i] for i in left)
        assert searched._lower_bound(open_, rest) <= cost
        assert searched._sharper_bound(open_, rest) <= cost
        open_, rest = searched._after(left.pop(), open_, rest)
    assert open_ == 0


@settings(max_examples=200, deadline=None)
@given(covers(), st.sampled_from([0, 12]))
def test_a_search_cut_short_still_gives_a_minimal_cover_and_claims_no_proof_it_lacks(instance, reduce_above):
    expected = minimal_covers(*instance)
    with constants(REDUCE_ABOVE=reduce_above):
        found = search(*instance, budget=0)
    assert found.best in [ids for *_, ids in expected]
    if found.proven:
        assert found.best == expected[0][3]


def test_a_search_within_a_small_budget_says_that_it_is_not_proven():
    places = {id_: Site(id_, str(id_), "store", "PL", 50 + id_ % 7, 15 + id_ % 11) for id_ in range(1, 61)}
    stock = {v: {id_: 1 for id_ in places if (id_ * v) % 7 in (1, 2, 3)} for v in (1, 2, 3, 4, 5, 6, 8, 9)}
    demand = Demand(1, 1, "PL", 52.0, 21.0, tuple(Need(v, v, 3) for v in stock))
    rules = RuleSet(1, 1, FILTERS, (Rule("fewest_parcels"), Rule("nearest")))
    short = Planner(places, rules, budget=5).plan(demand, stock)
    assert not short.proven
    assert short.receipt["proven"] is False
    assert not short.backorders
    assert Planner(places, rules, budget=5).plan(demand, stock) == short


def test_the_number_of_parcels_is_the_least_where_greedy_takes_one_more():
    # The classic trap: the site with most lines is in no best cover.
    places = {id_: Site(id_, str(id_), "store", "PL", 52.0, 21.0) for id_ in (1, 2, 3)}
    lines = {1: (1, 2, 3, 4), 2: (1, 2, 5), 3: (3, 4, 6)}
    stock = {v: {id_: 5 for id_, has in lines.items() if v in has} for v in range(1, 7)}
    demand = Demand(1, 1, "PL", 52.0, 21.0, tuple(Need(v, v, 1) for v in range(1, 7)))
    plan = plan_order(demand, places, stock, RuleSet(1, 1, (), (Rule("fewest_parcels"),)))
    assert plan.receipt["chosen"]["sites"] == [2, 3]
