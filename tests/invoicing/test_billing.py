"""What is billed is what an order is worth, whatever happens to it, in every currency, with tax in prices or on top."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.money import smallest_unit
from invoicing.billing import Issued, Part, Row, left_of, plan, tax_summary
from invoicing.rates import Taxed, rates_of

D = Decimal


def part(key: str, gross: str, tax: str, *, rate: str = "0.23", units: int = 1, refunded: str = "0") -> Part:
    return Part(key, key, units, D(gross), D(tax), D(rate), unit_price=D(gross), refunded=D(refunded))


def do(parts: list[Part], issued: list[Issued], goodwill: str = "0", currency: str = "EUR") -> list[Issued]:
    """Plan and issue; a second time there is nothing to do."""
    planned = plan(parts, issued, goodwill=D(goodwill), tax_included=True, currency=currency)
    ids: dict[int, int] = {}
    done = list(issued)
    for n, one in enumerate(planned):
        number = len(done) + 1
        ids[-1 - n] = number
        done.append(Issued(number, one.rows, ids.get(one.corrects, one.corrects) if one.corrects is not None else None))
    again = plan(parts, done, goodwill=D(goodwill), tax_included=True, currency=currency)
    assert again == [], "the same question twice issues nothing more"
    check(done)
    return done


def check(issued: list[Issued]) -> None:
    for one in issued:
        assert sum(row.gross for row in one.rows) > 0
        for row in one.rows:
            assert row.net + row.tax == row.gross
            assert row.unit_price is None or row.unit_price * row.quantity - row.discount == row.gross
    for lefts in left_of(issued).values():
        for left in lefts:
            assert left.gross == 0 or left.gross * left.row.gross > 0
            assert 0 <= left.quantity <= left.row.quantity


def billed(issued: list[Issued]) -> Decimal:
    return sum((sum(row.gross for row in one.rows) * (1 if one.corrects is None else -1) for one in issued), D(0))


def test_an_order_is_billed_once() -> None:
    issued = do([part("a", "10.00", "1.87"), part("b", "5.00", "0.93")], [])
    assert len(issued) == 1 and billed(issued) == D("15.00")


def test_what_became_cheaper_is_credited_and_what_is_dearer_billed() -> None:
    first = do([part("a", "30.00", "5.61", units=3), part("b", "5.00", "0.93")], [])
    after = do([part("a", "20.00", "3.74", units=2), part("b", "5.00", "0.93"), part("c", "7.00", "1.31")], first)
    credit, invoice = after[1:]
    assert credit.corrects == 1 and [(row.key, row.quantity, row.gross) for row in credit.rows] == [
        ("a", 1, D("10.00"))
    ]
    assert invoice.corrects is None and [row.key for row in invoice.rows] == ["c"]
    assert billed(after) == D("32.00")


def test_another_rate_takes_the_whole_row_back_and_bills_it_anew() -> None:
    first = do([part("a", "12.30", "2.30")], [])
    after = do([part("a", "10.80", "0.80", rate="0.08")], first)
    assert [row.gross for one in after for row in one.rows] == [D("12.30"), D("12.30"), D("10.80")]
    assert after[2].rows[0].rate == D("0.08")


def test_the_same_price_with_other_tax_is_taken_back_too() -> None:
    first = do([part("a", "12.30", "2.30")], [])
    after = do([part("a", "12.30", "0", rate="0")], first)
    assert len(after) == 3 and billed(after) == D("12.30") and after[2].rows[0].tax == 0


def test_goodwill_is_credited_on_what_it_was_for_and_only_once() -> None:
    parts = [part("a", "30.00", "5.61", units=3, refunded="10.00"), part("b", "50.00", "9.35")]
    after = do(parts, do(parts, []), goodwill="10.00")
    assert [(row.key, row.gross, row.tax) for row in after[1].rows] == [("a", D("10.00"), D("1.87"))]
    spread = do(parts, after, goodwill="17.00")
    assert {row.key for row in spread[2].rows} == {"a", "b"} and billed(spread) == D("63.00")


def test_goodwill_that_a_later_cancel_swallows_is_billed_again() -> None:
    parts = [part("a", "50.00", "9.35"), part("b", "50.00", "9.35")]
    after = do(parts, do(parts, []), goodwill="20.00")
    less = [part("a", "0", "0", units=0), part("b", "50.00", "9.35")]
    assert billed(do(less, after, goodwill="0")) == D("50.00")


def test_a_row_below_zero_goes_with_the_rest() -> None:
    parts = [part("a", "100.00", "18.70"), Part("rounding", "Adjustment", 0, D("-3.00"), D(0), D(0))]
    first = do(parts, [])
    assert billed(first) == D("97.00")
    gone = [part("a", "0", "0", units=0), Part("rounding", "Adjustment", 0, D(0), D(0), D(0))]
    assert billed(do(gone, first)) == 0


@st.composite
def stories(draw: st.DrawFn) -> tuple[str, list[tuple[list[Part], Decimal]]]:
    """An order over time: each moment the worth of its parts, and what went back for goods it still has."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    unit = smallest_unit(currency)
    moments = []
    for _n in range(draw(st.integers(1, 5))):
        parts = []
        for key in range(draw(st.integers(1, 4))):
            gross = draw(st.integers(0, 5000)) * unit
            rate = draw(st.sampled_from(["0.23", "0.08", "0"]))
            tax = (gross - gross / (1 + D(rate))).quantize(unit)
            units = draw(st.integers(1, 5)) if gross else 0
            refunded = min(gross, draw(st.integers(0, 300)) * unit)
            parts.append(Part(f"p{key}", "x", units, gross, tax, D(rate), refunded=refunded))
        worth = sum((one.gross for one in parts), D(0))
        moments.append((parts, min(worth, draw(st.integers(0, 2000)) * unit)))
    return currency, moments


