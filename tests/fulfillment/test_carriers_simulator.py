"""The tracking simulator: the same parcel always tells the same story, and each story is a possible one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment.carriers import tracking
from fulfillment.carriers.base import TrackingUpdate
from fulfillment.carriers.simulator import simulated_updates

BOUGHT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LATER = BOUGHT + timedelta(days=60)


def story(number: str, *, days: int = 3, now: datetime = LATER) -> list[TrackingUpdate]:
    return simulated_updates(
        tracking_number=number, label_at=BOUGHT, transit_days=days, now=now, origin="Hamburg", destination="Łódź"
    )


@given(st.text(max_size=20), st.integers(0, 20))
def test_a_story_runs_in_order_from_label_to_delivery(number: str, days: int) -> None:
    updates = story(number, days=days)
    codes = [update.code for update in updates]
    assert codes[:4] == ["label_purchased", "in_transit", "in_transit", "in_transit"]
    assert codes[4:] in (
        ["out_for_delivery", "delivered"],
        ["out_for_delivery", "exception", "out_for_delivery", "delivered"],
    )
    assert [update.at for update in updates] == sorted({update.at for update in updates})
    assert updates[0].place == "Hamburg"
    assert updates[-1].place == "Łódź"
    assert timedelta(0) < updates[-1].at - BOUGHT < timedelta(days=max(days, 1) + 4)


@given(st.text(max_size=20), st.integers(0, 30 * 24))
def test_time_only_adds_to_a_story(number: str, hours: int) -> None:
    now = BOUGHT + timedelta(hours=hours)
    whole = story(number)
    assert story(number, now=now) == [update for update in whole if update.at <= now]


def test_nothing_happened_before_the_label_was_bought() -> None:
    assert story("ZX1", now=BOUGHT - timedelta(seconds=1)) == []
    assert [update.code for update in story("ZX1", now=BOUGHT)] == ["label_purchased"]


def test_a_small_share_of_parcels_meets_a_problem() -> None:
    problems = sum(any(update.code == tracking.EXCEPTION for update in story(f"N{n}")) for n in range(2000))
    assert 50 <= problems <= 120


def test_parcels_differ() -> None:
    assert len({story(f"N{n}")[-1].at for n in range(50)}) > 30


def test_the_vocabulary_has_the_five_codes() -> None:
    assert [code for code, _label in tracking.TRACKING_CODES] == [
        "label_purchased", "in_transit", "out_for_delivery", "delivered", "exception",
    ]  # fmt: skip


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_nobody_delivers_at_night(hour: int) -> None:
    updates = simulated_updates(
        tracking_number=f"H{hour}", label_at=BOUGHT.replace(hour=hour), transit_days=2, now=LATER
    )
    assert all(7 <= update.at.hour <= 18 for update in updates if update.code in ("out_for_delivery", "delivered"))
