"""Receipts: complete, plain JSON, bounded, and one sentence for people."""

from __future__ import annotations

import json
import re
import string

import pytest

from routing.engine import TEMPLATES, Demand, Need, Planner, Rule, RuleSet, Site, clauses, sentence

WARSAW, BERLIN, POZNAN = (52.2297, 21.0122), (52.52, 13.405), (52.4064, 16.9252)
NAMES = {1: "Warsaw", 2: "Berlin", 3: "Poznan"}
SKUS = {1: "MUG-RED", 2: "MUG-BLUE", 3: "CUP", 4: "BOWL", 5: "PLATE"}
FILTERS = tuple(Rule(name) for name in ("may_ship_online", "capacity_left"))
RANKERS = ("fewest_parcels", "stay_in_market", "nearest", "ranked_locations")


def sites(**changes):
    places = {
        1: {"country": "PL", "lat": WARSAW[0], "lon": WARSAW[1], "rank": 1},
        2: {"country": "DE", "lat": BERLIN[0], "lon": BERLIN[1], "rank": 2},
        3: {"country": "PL", "lat": POZNAN[0], "lon": POZNAN[1], "rank": 3},
    }
    return {
        id_: Site(id_, NAMES[id_], "warehouse", **(fields | changes.get(NAMES[id_], {})))
        for id_, fields in places.items()
    }


def plan(stock, *needs, rankers=RANKERS, places=None, country="PL", **options):
    """needs: (variant, quantity), to a customer in Warsaw."""
    demand = Demand(1, 1, country, *WARSAW, tuple(Need(10 + n, v, q) for n, (v, q) in enumerate(needs, 1)))
    rules = RuleSet(4, 2, FILTERS, tuple(Rule(name) for name in rankers))
    return Planner(places or sites(), rules, **options).plan(demand, stock)


def said(*args, **kwargs):
    return sentence(plan(*args, **kwargs).receipt, NAMES, SKUS)


def test_a_receipt_holds_all_that_was_seen_and_decided():
    places = sites(Poznan={"capacity_left": 0})
    result = plan({1: {1: 5, 2: 7, 3: 9}, 2: {2: 1}}, (1, 2), (2, 2), places=places)
    assert result.receipt == {
        "format": 1,
        "rules": {"id": 4, "version": 2},
        "filters": ["may_ship_online", "capacity_left"],
        "rankers": list(RANKERS),
        "needs": [[11, 1, 2], [12, 2, 2]],
        "removed": {"capacity_left": {"count": 1, "sites": [3]}},
        "candidates": {
            "sites": [1, 2],
            "units": [[5, 7], [0, 1]],
            "values": [[1, 1], [0, 1], [0.0, 517.2], [1, 2]],
        },
        "candidates_count": 2,
        "no_stock": {"count": 0, "sites": []},
        "complete": 1,
        "chosen": {"sites": [2], "values": [1, 1, 517.2, 2]},
        "runner_up": None,
        "decided_by": "only_complete",
        "decided_at": None,
        "allocations": [[11, 1, 2, 2], [12, 2, 2, 1]],
        "backorders": [[12, 2, 1]],
        "proven": True,
    }
    assert json.loads(json.dumps(result.receipt)) == result.receipt


def test_a_receipt_over_many_sites_stays_small_and_keeps_its_counts():
    places = {
        id_: Site(id_, str(id_), "store", "PL", 50 - id_ / 100, 21.0, may_ship_online=id_ % 10 > 0)
        for id_ in range(1, 1001)
    }
    stock = {1: {id_: 3 for id_ in places if id_ % 3 == 0}}
    receipt = plan(stock, (1, 1), places=places, rankers=("nearest",), receipt_sites=20).receipt
    assert receipt["removed"]["may_ship_online"]["count"] == 100
    assert receipt["candidates_count"] == 300
    assert receipt["no_stock"]["count"] == 600
    assert receipt["chosen"]["sites"][0] in receipt["candidates"]["sites"]
    assert receipt["candidates"]["sites"] == [n for n in range(3, 99, 3) if n % 10][:20]
    assert all(len(column) == 20 for column in receipt["candidates"]["units"])
    assert len(json.dumps(receipt)) < 1500
    whole = plan(stock, (1, 1), places=places, rankers=("nearest",), receipt_sites=None).receipt
    assert len(whole["candidates"]["sites"]) == 300
    assert len(whole["no_stock"]["sites"]) == 600
    assert whole["chosen"] == receipt["chosen"]


def test_receipts_of_one_planner_do_not_change_each_other():
    places = {1: Site(1, "A", "store", "PL", capacity_left=1), 2: Site(2, "B", "store", "PL")}
    planner = Planner(places, RuleSet(1, 1, FILTERS, ()))
    demand = Demand(1, 1, "PL", None, None, (Need(1, 1, 1),))
    first = planner.plan(demand, {1: {1: 1, 2: 1}})
    before = json.dumps(first.receipt)
    planner.use_capacity(first)
    planner.plan(demand, {1: {1: 1, 2: 1}})
    assert json.dumps(first.receipt) == before