@given(stories())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_the_documents_add_up_to_the_order(
    story: tuple[str, list[tuple[list[Part], Decimal]]],
) -> None:
    currency, moments = story
    issued: list[Issued] = []
    for parts, goodwill in moments:
        issued = do(parts, issued, str(goodwill), currency)
        assert billed(issued) == sum((one.gross for one in parts), D(0)) - goodwill
        for one in issued:
            assert all(
                row.gross % smallest_unit(currency) == 0 and row.tax % smallest_unit(currency) == 0 for row in one.rows
            )
            sums = tax_summary(one.rows)
            assert sum(net for _r, net, _t, _g in sums) == sum(row.net for row in one.rows)
            assert sum(gross for *_x, gross in sums) == sum(row.gross for row in one.rows)


def test_rows_survive_their_way_through_json() -> None:
    row = Row(
        "a",
        "Tea ☕",
        2,
        D("10.00"),
        D("2.30"),
        D("12.30"),
        D("0.23"),
        "SKU",
        D("6.15"),
        D("0.00"),
        of=0,
        basis="change",
    )
    assert Row.from_json(row.to_json()) == row
    bare = Row("r", "Rounding", 0, D("-0.01"), D(0), D("-0.01"), None)
    assert Row.from_json(bare.to_json()) == bare


@pytest.mark.parametrize(
    ("amounts", "rates"),
    [
        ([("12.30", "2.30"), ("0.12", "0.02")], ["0.23", "0.23"]),
        ([("108.00", "8.00"), ("123.00", "23.00")], ["0.08", "0.23"]),
        ([("110.50", "10.50")], ["0.105"]),
        ([("50.00", "0")], ["0"]),
        ([("1119.60", "119.60")], ["0.1196"]),
    ],
)
def test_a_rate_is_read_off_an_amount(amounts: list[tuple[str, str]], rates: list[str]) -> None:
    assert rates_of([Taxed(D(gross), D(tax)) for gross, tax in amounts], "EUR") == [D(rate) for rate in rates]


def test_a_known_rate_is_kept() -> None:
    assert rates_of([Taxed(D("10"), D("1"), D("0.05")), Taxed(D("1.05"), D("0.05"))], "EUR") == [D("0.05"), D("0.05")]
