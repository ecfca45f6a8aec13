"""The arithmetic of counts: tolerance, ABC classes, what is due."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counts.rules import INTERVALS, BinFacts, classify, needs_recount, rank_bins, tolerated
from tests.factories.shop import NOW

VALUES = st.dictionaries(st.integers(1, 50), st.decimals(0, 1000, places=2), max_size=30)


@pytest.mark.parametrize(
    ("counted", "expected", "units", "percent", "again"),
    [
        (10, 10, 0, 0, False), (9, 10, 0, 0, True), (9, 10, 1, 0, False), (8, 10, 1, 0, True), (8, 10, 0, 20, False),
        (7, 10, 0, 20, True), (12, 10, 1, 20, False), (0, 3, 2, 50, True), (1, 0, 0, 100, True), (95, 100, 3, 5, False),
    ],
)  # fmt: skip
def test_the_larger_tolerance_decides(counted: int, expected: int, units: int, percent: int, again: bool) -> None:
    assert needs_recount(counted, expected, units=units, percent=percent) is again


@given(st.integers(0, 10**6), st.integers(0, 100), st.integers(0, 100))
def test_a_tolerance_never_goes_beyond_either_limit(expected: int, units: int, percent: int) -> None:
    most = tolerated(expected, units=units, percent=percent)
    assert most >= units and most <= max(units, expected * percent / 100)


@given(VALUES)
def test_classes_are_shares_of_the_value(values: dict[int, Decimal]) -> None:
    classes = classify(values)
    total = sum(values.values())
    assert set(classes) == set(values)
    ranked = sorted(values, key=lambda key: (-values[key], key))
    assert [classes[key] for key in ranked] == sorted(classes.values()), "a better class is never worth less"
    if total:
        for name, share in (("A", 80), ("AB", 95)):
            inside = [key for key in ranked if classes[key] in name]
            worth = sum(values[key] for key in inside)
            assert worth * 100 >= share * total or all(values[key] == 0 for key in ranked if key not in inside)
            assert (worth - values[inside[-1]]) * 100 < share * total, "the last one was needed"
    assert all(classes[key] == "C" for key in values if values[key] == 0)


def test_what_was_never_counted_comes_first_then_what_is_furthest_behind() -> None:
    def facts(name: str, best: str, days: int | None) -> BinFacts:
        return BinFacts(name, 1, 1, best, None if days is None else NOW - timedelta(days=days))

    bins = [
        facts("fresh", "A", 5),
        facts("late-c", "C", 400),
        facts("late-a", "A", 90),
        facts("never-c", "C", None),
        facts("never-a", "A", None),
        facts("due-b", "B", 90),
    ]
    ranked = rank_bins(bins, now=NOW)
    assert [one.facts.bin for one in ranked] == ["never-a", "never-c", "late-a", "late-c", "due-b", "fresh"]
    assert [one.due for one in ranked] == [True, True, True, True, True, False]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.none() | st.integers(0, 500)), max_size=20))
def test_every_bin_is_ranked_once_and_due_exactly_by_its_interval(rows: list[tuple[str, int | None]]) -> None:
    bins = [
        BinFacts(f"B-{n}", 1, 1, best, None if days is None else NOW - timedelta(days=days))
        for n, (best, days) in enumerate(rows)
    ]
    ranked = rank_bins(bins, now=NOW)
    assert sorted(one.facts.bin for one in ranked) == sorted(one.bin for one in bins)
    for one in ranked:
        assert one.due == (one.days is None or one.days >= INTERVALS[one.facts.best])
