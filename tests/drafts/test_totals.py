"""The money of drafts, whatever is typed: it adds up, to the smallest unit, and is what the order then says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.addresses import Address
from core.money import is_exact, quantize, smallest_unit
from drafts.totals import Discount, PlainLine, due_on, totals_of
from oms.orchestration.requests import NewLine, NewOrder, check_request
from tests.factories.shop import NOW

ANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])
RATES = st.sampled_from([Decimal(rate) for rate in ("0", "0.05", "0.077", "0.19", "0.23", "0.25")])


@st.composite
def discounts(draw, currency: str) -> Discount:
    kind = draw(st.sampled_from(["none", "amount", "percent"]))
    if kind == "none":
        return Discount()
    if kind == "percent":
        return Discount(kind, draw(st.decimals("0.01", "100", places=2)))
    return Discount(kind, smallest_unit(currency) * draw(st.integers(1, 100_000)))


@st.composite
def drafts(draw) -> dict:
    currency = draw(CURRENCIES)
    lines = draw(
        st.lists(
            st.builds(
                PlainLine, st.integers(1, 500), st.decimals("0", "999", places=draw(st.sampled_from([0, 2, 4]))),
                discounts(currency), RATES,
            ),
            min_size=1, max_size=8,
        )
    )  # fmt: skip
    return {
        "lines": lines, "currency": currency, "discount": draw(discounts(currency)),
        "shipping": smallest_unit(currency) * draw(st.integers(0, 5000)), "shipping_tax_rate": draw(RATES), "tax_included": draw(st.booleans()),
    }  # fmt: skip


@ANY
@given(drafts())
def test_everything_adds_up(draft) -> None:
    currency, money = draft["currency"], totals_of(**draft)
    on_top = Decimal(0) if draft["tax_included"] else money.tax
    assert money.total == money.subtotal - money.discount + money.shipping + on_top + money.rounding
    assert abs(money.rounding) <= smallest_unit(currency) / 2
    assert money.discount == sum(row.discount for row in money.lines)
    assert money.discount == sum(row.own_discount for row in money.lines) + money.order_discount
    assert money.tax == sum(row.tax for row in money.lines) + money.shipping_tax
    assert sum(each.tax for each in money.taxes) == money.tax
    for row in money.lines:
        assert 0 <= row.own_discount <= row.discount <= row.value
        assert row.amount == row.value - row.discount
        assert 0 <= row.tax <= quantize(row.amount, currency) + smallest_unit(currency)
    exact = (
        money.total,
        money.discount,
        money.order_discount,
        money.tax,
        money.shipping_tax,
        *(r.discount for r in money.lines),
    )
    assert all(is_exact(amount, currency) for amount in exact)


@ANY
@given(drafts())
def test_prices_as_fine_as_the_currency_need_no_rounding(draft) -> None:
    draft["lines"] = [
        PlainLine(line.quantity, quantize(line.unit_price, draft["currency"]), line.discount, line.tax_rate)
        for line in draft["lines"]
    ]
    assert totals_of(**draft).rounding == 0


@ANY
@given(drafts())
def test_the_order_says_the_same(draft) -> None:
    """What is placed (oms.orchestration.requests) keeps each sum; no share is spread anew."""
    money = totals_of(**draft)
    request = NewOrder(
        channel_id=1, external_id="draft-D1", placed_at=NOW, currency=draft["currency"], shipping_address=Address(country="PL"),
        lines=tuple(
            NewLine("A", line.quantity, line.unit_price, discount=row.discount, tax=row.tax)
            for line, row in zip(draft["lines"], money.lines, strict=True)
        ),
        discount_total=money.discount, shipping_total=money.shipping, tax_total=money.tax, tax_included=draft["tax_included"],
        total=money.total,
    )  # fmt: skip
    amounts = check_request(request)
    assert (amounts.total, amounts.subtotal, amounts.discount_total, amounts.tax_total) == (
        money.total, money.subtotal, money.discount, money.tax,
    )  # fmt: skip
    assert amounts.line_discounts == [row.discount for row in money.lines]
    assert amounts.adjustment_total == money.rounding


@ANY
@given(drafts(), st.decimals("0.01", "100", places=2))
def test_a_percentage_is_that_share_of_the_goods(draft, percent) -> None:
    draft["discount"] = Discount("percent", percent)
    money = totals_of(**draft)
    left = money.subtotal - sum(row.own_discount for row in money.lines)
    most = sum(
        (row.value - row.own_discount).quantize(smallest_unit(draft["currency"]), "ROUND_DOWN") for row in money.lines
    )
    assert money.order_discount == min(quantize(left * percent / 100, draft["currency"]), most)


@ANY
@given(st.sampled_from(["JPY", "EUR", "KWD"]), RATES, st.integers(1, 10**6))
def test_included_tax_is_what_would_come_on_top_of_the_rest(currency, rate, units) -> None:
    price = smallest_unit(currency) * units
    inside = totals_of([PlainLine(1, price, tax_rate=rate)], currency=currency, tax_included=True)
    assert inside.total == price
    if rate:
        [tax] = inside.taxes
        assert tax.net + tax.tax == price
        assert abs(tax.net * rate - tax.tax) <= smallest_unit(currency)


@pytest.mark.parametrize(
    ("terms", "day"),
    [
        ("advance", None), ("receipt", date(2028, 1, 31)), ("net7", date(2028, 2, 7)), ("net30", date(2028, 3, 1)),
        ("net90", date(2028, 4, 30)), ("eom", date(2028, 1, 31)),
    ],
)  # fmt: skip
def test_terms_name_a_day(terms, day) -> None:
    assert due_on(terms, date(2028, 1, 31)) == day


def test_the_end_of_a_month_is_its_last_day() -> None:
    assert due_on("eom", date(2028, 2, 1)) == date(2028, 2, 29)
    assert due_on("eom", date(2026, 12, 15)) == date(2026, 12, 31)
