"""Statuses are a pure function: whatever the quantities and holds, the words follow from them and never contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.status import compute_statuses


@dataclass
class Line:
    """A line's quantities, as the funnel allows them."""

    pk: int = 0
    ordered: int = 1
    cancelled: int = 0
    backordered: int = 0
    allocated: int = 0
    picked: int = 0
    shipped: int = 0
    delivered: int = 0
    return_requested: int = 0
    returned: int = 0


@dataclass
class Facts:
    total: Decimal = Decimal(10)
    cancelled_total: Decimal = Decimal(0)
    authorized_total: Decimal = Decimal(0)
    captured_total: Decimal = Decimal(10)
    refunded_total: Decimal = Decimal(0)
    overpayment_refunded: Decimal = Decimal(0)
    payment_voided: bool = False
    parcels: int = 0
    parcels_out_for_delivery: int = 0
    parcels_delivered: int = 0
    parcels_exception: int = 0
    returns_in_progress: int = 0
    seen: list[int] = field(default_factory=list)


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    made = []
    for pk in range(1, draw(st.integers(1, 4)) + 1):
        ordered = draw(st.integers(1, 5))
        cancelled = draw(st.integers(0, ordered))
        allocated = draw(st.integers(0, ordered - cancelled))
        backordered = draw(st.integers(0, ordered - cancelled - allocated))
        picked = draw(st.integers(0, allocated))
        made.append(Line(pk, ordered, cancelled, backordered, allocated, picked, draw(st.integers(0, picked))))
    return made


@given(lines(), st.integers(0, 2), st.sets(st.integers(1, 4)))
def test_the_fulfillment_axis_says_on_hold_only_where_nothing_else_can_leave(made, holds, named) -> None:
    held = {line.pk for line in made} & named
    found = compute_statuses(Facts(), made, holds=holds, held_lines=held)
    left = [line for line in made if line.ordered - line.cancelled > line.shipped]
    stopped = bool(left) and (holds > 0 or all(line.pk in held for line in left))
    assert (found.fulfillment == "on_hold") == stopped
    assert found.on_hold == (found.lifecycle == "open" and (holds > 0 or bool(held)))


@given(lines(), st.sets(st.integers(1, 4)))
def test_a_hold_on_every_line_says_what_a_hold_on_the_whole_says(made, named) -> None:
    all_lines = {line.pk for line in made}
    whole = compute_statuses(Facts(), made, holds=1)
    assert compute_statuses(Facts(), made, holds=0, held_lines=all_lines) == whole
    assert compute_statuses(Facts(), made, holds=1, held_lines=all_lines & named) == whole


@given(lines(), st.sets(st.integers(1, 4)))
def test_holds_change_nothing_but_what_speaks_of_holds(made, named) -> None:
    free = compute_statuses(Facts(), made, holds=0)
    held = compute_statuses(Facts(), made, holds=0, held_lines={line.pk for line in made} & named)
    for name in ("lifecycle", "payment", "delivery", "returning", "needs_routing", "backordered"):
        assert getattr(free, name) == getattr(held, name)
    assert held.fulfillment in (free.fulfillment, "on_hold")
