"""Orders are looked at after they were placed: assessed, held, decided about; addresses checked and put right."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import outbox
from core.actors import Actor
from core.addresses import Address
from core.models import OutboxDelivery, TimelineEntry
from core.refusals import Refusal, Stale
from core.timeline import entries_for
from core.timeline_text import lines_for
from fulfillment.operations.picking import start_picking
from fulfillment.operations.shipping import ship_fulfillment_order
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from oms.orchestration.hold_order import hold_order, release_hold
from oms.orchestration.place_order import place_orders
from oms.orchestration.requests import NewPayment
from oms.orchestration.screening import accept_suggestion, decide_risk, screen_orders, ship_as_is
from orders.models import Hold, Order, OrderRate
from risk.models import AddressCheck, RiskAssessment, RiskRule, RiskSettings, RiskTrace
from risk.operations import add_rule, add_usual_rules, change_rule, change_settings, remove_rule
from risk.operations.assessing import forget_traces
from risk.queries import active_rules, current_settings, try_rules
from tests.factories.shop import (
    ACTOR,
    NOW,
    give_stock,
    make_channel,
    make_location,
    make_order,
    make_variant,
    new_order,
)

pytestmark = pytest.mark.django_db
GOOD = Address(name="Zofia Kowalska", line1="ul. Długa 5", city="Kraków", postal_code="30-001", country="PL")
ANNA = Actor("user", "7", "Anna")


def rule(kind: str, score: int = 100, **params: Any) -> Any:
    return add_rule(kind=kind, params=params, score=score, actor=ACTOR, now=NOW)


def screen(*orders: Order) -> None:
    screen_orders(order_ids=[order.pk for order in orders], now=NOW)


def placed(**fields: Any) -> Order:
    """An order for 50 € of a fresh SKU, looked at."""
    order = make_order(**fields)
    screen(order)
    order.refresh_from_db()
    return order


def assessment(order: Order) -> RiskAssessment:
    return RiskAssessment.objects.get(order=order)


#: kind → (parameters, an order that meets it, one that does not)
DE = Address(name="Max", line1="Weg 1", city="Berlin", postal_code="10115", country="DE")
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "amount": ({"limit": "500", "currency": "EUR"}, {"price": "501"}, {"price": "500"}),
    "countries_differ": ({}, {"billing_address": DE}, {"billing_address": GOOD}),
    "addresses_differ": ({}, {"billing_address": DE}, {"billing_address": Address(name="Firma", line1="Ul. DŁUGA 5", city="krakow", postal_code="30001", country="PL")}),
    "disposable_email": ({}, {"email": "x@mailinator.com"}, {"email": "x@example.com"}),
    "first_order": ({"limit": "5", "currency": "EUR"}, {"email": "new@example.com"}, {"email": "old@example.com"}),
    "country": ({"countries": ["PL"]}, {}, {"shipping_address": DE}),
    "many_units": ({"units": 5}, {"lines": [("A-1", 2), ("A-1", 3)]}, {"lines": [("A-1", 4), ("B-1", 4)]}),
    "voided_before": ({}, {"email": "voided@example.com"}, {"email": "old@example.com"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_a_rule_flags_the_order_it_should_and_no_other(kind: str) -> None:
    params, meets, not_ = CASES[kind]
    for sku in ("A-1", "B-1"):
        give_stock(make_variant(sku), make_location(), 20)
    make_order(email="old@example.com", placed_at=NOW - timedelta(days=3))
    make_order(email="voided@example.com", payment_voided=True, paid=False, placed_at=NOW - timedelta(days=3))
    made = rule(kind, 60, **params)
    bad, good = make_order(**meets), make_order(**not_)
    screen(bad, good)
    found = assessment(bad)
    assert (found.score, found.level, found.rules_version) == (60, "review", current_settings().version)
    assert [(one["rule"], one["kind"], one["score"]) for one in found.findings] == [(made.pk, kind, 60)]
    assert (assessment(good).score, assessment(good).level, assessment(good).findings) == (0, "low", [])


@pytest.mark.parametrize("source", ["email", "phone", "address"])
def test_orders_of_one_source_are_counted_across_and_within_batches(source: str) -> None:
    rule("velocity", 60, orders=3, hours=24, source=source)
    channel = make_channel()
    same: dict[str, dict[str, Any]] = {
        "email": {"email": "one@example.com"},
        "phone": {"phone": "+48 601 234 567"},
        "address": {"shipping_address": GOOD},
    }
    others = [
        {"email": f"{n}@example.com", "shipping_address": Address(**{**GOOD.to_json(), "line1": f"ul. Inna {n}"})}
        for n in range(9)
    ]

    def batch(moments: list[timedelta], start: int, like: bool = True) -> list[Order]:
        requests = [
            new_order(
                channel, [("A-1", 1)], **{**others[start + n], **(same[source] if like else {})}, placed_at=NOW + when
            )
            for n, when in enumerate(moments)
        ]
        orders = [Order.objects.get(pk=one.order_id) for one in place_orders(requests, actor=ACTOR, now=NOW)]
        screen(*orders)
        return orders

    make_variant("A-1")
    first = batch([timedelta(0), timedelta(hours=-30)], 0)
    assert [assessment(order).score for order in first] == [0, 0]
    second = batch([timedelta(hours=1), timedelta(hours=23)], 2)
    assert [assessment(order).score for order in second] == [60, 60]
    assert assessment(second[0]).findings[0]["values"]["count"] == 3
    assert [assessment(order).score for order in batch([timedelta(hours=2)], 4, like=False)] == [0]
    screen(*first)
    assert [assessment(order).score for order in first] == [60, 0]


def test_a_phone_number_that_says_nothing_is_nobodys() -> None:
    rule("velocity", 60, orders=2, hours=24, source="phone")
    orders = [make_order(phone="000000000") for _n in range(3)]
    screen(*orders)
    assert {assessment(order).score for order in orders} == {0}


def test_a_batch_costs_the_same_number_of_statements() -> None:
    add_usual_rules(actor=ACTOR, now=NOW)

    def statements(count: int) -> int:
        orders = [make_order() for _n in range(count)]
        with CaptureQueriesContext(connection) as seen:
            screen(*orders)
        return len(seen)

    assert statements(1) == statements(12) <= 22


def test_without_rules_nothing_is_assessed_and_what_arrived_finished_is_left_alone() -> None:
    order = placed()
    assert not RiskAssessment.objects.exists()
    rule("country", countries=["PL"])
    Order.objects.filter(pk=order.pk).update(historic=True)
    screen(order)
    assert not RiskAssessment.objects.exists()


def test_a_high_score_holds_the_order_until_a_person_accepts_it() -> None:
    rule("country", 60, countries=["PL"])
    rule("disposable_email", 60)
    order = placed(email="x@mailinator.com")
    found = assessment(order)
    hold = Hold.objects.get()
    assert (found.score, found.level) == (120, "hold")
    assert (hold.kind, hold.cause, hold.whole, hold.reason) == ("fraud", f"risk:{found.pk}", True, "Risk score 120")
    assert (order.on_hold, order.fulfillment) == (True, "on_hold")
    screen(order)  # told twice
    assert Hold.objects.count() == 1
    decide_risk(assessment_id=found.pk, accept=True, reason="Known by phone", actor=ANNA, now=NOW)
    order.refresh_from_db()
    found.refresh_from_db()
    assert (order.on_hold, found.decision, found.decided_label, found.reason) == (
        False,
        "accepted",
        "Anna",
        "Known by phone",
    )
    screen(order)
    assert not Hold.objects.filter(released_at__isnull=True).exists()  # a person's word stands
    with pytest.raises(Refusal, match="Anna has decided"):
        decide_risk(assessment_id=found.pk, accept=False, reason="", actor=ACTOR, now=NOW)
    rule("countries_differ", 10)
    rule("many_units", 10, units=1)
    screen(order)
    assert Hold.objects.filter(released_at__isnull=True).count() == 1  # there is more against it than was accepted
    texts = [line.text for line in lines_for(entries_for(order.subject))]
    assert "Risk score 120: High." in texts
    assert "Risk decided with a score of 120: Accepted. “Known by phone”" in texts
    assert check_integrity()[1] == []


def test_rejecting_cancels_the_order() -> None:
    rule("country", countries=["PL"])
    order = placed()
    decide_risk(assessment_id=assessment(order).pk, accept=False, reason="Stolen card", actor=ANNA, now=NOW)
    order.refresh_from_db()
    assert (order.lifecycle, assessment(order).decision) == ("cancelled", "rejected")
    assert not Hold.objects.filter(released_at__isnull=True).exists()
    assert check_integrity()[1] == []


def test_what_cannot_be_cancelled_is_not_rejected() -> None:
    rule("country", 60, countries=["PL"])
    order = placed()
    cancel_order(order_id=order.pk, reason="", actor=ACTOR, now=NOW)
    with pytest.raises(Refusal, match="not open"):
        decide_risk(assessment_id=assessment(order).pk, accept=False, reason="", actor=ANNA, now=NOW)
    assert assessment(order).decision == ""


def test_when_nothing_speaks_against_it_any_more_its_hold_ends_by_itself() -> None:
    made = rule("country", countries=["PL"])
    order = placed()
    change_rule(rule_id=made.pk, params={"countries": ["KP"]}, score=100, active=True, actor=ACTOR, now=NOW)
    screen(order)
    order.refresh_from_db()
    assert (order.on_hold, assessment(order).level) == (False, "low")
    with pytest.raises(Refusal, match="Nothing speaks against"):
        decide_risk(assessment_id=assessment(order).pk, accept=True, reason="", actor=ANNA, now=NOW)


def test_a_hold_of_a_person_is_left_alone_and_one_that_a_person_released_comes_back_only_with_more() -> None:
    order = make_order()
    hold_order(order_id=order.pk, kind="fraud", reason="mine", actor=ANNA, now=NOW)
    rule("country", countries=["PL"])
    screen(order)
    assert Hold.objects.get().cause == ""


def test_an_order_that_is_being_picked_is_stopped_at_the_next_hand() -> None:
    """Between placing and looking a picker may have begun: then packing and shipping are refused."""
    rule("country", countries=["PL"])
    order = make_order()
    work = order.fulfillment_orders.get()
    start_picking(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW)
    screen(order)
    with pytest.raises(Refusal, match="Fraud check"):
        ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)


def test_amounts_in_another_currency_count_by_the_rate_of_the_order() -> None:
    rule("amount", 60, limit="100", currency="EUR")
    orders = [make_order(make_channel(currency="PLN"), price="500", lines=[(make_variant().sku, 1)]) for _n in range(2)]
    OrderRate.objects.filter(order__in=orders).delete()
    OrderRate.objects.create(order=orders[1], currency="EUR", rate=Decimal("0.25"), source="test", quoted_on=NOW.date())
    screen(*orders)
    assert [assessment(order).score for order in orders] == [0, 60]


def test_the_handler_follows_the_event_of_placing() -> None:
    rule("country", countries=["PL"])
    order = make_order()
    outbox.relay(now=NOW)
    mine = OutboxDelivery.objects.get(handler="oms.risk_handlers.screen_new_orders")
    assert outbox.deliver(mine.pk, now=NOW)
    assert assessment(order).level == "hold" and AddressCheck.objects.get(order=order).state == "ok"


def test_rules_are_tried_without_writing() -> None:
    add_usual_rules(actor=ACTOR, now=NOW)
    add_usual_rules(actor=ACTOR, now=NOW)
    assert len(active_rules()) == 8
    off = rule("country", 100, countries=["PL"])
    change_rule(rule_id=off.pk, params=off.params, score=100, active=False, actor=ACTOR, now=NOW)
    for email in ("x@mailinator.com", "y@example.com"):
        make_order(email=email)
    rules = list(RiskRule.objects.order_by("pk"))
    with CaptureQueriesContext(connection) as seen:
        tried = try_rules(rules, current_settings(), last=500)
    assert not any(q["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for q in seen)
    kinds = {rules[n].kind: count for n, count in tried.flagged.items()}
    assert (tried.orders, tried.review, tried.hold) == (2, 1, 0)
    assert (kinds["disposable_email"], kinds["country"]) == (1, 2)


def test_each_change_of_rules_is_a_version_and_stands_in_their_history() -> None:
    made = rule("disposable_email")
    change_settings(review_at=10, hold_at=20, hold_addresses=False, actor=ANNA, now=NOW)
    remove_rule(rule_id=made.pk, actor=ANNA, now=NOW)
    assert RiskSettings.objects.get().version == 4
    texts = [line.text for line in lines_for(entries_for("risk:rules"))]
    assert texts == [
        "Rule removed: The e-mail address is of a throw-away service.",
        "To review from 10, held from 20.",
        "Rule added, score 100: The e-mail address is of a throw-away service.",
    ]
    with pytest.raises(Refusal):
        change_settings(review_at=30, hold_at=20, hold_addresses=False, actor=ANNA, now=NOW)


def test_old_traces_are_forgotten() -> None:
    placed()
    assert RiskTrace.objects.count() == 2
    assert forget_traces(now=NOW + timedelta(days=30)) == 0
    assert forget_traces(now=NOW + timedelta(days=32)) == 2


# ---- addresses -------------------------------------------------------------------------------------------------------


def address(**parts: str) -> Address:
    return Address(**{**GOOD.to_json(), **parts})


@pytest.mark.usefixtures("addresses_hold")
def test_an_undeliverable_address_holds_its_order_and_a_person_may_ship_as_is() -> None:
    order = placed(shipping_address=address(postal_code="99"))
    check = AddressCheck.objects.get(order=order)
    hold = Hold.objects.get()
    assert (check.state, check.undeliverable) == ("problem", True)
    assert (hold.kind, hold.cause, order.on_hold) == ("address", check.cause, True)
    ship_as_is(check_id=check.pk, reason="The courier knows it", actor=ANNA, now=NOW)
    check.refresh_from_db()
    order.refresh_from_db()
    assert (check.settled, check.settled_label, check.settled_at, check.reason) == (
        "as_is",
        "Anna",
        NOW,
        "The courier knows it",
    )
    assert not order.on_hold
    screen(order)
    order.refresh_from_db()
    assert not order.on_hold
    with pytest.raises(Refusal, match="nothing to decide"):
        ship_as_is(check_id=check.pk, reason="", actor=ANNA, now=NOW)


def test_the_setting_says_whether_addresses_hold() -> None:
    change_settings(review_at=50, hold_at=100, hold_addresses=False, actor=ACTOR, now=NOW)
    order = placed(shipping_address=address(line1=""))
    assert not order.on_hold and AddressCheck.objects.get().undeliverable


def test_a_suggestion_is_taken_and_only_the_form_changes() -> None:
    order = placed(shipping_address=address(city="kraków", postal_code="30001"))
    check = AddressCheck.objects.get()
    assert (check.state, order.on_hold) == ("suggestion", False)
    before = list(order.fulfillment_orders.values_list("pk", "state"))
    accept_suggestion(check_id=check.pk, actor=ANNA, now=NOW)
    order.refresh_from_db()
    check.refresh_from_db()
    assert order.ship_to == GOOD
    assert (check.state, check.settled, check.settled_label) == ("ok", "corrected", "Anna")
    assert list(order.fulfillment_orders.values_list("pk", "state")) == before
    entry = TimelineEntry.objects.get(kind="address.corrected")
    assert entry.data["changes"] == [["city", "kraków", "Kraków"], ["postal_code", "30001", "30-001"]]
    with pytest.raises(Refusal, match="no better way"):
        accept_suggestion(check_id=check.pk, actor=ANNA, now=NOW)


def test_a_suggestion_for_an_address_that_was_changed_since_is_refused() -> None:
    order = placed(shipping_address=address(postal_code="30001"))
    check = AddressCheck.objects.get()
    Order.objects.filter(pk=order.pk).update(shipping_address=address(postal_code="00-050").to_json())
    for act in (
        lambda: accept_suggestion(check_id=check.pk, actor=ANNA, now=NOW),
        lambda: check.state != "ok" and ship_as_is(check_id=check.pk, reason="", actor=ANNA, now=NOW),
    ):
        with pytest.raises(Stale, match="changed since"):
            act()


@pytest.mark.usefixtures("addresses_hold")
def test_an_address_that_is_put_right_elsewhere_lets_its_order_go() -> None:
    order = placed(shipping_address=address(line1=""))
    assert order.on_hold
    Order.objects.filter(pk=order.pk).update(shipping_address=GOOD.to_json())
    screen(order)
    order.refresh_from_db()
    assert (order.on_hold, AddressCheck.objects.get().state) == (False, "ok")


def test_what_needs_no_shipping_needs_no_address() -> None:
    variant = make_variant("EBOOK", requires_shipping=False)
    order = make_order(
        lines=[(variant.sku, 1)], shipping_address=Address(), paid=False, payments=(NewPayment(Decimal(1), "card"),)
    )
    screen(order)
    assert not AddressCheck.objects.exists() and not Hold.objects.exists()


def test_a_hold_that_a_person_released_is_told_apart(actor: Actor) -> None:
    """Released by hand without a decision: looked at again, there is as much against it as before, so it waits again."""
    rule("country", countries=["PL"])
    order = placed()
    release_hold(hold_id=Hold.objects.get().pk, actor=ANNA, now=NOW)
    screen(order)
    assert Hold.objects.filter(released_at__isnull=True).count() == 1
