"""Every rule as a pure function: an order that meets it, one that does not, and what it says of the first."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.models import RiskRule
from risk.rules import KINDS, Facts, disposable_domain, evaluate, level_of
from risk.states import RuleKind
from risk.telling import tell_finding, tell_findings, tell_rule

PLAIN = Facts(
    1, amounts={"EUR": Decimal("100")}, currency="EUR", email="ada@example.com", ship_country="PL", bill_country="PL", most_units=2,
    most_units_sku="A-1",
)  # fmt: skip
LIMIT = {"limit": "100", "currency": "EUR"}
#: kind → (parameters, facts that meet them, what is said)
CASES: dict[str, tuple[dict[str, Any], Facts, str]] = {
    "amount": (LIMIT, replace(PLAIN, amounts={"EUR": Decimal("100.01")}), "The total of €100.01 is above €100.00."),
    "countries_differ": ({}, replace(PLAIN, bill_country="DE"), "It is billed to Germany and shipped to Poland."),
    "addresses_differ": ({}, replace(PLAIN, addresses_differ=True), "The billing address is not the shipping address."),
    "velocity": (
        {"orders": 3, "hours": 24, "source": "email"},
        replace(PLAIN, velocity={("email", 24): 3}),
        "3 orders with the same e-mail address within 24 hours; the rule says 3.",
    ),
    "disposable_email": ({}, replace(PLAIN, email="x@Mailinator.com"), "mailinator.com gives out throw-away e-mail addresses."),
    "first_order": (
        LIMIT,
        replace(PLAIN, first=True, amounts={"EUR": Decimal("500")}),
        "It is the customer's first order, and its total of €500.00 is above €100.00.",
    ),
    "country": ({"countries": ["KP", "DE"]}, replace(PLAIN, bill_country="DE"), "Germany is on the list of risky countries."),
    "many_units": ({"units": 20}, replace(PLAIN, most_units=20), "20 units of A-1; the rule says 20."),
    "voided_before": ({}, replace(PLAIN, voided_before=1), "1 payment of this customer came to nothing before."),
}  # fmt: skip


def rule(kind: str, params: dict[str, Any], **fields: Any) -> RiskRule:
    return RiskRule(pk=1, kind=kind, params=params, **{"score": 40, "active": True, **fields})


def test_every_kind_has_a_case() -> None:
    assert set(CASES) == set(KINDS) == set(RuleKind.values)


@pytest.mark.parametrize("kind", CASES)
def test_a_rule_meets_the_order_it_should_and_says_why(kind: str) -> None:
    params, facts, sentence = CASES[kind]
    [found] = evaluate([rule(kind, params)], facts)
    assert (found.kind, found.score) == (kind, 40)
    assert tell_finding(kind, found.values) == sentence
    assert tell_findings([found.as_json()])[0].score == 40
    assert "{" not in tell_rule(kind, params)


@pytest.mark.parametrize("kind", CASES)
def test_a_rule_leaves_an_ordinary_order_alone(kind: str) -> None:
    params, facts, _sentence = CASES[kind]
    assert evaluate([rule(kind, params)], PLAIN) == []
    assert evaluate([rule(kind, params, active=False)], facts) == []


def test_an_amount_counts_in_its_own_currency_or_not_at_all() -> None:
    yen = replace(PLAIN, amounts={"JPY": Decimal(1_000_000)}, currency="JPY")
    assert evaluate([rule("amount", LIMIT)], yen) == []
    known = replace(yen, amounts={**yen.amounts, "EUR": Decimal(6000)})
    assert evaluate([rule("amount", LIMIT)], known)[0].values["total"] == "6000"


def test_a_country_that_nobody_said_is_not_another_one() -> None:
    assert evaluate([rule("countries_differ", {})], replace(PLAIN, bill_country="")) == []


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("a@mailinator.com", "mailinator.com"),
        ("a@x.mailinator.com", "mailinator.com"),
        ("a@notmailinator.com.example.org", ""),
        ("a@gmail.com", ""),
        ("", ""),
        ("no-at-sign", ""),
        ("a@com", ""),
    ],
)
def test_throw_away_domains_also_below_a_part_of_them(email: str, domain: str) -> None:
    assert disposable_domain(email) == domain


@given(st.integers(0, 500), st.integers(1, 200), st.integers(0, 200))
def test_levels_rise_with_the_score(score: int, review: int, more: int) -> None:
    order = ["low", "review", "hold"]
    here = order.index(level_of(score, review_at=review, hold_at=review + more))
    assert here <= order.index(level_of(score + 1, review_at=review, hold_at=review + more))
    assert (here == 0) == (score < review) and (here == 2) == (score >= review + more)


@given(st.lists(st.sampled_from(sorted(CASES)), max_size=12))
def test_a_score_is_the_sum_of_its_findings_heaviest_first(kinds: list[str]) -> None:
    rules = [RiskRule(pk=n, kind=kind, params=CASES[kind][0], score=n + 1, active=True) for n, kind in enumerate(kinds)]
    facts = CASES["velocity"][1]
    found = evaluate(rules, facts)
    assert [one.score for one in found] == sorted(
        (n + 1 for n, kind in enumerate(kinds) if kind == "velocity"), reverse=True
    )