@pytest.mark.parametrize(
    ("rankers", "stock", "needs", "expected"),
    [
        (
            ("fewest_parcels", "nearest"),
            {1: {1: 1, 2: 1}},
            [(1, 1)],
            "Warsaw ships everything in one parcel: nearer (0 km) than Berlin (517 km).",
        ),
        (
            RANKERS,
            {1: {1: 1, 2: 1}},
            [(1, 1)],
            "Warsaw ships everything in one parcel: in the customer's market, unlike Berlin.",
        ),
        (
            ("ranked_locations",),
            {1: {1: 1, 2: 1}},
            [(1, 1)],
            "Warsaw ships everything in one parcel: ranked before Berlin.",
        ),
        (
            (),
            {1: {2: 1, 3: 1}},
            [(1, 1)],
            (
                "Berlin ships everything in one parcel: level with Poznan by every rule, "
                "and the location set up first goes first."
            ),
        ),
        (
            RANKERS,
            {1: {2: 1}},
            [(1, 1)],
            "Berlin ships everything in one parcel: no other location has any of it.",
        ),
        (
            RANKERS,
            {1: {1: 1, 2: 1}, 2: {2: 1, 3: 1}},
            [(1, 1), (2, 1)],
            "Berlin ships everything in one parcel: no other location has it all.",
        ),
        (
            RANKERS,
            {1: {1: 1}, 2: {2: 1}},
            [(1, 1), (2, 1)],
            ("Split over Warsaw + Berlin, as no single location had everything: no other locations do together."),
        ),
        (
            RANKERS,
            {1: {1: 1}, 2: {2: 1, 3: 1}},
            [(1, 1), (2, 1)],
            (
                "Split over Warsaw + Poznan, as no single location had everything: fewer parcels from "
                "outside the market (0) than Warsaw + Berlin (1)."
            ),
        ),
        (
            ("nearest",),
            {1: {1: 1}, 2: {2: 1, 3: 1}},
            [(1, 1), (2, 1)],
            (
                "Split over Warsaw + Poznan, as no single location had everything: fewer kilometres in "
                "all (278 km) than Warsaw + Berlin (517 km)."
            ),
        ),
        (
            ("stay_in_market", "fewest_parcels"),
            {1: {1: 1, 2: 1}, 2: {2: 1, 3: 1}},
            [(1, 1), (2, 1)],
            (
                "Split over Warsaw + Poznan, although one parcel was possible: fewer parcels from "
                "outside the market (0) than Berlin (1)."
            ),
        ),
        (
            ("ranked_locations",),
            {1: {1: 1}, 2: {2: 1, 3: 1}},
            [(1, 1), (2, 1)],
            (
                "Split over Warsaw + Berlin, as no single location had everything: "
                "better ranked in all than Warsaw + Poznan."
            ),
        ),
        (
            RANKERS,
            {1: {}, 2: {}},
            [(1, 2), (2, 1), (1, 1)],
            "Back-ordered: 3 × MUG-RED, 1 × MUG-BLUE; no location that may ship had any.",
        ),
        (
            RANKERS,
            {1: {1: 1}},
            [(1, 3)],
            ("Warsaw ships what there is in one parcel: no other location has any of it; back-ordered: 2 × MUG-RED."),
        ),
        (
            RANKERS,
            {},
            [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)],
            ("Back-ordered: 1 × MUG-RED, 1 × MUG-BLUE, 1 × CUP, … (+2); no location that may ship had any."),
        ),
        (RANKERS, {}, [], "Nothing to ship."),
    ],
)
def test_a_receipt_reads_as_one_sentence(rankers, stock, needs, expected):
    assert said(stock, *needs, rankers=rankers) == expected


def test_a_comparison_with_an_unknown_place_claims_no_kilometres():
    places = sites(Berlin={"lat": None, "lon": None})
    assert said({1: {1: 1, 2: 1}}, (1, 1), rankers=("nearest",), places=places) == (
        "Warsaw ships everything in one parcel: nearer than Berlin as far as places are known."
    )


def test_an_order_that_no_site_may_ship_says_so():
    places = sites(**{name: {"may_ship_online": False} for name in NAMES.values()})
    assert said({1: {1: 1}}, (1, 1), places=places) == ("Back-ordered: 1 × MUG-RED; no location may ship this order.")


def test_a_plan_without_proof_says_so():
    receipt = plan({1: {1: 1}, 2: {2: 1, 3: 1}}, (1, 1), (2, 1), rankers=("nearest",)).receipt
    text = sentence(receipt | {"proven": False}, NAMES)
    assert text.endswith("; a better way may exist, the search was cut short.")


def test_names_with_percent_signs_and_ids_without_names_are_shown_as_they_are():
    receipt = plan({1: {1: 1, 2: 1}}, (1, 3), rankers=("ranked_locations",)).receipt
    assert sentence(receipt, {1: "100 % %(sites)s"}) == (
        "Split over 100 % %(sites)s + #2, which together have most: "
        "no other locations do together; back-ordered: 1 × #1."
    )


def test_a_sentence_is_put_together_in_the_language_of_the_caller():
    receipt = plan({1: {1: 1, 2: 1}}, (1, 1), rankers=("nearest",)).receipt
    german = {
        "%(sites)s ships everything in one parcel": "%(sites)s versendet alles in einem Paket",
        "nearer (%(value)s km) than %(others)s (%(other_value)s km)": (
            "%(others)s (%(other_value)s km) liegt weiter weg (statt %(value)s km)"
        ),
    }
    assert sentence(receipt, NAMES, translate=lambda text: german.get(text, text)) == (
        "Warsaw versendet alles in einem Paket: Berlin (517 km) liegt weiter weg (statt 0 km)."
    )


def test_every_clause_of_every_receipt_has_a_template_with_its_parameters():
    for key, template in TEMPLATES.items():
        names = set(re.findall(r"%\((\w+)\)s", template))
        assert template % dict.fromkeys(names, "x")
        assert not template.startswith(tuple(string.whitespace)), key
    receipt = plan({1: {1: 1, 2: 1}}, (1, 1), rankers=("nearest",)).receipt
    for key, params in clauses(receipt | {"decided_by": "a_rule_of_tomorrow"}, NAMES):
        assert TEMPLATES[key] % params
