"""The price of a bundle over its components: exact to the smallest unit, in currencies of 0, 2 and 3 decimals."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import is_exact, smallest_unit
from orders.bundle_prices import spread_discount, spread_price

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PARTS = st.lists(
    st.tuples(st.integers(1, 120), st.integers(0, 99_999).map(lambda n: Decimal(n) / 100)), min_size=1, max_size=8
)


@PATIENT
@given(PARTS, st.integers(0, 10**7), st.sampled_from(["JPY", "EUR", "KWD"]))
def test_the_pieces_cost_what_the_bundle_costs(parts, units, currency):
    price = units * smallest_unit(currency)
    pieces = spread_price(price, parts, currency)
    assert sum(piece.unit_price * piece.per_bundle for piece in pieces) == price
    assert all(piece.unit_price >= 0 and piece.per_bundle > 0 for piece in pieces)
    assert all(is_exact(piece.unit_price * piece.per_bundle, currency) for piece in pieces)
    assert all(piece.unit_price == round(piece.unit_price, 4) for piece in pieces)
    counted = [sum(piece.per_bundle for piece in pieces if piece.component == n) for n in range(len(parts))]
    assert counted == [count for count, _own in parts]
    assert len(pieces) <= len(parts) + 1


@PATIENT
@given(PARTS, st.integers(0, 10**8))
def test_a_price_finer_than_its_currency_stays_exact(parts, units):
    price = Decimal(units) / 10_000
    pieces = spread_price(price, parts, "EUR")
    assert sum(piece.unit_price * piece.per_bundle for piece in pieces) == price


@PATIENT
@given(PARTS, st.integers(1, 10**6), st.integers(1, 50), st.data())
def test_no_line_is_given_more_discount_than_it_is_worth(parts, units, quantity, data):
    price = Decimal(units) / 10_000
    values = [p.unit_price * p.per_bundle * quantity for p in spread_price(price, parts, "EUR")]
    discount = Decimal(data.draw(st.integers(0, int(sum(values) * 100)))) / 100
    spread = spread_discount(discount, values, "EUR")
    assert sum(spread) == discount
    assert all(0 <= part <= value for part, value in zip(spread, values, strict=True))


def test_pieces_have_one_price_where_the_share_divides():
    assert [tuple(p) for p in spread_price(Decimal("45"), [(1, Decimal(40)), (2, Decimal(5))], "EUR")] == [
        (0, 1, Decimal("36")),
        (1, 2, Decimal("4.5")),
    ]


def test_what_does_not_divide_moves_to_a_component_that_can_carry_it():
    assert [tuple(p) for p in spread_price(Decimal("10"), [(3, Decimal(1)), (1, Decimal(1))], "EUR")] == [
        (0, 3, Decimal("2.5")),
        (1, 1, Decimal("2.5")),
    ]
    assert [tuple(p) for p in spread_price(Decimal("10.01"), [(3, Decimal(1)), (1, Decimal(1))], "EUR")] == [
        (0, 3, Decimal("2.5")),
        (1, 1, Decimal("2.51")),
    ]


def test_three_of_one_for_ten_stand_on_two_lines():
    pieces = spread_price(Decimal("10"), [(3, Decimal(1))], "EUR")
    assert [tuple(p) for p in pieces] == [(0, 2, Decimal("3.33")), (0, 1, Decimal("3.34"))]
