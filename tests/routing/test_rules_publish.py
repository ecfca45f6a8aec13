"""Rule sets as data and their publishing: what the engine cannot run is refused by name, and nobody's version is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.models import OutboxEvent, TimelineEntry
from core.refusals import Invalid, Refusal, Stale
from core.timeline import entries_for
from core.timeline_text import lines_for
from oms.handlers import try_unroutable_orders
from routing.engine.filters import FILTERS
from routing.engine.plan import Planner
from routing.engine.rankers import RANKERS
from routing.events import RulesPublished
from routing.models import RuleSet
from routing.operations import SUBJECT, publish_rules
from routing.queries import DEFAULT_RULES, engine_rules, live_rule_set, live_rules, rule_set_of
from routing.rules import KINDS, differences, normal_form
from routing.wording import changes_between, describe, in_words
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant

NEAREST = {"filters": [], "rankers": [{"name": "nearest"}]}
RANKED = {"filters": [], "rankers": [{"name": "ranked_locations"}]}


def publish(rules: Any = NEAREST, *, based_on: int = 0, note: str = "", actor: Actor = ACTOR, **more: Any) -> RuleSet:
    return publish_rules(rules=rules, note=note, based_on=based_on, actor=actor, now=NOW, **more)


class TestNormalForm:
    def test_the_defaults_are_in_it(self) -> None:
        assert normal_form(DEFAULT_RULES) == DEFAULT_RULES

    def test_parameters_at_their_default_are_left_out_and_groups_are_sorted(self) -> None:
        rules = {
            "filters": [{"name": "capacity_left", "params": {"keep_free": 0}}],
            "rankers": [
                {"name": "stay_in_market", "params": {"markets": [["PL", "DE"]]}},
                {"name": "nearest", "params": {"step_km": 5}},
            ],
        }
        assert normal_form(rules) == {
            "filters": [{"name": "capacity_left", "params": {}}],
            "rankers": [
                {"name": "stay_in_market", "params": {"markets": [["DE", "PL"]]}},
                {"name": "nearest", "params": {"step_km": 5}},
            ],
        }

    @pytest.mark.parametrize(
        ("rules", "code", "field"),
        [
            ([], "bad_rules", "rules"),
            ({"filters": []}, "bad_rules", "rules"),
            ({"filters": {}, "rankers": []}, "bad_rules", "filters"),
            (
                {"filters": [], "rankers": [{"name": "nearest", "params": {"step_km": n + 1}} for n in range(31)]},
                "bad_rules",
                "rankers",
            ),
            ({"filters": ["channel"], "rankers": []}, "unknown_rule", "filters[0]"),
            ({"filters": [{"name": "nearest"}], "rankers": []}, "unknown_rule", "filters[0]"),
            ({"filters": [], "rankers": [{"name": "nearest"}, {"name": "magic"}]}, "unknown_rule", "rankers[1]"),
            ({"filters": [], "rankers": [{"name": "nearest", "params": [1]}]}, "bad_rule", "rankers[0].params"),
            ({"filters": [], "rankers": [{"name": "nearest", "params": {"step": 1}}]}, "bad_rule", "rankers[0].step"),
            (
                {"filters": [], "rankers": [{"name": "nearest", "params": {"step_km": 0}}]},
                "bad_rule",
                "rankers[0].step_km",
            ),
            (
                {"filters": [{"name": "capacity_left", "params": {"keep_free": "2"}}], "rankers": []},
                "bad_rule",
                "filters[0].keep_free",
            ),
            ({"filters": [{"name": "channel"}, {"name": "channel"}], "rankers": []}, "same_rule_twice", "filters[1]"),
        ],
    )
    def test_what_cannot_be_run_is_named(self, rules: Any, code: str, field: str) -> None:
        with pytest.raises(Invalid) as caught:
            normal_form(rules)
        assert (caught.value.code, caught.value.field) == (code, field)

    def test_a_ranker_may_stand_twice_with_other_parameters(self) -> None:
        rules = {
            "filters": [],
            "rankers": [
                {"name": "nearest", "params": {"step_km": 100}},
                {"name": "ranked_locations"},
                {"name": "nearest"},
            ],
        }
        Planner({}, engine_rules(1, normal_form(rules)))


_RULES = st.fixed_dictionaries(
    {
        group: st.lists(st.sampled_from(sorted(kinds)), unique=True).map(
            lambda names: [{"name": n, "params": {}} for n in names]
        )
        for group, kinds in KINDS.items()
    }
)


class TestDifferences:
    @given(before=_RULES, after=_RULES)
    def test_there_are_none_only_between_equals(self, before: Any, after: Any) -> None:
        assert (differences(before, after) == []) == (before == after)

    def test_each_kind_of_change_is_told(self) -> None:
        before = {"filters": [{"name": "channel"}], "rankers": [{"name": "nearest"}, {"name": "fewest_parcels"}]}
        after = {
            "filters": [{"name": "capacity_left", "params": {"keep_free": 2}}],
            "rankers": [{"name": "fewest_parcels"}, {"name": "nearest", "params": {"step_km": 5}}],
        }
        assert [(change.field, change.after) for change in changes_between(before, after)] == [
            ("Who may ship", "“Serves the channel” is gone"),
            ("Who may ship", "“Has capacity left today” is new, in place 1"),
            ("Who is better", "“Nearest” is changed: Distance step (km) 0.1 → 5"),
            ("Who is better", "the order is now Fewest parcels → Nearest"),
        ]


class TestWords:
    @pytest.mark.parametrize("language", ["en", "tr", "pl", "fa"])
    def test_every_rule_has_a_sentence_with_its_parameters(self, language: str) -> None:
        with translation.override(language):
            for group, kinds in KINDS.items():
                for name in kinds:
                    assert describe(group, {"name": name}).endswith(".")
            assert "PL" in describe("rankers", {"name": "stay_in_market", "params": {"markets": [["DE", "PL"]]}})
            with_two = describe("filters", {"name": "capacity_left", "params": {"keep_free": 2}})
            assert "2" in with_two or "۲" in with_two

    def test_the_registries_hold_nothing_else(self) -> None:
        assert KINDS == {"filters": FILTERS, "rankers": RANKERS}

    def test_a_rule_of_another_time_is_shown_and_said_to_be_unknown(self) -> None:
        lists = in_words({"filters": [{"name": "moon_phase"}], "rankers": []})
        assert lists[0][1] == [("moon_phase", "This rule is no longer known. Remove it.")]


@pytest.mark.django_db
class TestPublishing:
    def test_before_the_first_version_the_defaults_are_live(self) -> None:
        assert live_rule_set().version == 0
        assert rule_set_of(0).live
        assert live_rules() == engine_rules(0, DEFAULT_RULES)
        assert rule_set_of(1) is None

    def test_a_new_version_is_live_and_the_old_one_is_kept(self) -> None:
        first = publish(note="  by distance ")
        second = publish(RANKED, based_on=1)
        assert [(one.version, one.live, one.note) for one in RuleSet.objects.order_by("version")] == [
            (1, False, "by distance"),
            (2, True, ""),
        ]
        assert (first.version, second.version, live_rules().version) == (1, 2, 2)
        assert not rule_set_of(0).live
        assert RuleSet.objects.get(version=2).actor == ACTOR.ref

    def test_a_stale_editor_is_told_who_and_when_and_changes_nothing(self) -> None:
        publish(actor=Actor("user", "7", "Ayşe"))
        with pytest.raises(Stale) as caught:
            publish(RANKED, based_on=0)
        assert "Ayşe published version 1" in str(caught.value)
        assert "20 Nov 2026" in str(caught.value) or "Nov 20, 2026" in str(caught.value)
        assert RuleSet.objects.count() == 1

    def test_a_version_from_nowhere_is_stale_too(self) -> None:
        with pytest.raises(Stale):
            publish(based_on=3)

    def test_sent_twice_it_is_one_version(self) -> None:
        assert publish(note="x").pk == publish(note="x").pk
        assert TimelineEntry.objects.filter(subject=SUBJECT).count() == 1
        with pytest.raises(Stale):
            publish(note="x", actor=Actor("user", "7", "Ayşe"))

    def test_the_same_rules_are_no_new_version(self) -> None:
        with pytest.raises(Refusal) as caught:
            publish(DEFAULT_RULES)
        assert caught.value.code == "rules_unchanged"
        publish()
        with pytest.raises(Refusal):
            publish({"filters": [], "rankers": [{"name": "nearest", "params": {"step_km": 0.1}}]}, based_on=1)
        assert RuleSet.objects.count() == 1

    def test_history_reads_as_sentences_with_the_difference(self) -> None:
        publish(note="by distance")
        publish(RANKED, based_on=1)
        publish(NEAREST, based_on=2, restores=1)
        lines = lines_for(entries_for(SUBJECT))
        assert [line.text for line in lines] == [
            "Version 3 published: the rules of version 1 again.",
            "Version 2 published.",
            "Version 1 published. “by distance”",
        ]
        assert [change.after for change in lines[1].changes] == [
            "“Nearest” is gone",
            "“Ranked locations” is new, in place 1",
        ]

    def test_orders_that_no_location_could_ship_are_tried_again(self, now: Any) -> None:
        variant = make_variant("A-1")
        give_stock(variant, make_location(ships_online=False), 3)
        order = make_order(lines=[("A-1", 1)])
        assert order.needs_routing
        publish()
        event = OutboxEvent.objects.get(name=RulesPublished.name)
        try_unroutable_orders(RulesPublished(**event.payload), actor=ACTOR, now=now)
        order.refresh_from_db()
        assert not order.needs_routing
        assert order.routing_decisions.order_by("-id")[0].rule_set_version == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_publish_at_once_one_is_live_and_the_others_are_told(threads: Any) -> None:
    def work(i: int) -> RuleSet:
        return publish(
            {"filters": [], "rankers": [{"name": "nearest", "params": {"step_km": i + 1}}]},
            actor=Actor("user", str(i), f"Person {i}"),
        )

    results = threads(6, work)
    assert sum(isinstance(result, RuleSet) for result in results) == 1
    told = [result for result in results if not isinstance(result, RuleSet)]
    assert all(isinstance(refusal, Stale) and "published version 1" in str(refusal) for refusal in told), told
    assert RuleSet.objects.filter(live=True).count() == RuleSet.objects.count() == 1
