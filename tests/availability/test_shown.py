"""The arithmetic of what is shown: bounds, direction, bundles against brute force, receipts that replay to their number."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from availability.shown import NO_TERMS, Demand, Part, Terms, replay, shown, withheld_by

units = st.integers(-50, 500)
places = st.lists(units, min_size=1, max_size=4).map(lambda counts: tuple(enumerate(counts, 1)))


@st.composite
def many_parts(draw):
    return [Part(n, draw(st.integers(1, 6)), draw(places)) for n in range(1, draw(st.integers(1, 4)) + 1)]


@st.composite
def some_terms(draw):
    kind = draw(st.sampled_from(["none", "units", "percent", "days"]))
    most = {"none": 0, "units": 300, "percent": 100, "days": 60}[kind]
    value = draw(st.decimals(0, most, places=0 if kind == "units" else 2))
    return Terms(kind, value, draw(st.none() | st.integers(0, 400)), draw(st.just(0) | st.integers(1, 90)), draw(st.booleans()))  # fmt: skip


demands = st.builds(Demand, sold=st.integers(0, 900), backordered=st.integers(0, 120))


def bundles_by_hand(parts: list[Part]) -> int:
    """Take components off the shelf, bundle by bundle, until one is missing."""
    shelf = {part.variant_id: sum(max(0, count) for _place, count in part.locations) for part in parts}
    made = 0
    while all(shelf[part.variant_id] >= part.quantity for part in parts):
        for part in parts:
            shelf[part.variant_id] -= part.quantity
        made += 1
    return made


@given(many_parts(), some_terms(), demands, st.booleans())
def test_never_more_than_the_pool_and_the_open_budget_and_never_below_zero(parts, terms, demand, active):
    receipt = shown(parts, terms, demand, active=active)
    open_budget = max(0, terms.budget - demand.backordered)
    assert 0 <= receipt["shown"] <= receipt["available"] + open_budget
    assert 0 <= receipt["withheld"] <= receipt["available"]
    assert receipt["oversold"] == max(0, receipt["shown"] - receipt["available"]) <= open_budget
    assert not (terms.never or not active) or receipt["shown"] == 0
    assert terms.maximum is None or receipt["shown"] <= terms.maximum


@given(many_parts(), some_terms(), demands, st.integers(0, 3), st.integers(0, 3), st.integers(1, 40))
def test_more_stock_never_shows_less(parts, terms, demand, which, place, more):
    part = parts[which % len(parts)]
    locations = list(part.locations)
    id_, count = locations[place % len(locations)]
    locations[place % len(locations)] = (id_, count + more)
    richer = [one._replace(locations=tuple(locations)) if one is part else one for one in parts]
    assert shown(richer, terms, demand)["shown"] >= shown(parts, terms, demand)["shown"]


@given(many_parts())
def test_the_minimum_of_a_bundle_is_what_can_be_put_together(parts):
    assert shown(parts)["shown"] == bundles_by_hand(parts)


@given(many_parts(), some_terms(), demands, st.booleans())
def test_a_receipt_survives_json_and_replays_to_its_number(parts, terms, demand, active):
    receipt = shown(parts, terms, demand, active=active)
    assert replay(json.loads(json.dumps(receipt))) == receipt["shown"]
    assert receipt == shown(parts, terms, demand, active=active)


@given(st.integers(0, 10_000), st.decimals(0, 100, places=2), st.integers(0, 5000))
def test_buffers_round_up_to_whole_units(available, value, sold):
    assert withheld_by(Terms("percent", value), available, 0) == min(available, ceil(Fraction(value) * available / 100))
    assert withheld_by(Terms("days", value), available, sold) == min(available, ceil(Fraction(value) * sold / 28))


@pytest.mark.parametrize(
    ("terms", "demand", "number", "reason"),
    [
        (NO_TERMS, Demand(), 8, "stock"),
        (Terms("units", Decimal(3)), Demand(), 5, "buffer"),
        (Terms("units", Decimal(30)), Demand(), 0, "buffer"),
        (Terms("percent", Decimal(10)), Demand(), 7, "buffer"),
        (Terms("percent", Decimal(0)), Demand(), 8, "stock"),
        (Terms("percent", Decimal(100)), Demand(), 0, "buffer"),
        (Terms("days", Decimal(2)), Demand(sold=14), 7, "buffer"),
        (Terms("days", Decimal(2)), Demand(sold=15), 6, "buffer"),
        (Terms(budget=5), Demand(), 13, "budget"),
        (Terms(budget=5), Demand(backordered=3), 10, "budget"),
        (Terms(budget=5), Demand(backordered=9), 8, "stock"),
        (Terms(maximum=4), Demand(), 4, "maximum"),
        (Terms(maximum=40), Demand(), 8, "stock"),
        (Terms(never=True), Demand(), 0, "never"),
        (Terms("units", Decimal(2), 9, 5), Demand(backordered=1), 9, "maximum"),
    ],
)  # fmt: skip
def test_examples_of_the_manual(terms, demand, number, reason):
    parts = [Part(1, 1, ((1, 12),)), Part(2, 2, ((1, 10), (2, 6), (3, -4)))]
    receipt = shown(parts, terms, demand)
    assert (receipt["available"], receipt["shown"], receipt["reason"]) == (8, number, reason)


def test_a_bundle_without_components_and_a_switched_off_sku_show_nothing():
    assert shown([])["shown"] == 0 and shown([])["reason"] == "sold_out"
    off = shown([Part(1, 1, ((1, 5),))], active=False)
    assert (off["shown"], off["reason"]) == (0, "inactive")
    with pytest.raises(ValueError, match="at least one"):
        shown([Part(1, 0, ((1, 5),))])


def test_terms_are_plain_values():
    terms = Terms("units", Decimal(1))
    assert replace(terms, maximum=3).maximum == 3
