"""Whole sets: what of a demand is worth placing, against trying every number of sets."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from routing.engine import Demand, Member, Need, RuleSet, Site, plan_batch, plan_order, sentence

RULES = RuleSet(1, 1, (), ())
SITES = {n: Site(n, f"Site {n}", "warehouse", "PL") for n in (1, 2)}


@st.composite
def demands(draw):
    """Groups and single lines over three variants; a group may have units placed already, and name a variant twice."""
    needs, sets, line = [], [], 0
    for _group in range(draw(st.integers(0, 2))):
        wanted, members = draw(st.integers(1, 4)), []
        for _member in range(draw(st.integers(1, 3))):
            line += 1
            per = draw(st.integers(1, 3))
            have = draw(st.integers(0, per * wanted))
            if per * wanted > have:
                needs.append(Need(line, draw(st.integers(1, 3)), per * wanted - have))
                members.append(Member(line, per, have))
        if members:
            sets.append(tuple(members))
    for _single in range(draw(st.integers(0, 2))):
        line += 1
        needs.append(Need(line, draw(st.integers(1, 3)), draw(st.integers(1, 5))))
    return Demand(1, 1, "PL", None, None, tuple(needs), tuple(sets))


STOCK = st.dictionaries(
    st.integers(1, 3), st.dictionaries(st.integers(1, 2), st.integers(0, 8), max_size=2), max_size=3
)


def expected(demand: Demand, stock) -> dict[int, int]:
    """Line id → units placed, by trying one set more each time."""
    left = Counter({variant: sum(found.values()) for variant, found in stock.items()})
    groups = {member.line_id: group for group in demand.sets for member in group}
    needs = {need.line_id: need for need in demand.needs}
    placed: dict[int, int] = {}
    for need in demand.needs:
        if need.line_id in placed:
            continue
        if need.line_id not in groups:
            placed[need.line_id] = min(need.quantity, left[need.variant_id])
            left[need.variant_id] -= placed[need.line_id]
            continue
        group, best = groups[need.line_id], {}
        for sets in range(100):
            units = {m.line_id: max(0, sets * m.per_set - m.have) for m in group}
            wanted = Counter()
            for line_id, n in units.items():
                wanted[needs[line_id].variant_id] += n
            if any(n > needs[line_id].quantity for line_id, n in units.items()):
                break
            if any(n > left[variant] for variant, n in wanted.items()):
                break
            best = units
        for line_id, n in best.items():
            placed[line_id] = n
            left[needs[line_id].variant_id] -= n
    return placed


@given(demands(), STOCK)
def test_as_many_whole_sets_as_there_are_and_nothing_for_the_rest(demand, stock):
    plan = plan_order(demand, SITES, stock, RULES)
    placed: Counter[int] = Counter()
    for allocation in plan.allocations:
        placed[allocation.line_id] += allocation.quantity
        assert allocation.quantity <= stock[allocation.variant_id][allocation.site_id]
    assert {need.line_id: placed[need.line_id] for need in demand.needs} == expected(demand, stock)
    waiting = {b.line_id: b.quantity for b in plan.backorders}
    assert all(placed[n.line_id] + waiting.get(n.line_id, 0) == n.quantity for n in demand.needs)
    assert [tuple(b) for b in plan.backorders] == [tuple(b) for b in plan.receipt["backorders"]]
    assert sentence(plan.receipt, {1: "A", 2: "B"})


@given(demands(), STOCK)
def test_a_demand_that_is_wanted_whole_is_placed_whole_or_not_at_all(demand, stock):
    from dataclasses import replace

    loose, whole = plan_order(demand, SITES, stock, RULES), plan_order(replace(demand, whole=True), SITES, stock, RULES)
    if loose.backorders:
        assert whole.allocations == () and whole.backorders == loose.backorders
    else:
        assert whole.allocations == loose.allocations


def test_what_a_refused_order_leaves_is_there_for_the_next_of_the_batch():
    first = Demand(1, 1, "PL", None, None, (Need(1, 1, 5),), whole=True)
    second = Demand(2, 1, "PL", None, None, (Need(2, 1, 4),), whole=True)
    plans = plan_batch([first, second], SITES, {1: {1: 4}}, RULES)
    assert [bool(plan.allocations) for plan in plans] == [False, True]


def test_units_without_their_sisters_wait_with_a_reason():
    demand = Demand(1, 1, "PL", None, None, (Need(1, 1, 1), Need(2, 2, 2)), ((Member(1, 1), Member(2, 2)),))
    plan = plan_order(demand, SITES, {1: {1: 9}, 2: {1: 1}}, RULES)
    assert plan.allocations == () and plan.receipt["decided_by"] == "no_set"
    assert sentence(plan.receipt, {}, {1: "LAMP", 2: "BULB"}) == (
        "Back-ordered: 1 × LAMP, 2 × BULB; what locations have does not make a whole set."
    )
