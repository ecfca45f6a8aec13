"""What goods cost: landed costs to the smallest unit, FIFO and average against a plain model, and the follower of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import exponent, smallest_unit
from inventory.operations import Claim, Move, apply_moves, reserve, ship
from oms.integrity import check_integrity
from purchasing.landed import Charges, Units, landed_costs
from purchasing.models import CostCursor, CostEntry, CostLayer, VariantCost
from purchasing.operations import (
    change_charges,
    cost_everything,
    cost_levels,
    revalue_purchase,
    send_purchase_order,
    set_stock_cost,
)
from purchasing.pool import Pool, PoolEmpty, Worth
from returns.operations.asking import LineRequest, request_return
from returns.operations.deciding import approve_return
from returns.operations.goods import Received, receive_return
from tests.factories.purchasing import make_purchase, make_supplier, receive
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant
from transfers.operations import Arrived as Brought

CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])


def money(currency: str, most: int = 5000) -> st.SearchStrategy[Decimal]:
    return st.integers(0, most * 10 ** exponent(currency)).map(lambda n: n * smallest_unit(currency))


# ---- landed cost -----------------------------------------------------------------------------------------------------


@given(data=st.data(), currency=CURRENCIES, own=CURRENCIES, basis=st.sampled_from(["value", "weight", "quantity"]))
def test_landed_costs_sum_to_the_smallest_unit(data, currency: str, own: str, basis: str) -> None:
    rows = data.draw(
        st.lists(st.tuples(st.integers(0, 400), st.decimals("0", "99", places=4), st.integers(0, 900)), max_size=7)
    )
    lines = [Units(n, units, cost, weight) for n, (units, cost, weight) in enumerate(rows)]
    freight, duty, other = (data.draw(money(currency)) for _ in range(3))
    rate = data.draw(st.decimals("0.00010000", "400", places=8))
    landed = landed_costs(lines, Charges(freight, duty, other, basis), currency=currency, rate=rate, own_currency=own)
    assert landed.keys() == {line.key for line in lines}
    found = [landed[line.key] for line in lines if line.units]
    if not found:
        assert all(each.own == 0 for each in landed.values())
        return
    for name, amount in (("freight", freight), ("duty", duty), ("other", other)):
        assert sum(getattr(each, name) for each in found) == amount
    unit, total = smallest_unit(own), sum(each.total for each in found)
    assert abs(sum(each.own for each in found) - total * rate) <= unit / 2
    assert all(each.own % unit == 0 and each.own >= 0 for each in found)
    assert all(each.total == each.goods + each.freight + each.duty + each.other for each in found)
    for each in found:  # in parts as well: the last part takes the rest
        assert sum(each.of(n + 1, own) - each.of(n, own) for n in range(each.units)) == each.own - each.of(0, own)
        assert each.of(0, own) == 0


def test_charges_are_spread_by_what_was_chosen() -> None:
    lines = [Units(1, 10, Decimal(9), 100), Units(2, 30, Decimal(1), 300)]
    charges = {basis: landed_costs(lines, Charges(Decimal(100), Decimal(0), Decimal(0), basis), currency="EUR", rate=Decimal(1), own_currency="EUR")
               for basis in ("value", "weight", "quantity")}  # fmt: skip
    assert [charges["value"][n].freight for n in (1, 2)] == [75, 25]
    assert [charges["weight"][n].freight for n in (1, 2)] == [10, 90]
    assert [charges["quantity"][n].freight for n in (1, 2)] == [25, 75]
    weightless = landed_costs([Units(1, 1, Decimal(5)), Units(2, 3, Decimal(5))], Charges(Decimal(8), Decimal(0), Decimal(0), "weight"),
                              currency="EUR", rate=Decimal(1), own_currency="EUR")  # fmt: skip
    assert [weightless[n].freight for n in (1, 2)] == [2, 6]


# ---- FIFO and average against a plain model --------------------------------------------------------------------------


@dataclass
class Plain:
    """Every unit by itself, with its exact cost: what the pool must come to within rounding."""

    units: list[Fraction] = field(default_factory=list)
    average: Fraction = Fraction(0)

    def put(self, units: int, value: Decimal) -> None:
        self.average += Fraction(value)
        self.units += [Fraction(value) / units] * units

    def take(self, units: int) -> tuple[Fraction, Fraction]:
        gone, self.units = self.units[:units], self.units[units:]
        part = self.average * units / (units + len(self.units))
        self.average -= part
        return sum(gone, Fraction(0)), part


@settings(max_examples=150)
@given(data=st.data(), currency=CURRENCIES)
def test_the_pool_agrees_with_units_counted_one_by_one(data, currency: str) -> None:
    pool, plain, unit = Pool(currency), Plain(), smallest_unit(currency)
    came, went = Decimal(0), Worth(Decimal(0), Decimal(0))
    steps = data.draw(st.lists(st.tuples(st.booleans(), st.integers(1, 30), money(currency, 300)), max_size=25))
    for n, (comes, units, value) in enumerate(steps, 1):
        if comes:
            pool.put(units, Worth(value, value), source=f"purchase:{n}", at=NOW)
            plain.put(units, value)
            came += value
        elif units > pool.units:
            with pytest.raises(PoolEmpty):
                pool.take(units)
        else:
            got, expected = pool.take(units), plain.take(units)
            went = Worth(went.fifo + got.fifo, went.average + got.average)
            for amount, exact in zip((got.fifo, got.average), expected, strict=True):
                assert abs(Fraction(amount) - exact) <= (n + len(pool.layers)) * Fraction(unit)
                assert amount % unit == 0
        assert (came, came) == (went.fifo + pool.fifo_value, went.average + pool.average_value)
        assert pool.units == len(plain.units) == sum(layer.remaining for layer in pool.layers)
        assert pool.fifo_value >= 0 <= pool.average_value


@given(data=st.data(), currency=CURRENCIES)
def test_a_late_cost_is_stock_or_spent_and_nothing_else(data, currency: str) -> None:
    pool = Pool(currency)
    first = data.draw(money(currency, 300))
    layers = [
        pool.put(data.draw(st.integers(1, 20)), Worth(first, first), source="purchase:1", at=NOW) for _ in range(2)
    ]
    pool.put(data.draw(st.integers(1, 20)), Worth(first, first), source="purchase:2", at=NOW)
    pool.take(data.draw(st.integers(0, pool.units)) or 1)
    before = (pool.fifo_value, pool.average_value)
    total = data.draw(money(currency, 900))
    stock, spent = pool.revalue(layers, total)
    assert (pool.fifo_value - before[0], pool.average_value - before[1]) == (stock.fifo, stock.average)
    assert stock.fifo + spent.fifo == stock.average + spent.average == total - 2 * first
    assert pool.fifo_value >= 0 <= pool.average_value
    assert sum(layer.value for layer in layers) == total
    assert pool.revalue(layers, total) == (Worth(Decimal(0), Decimal(0)), Worth(Decimal(0), Decimal(0)))


# ---- the follower ----------------------------------------------------------------------------------------------------


def follow() -> None:
    """What the worker does, and that nothing is left or wrong afterwards."""
    cost_everything(now=NOW)
    assert cost_everything(now=NOW) == 0
    _names, findings = check_integrity()
    assert [finding for finding in findings if "cost" in finding.check or "purchase" in finding.check] == []


def move(variant, place, units: int, reason: str, cause: str = "test:1") -> None:
    with transaction.atomic():
        apply_moves([Move(variant.pk, place.pk, "on_hand", units, reason)], cause=cause, actor=ACTOR, now=NOW)


def sell(variant, place, units: int, owner: str) -> None:
    with transaction.atomic():
        claim = [Claim(variant.pk, place.pk, owner, units)]
        reserve(claim, cause=owner, actor=ACTOR, now=NOW)
        ship(claim, cause=owner, actor=ACTOR, now=NOW)


def entries(variant, kind: str) -> list[tuple[int, Decimal, Decimal]]:
    rows = CostEntry.objects.filter(variant=variant, kind=kind).order_by("pk")
    return [tuple(row) for row in rows.values_list("quantity", "fifo_expense", "average_expense")]


def pool_of(variant) -> tuple[int, Decimal, Decimal]:
    pool = VariantCost.objects.get(variant=variant)
    return pool.units, pool.fifo_value, pool.average_value


@pytest.mark.django_db
class TestFollower:
    def test_receipts_and_sales_by_both_methods(self) -> None:
        mug, place = make_variant(), make_location()
        receive(make_purchase([(mug, 10, "2")], location=place), 10)
        receive(make_purchase([(mug, 10, "4")], location=place), 10)
        sell(mug, place, 15, "order_line:1")
        follow()
        assert entries(mug, "sale") == [(-15, Decimal(40), Decimal(45))]
        assert pool_of(mug) == (5, Decimal(20), Decimal(15))
        assert [entry[1] for entry in entries(mug, "purchase")] == [0, 0]

    def test_landed_cost_in_a_foreign_currency_and_in_parts(self) -> None:
        mug, cup, place = make_variant(), make_variant(), make_location()
        order = make_purchase(
            [(mug, 3, "1"), (cup, 1, "7")],
            supplier=make_supplier(currency="JPY"),
            location=place,
            sent=False,
            rate="0.00613",
        )
        change_charges(
            order_id=order.pk,
            freight=Decimal(11),
            duty=Decimal(0),
            other=Decimal(0),
            basis="quantity",
            actor=ACTOR,
            now=NOW,
        )
        send_purchase_order(order_id=order.pk, mail=False, actor=ACTOR, now=NOW)
        for units in ((1, 0), (1, 1), (1, 0)):
            receive(order, *units)
            follow()
        # 10 yen of goods and 11 of freight are 21 yen: 0.13 euro, and not a cent more or less
        assert sum(pool_of(variant)[1] for variant in (mug, cup)) == Decimal("0.13")
        assert CostLayer.objects.filter(variant=mug).count() == 3

    def test_goods_of_unknown_cost_wait_for_somebody_to_say_it(self) -> None:
        mug, place = make_variant(), make_location()
        give_stock(mug, place, 8)
        follow()
        assert VariantCost.objects.get(variant=mug).unknown_units == 8
        set_stock_cost(variant_id=mug.pk, unit_cost=Decimal("1.25"), note="invoice of 2024", actor=ACTOR, now=NOW)
        assert pool_of(mug) == (8, Decimal(10), Decimal(10))
        assert VariantCost.objects.get(variant=mug).unknown_units == 0
        give_stock(mug, place, 4)
        follow()
        assert pool_of(mug) == (12, Decimal(15), Decimal(15))

    def test_opening_stock_costs_what_was_typed_and_losses_are_spent(self) -> None:
        mug, place = make_variant(cost=Decimal("3.10")), make_location()
        give_stock(mug, place, 10)
        move(mug, place, -2, "lost")
        move(mug, place, -1, "to_supplier")
        follow()
        assert entries(mug, "loss") == [(-2, Decimal("6.20"), Decimal("6.20"))]
        assert entries(mug, "to_supplier") == [(-1, 0, 0)]
        assert pool_of(mug) == (7, Decimal("21.70"), Decimal("21.70"))

    def test_a_return_comes_back_at_what_it_left_with(self) -> None:
        mug, place = make_variant(), make_location()
        receive(make_purchase([(mug, 2, "2")], location=place), 2)
        order = make_order(lines=[(mug.sku, 2)])
        ship_it(order)
        receive(make_purchase([(mug, 5, "9")], location=place), 5)
        follow()
        request = request_return(
            order_id=order.pk, lines=[LineRequest(order.lines.get().pk, 1, "changed_mind")], customer_note="",
            request_key="0" * 32, actor=ACTOR, now=NOW + timedelta(days=1)
        )  # fmt: skip
        if request.state == "requested":
            approve_return(return_id=request.pk, location_id=place.pk, actor=ACTOR, now=NOW + timedelta(days=1))
        receive_return(
            return_id=request.pk,
            lines=[Received(request.lines.get().pk, 1)],
            location_id=place.pk,
            actor=ACTOR,
            now=NOW + timedelta(days=3),
        )
        follow()
        assert entries(mug, "sale") == [(-2, Decimal(4), Decimal(4))]
        assert entries(mug, "return") == [(1, Decimal(-2), Decimal(-2))]
        assert pool_of(mug)[1] == Decimal(47)

    def test_a_late_invoice_is_split_between_stock_and_what_is_sold(self) -> None:
        mug, place = make_variant(), make_location()
        order = make_purchase([(mug, 10, "2")], location=place)
        receive(order, 10)
        sell(mug, place, 4, "order_line:1")
        follow()
        change_charges(
            order_id=order.pk,
            freight=Decimal(5),
            duty=Decimal(0),
            other=Decimal(0),
            basis="value",
            actor=ACTOR,
            now=NOW,
        )
        assert revalue_purchase(purchase_id=order.pk, now=NOW) == 1
        assert revalue_purchase(purchase_id=order.pk, now=NOW) == 0
        follow()
        assert entries(mug, "revaluation") == [(0, Decimal(2), Decimal(2))]
        assert pool_of(mug) == (6, Decimal(15), Decimal(15))

    def test_a_transfer_moves_no_cost_and_what_it_loses_is_a_loss(self) -> None:
        from transfers.operations import dispatch_transfer, make_ready, receive_transfer, settle_missing
        from transfers.operations.drafting import NewTransfer, create_transfer
        from transfers.operations.settling import Settled

        mug, near, far = make_variant(), make_location(), make_location()
        receive(make_purchase([(mug, 10, "2")], location=near), 10)
        made = create_transfer(NewTransfer(near.pk, far.pk, ((mug.pk, 6),)), actor=ACTOR, now=NOW)
        make_ready(transfer_id=made.pk, actor=ACTOR, now=NOW)
        follow()
        dispatch_transfer(transfer_id=made.pk, actor=ACTOR, now=NOW)
        follow()
        assert pool_of(mug)[0] == 10
        assert VariantCost.objects.get(variant=mug).in_transit == 6
        line = made.lines.get()
        receive_transfer(transfer_id=made.pk, arrived=[Brought(line.pk, 4)], key="k1", actor=ACTOR, now=NOW)
        follow()
        settle_missing(transfer_id=made.pk, settled=[Settled(line.pk, 2, "lost")], actor=ACTOR, now=NOW)
        follow()
        assert entries(mug, "loss") == [(-2, Decimal(4), Decimal(4))]
        assert pool_of(mug) == (8, Decimal(16), Decimal(16))
        assert VariantCost.objects.get(variant=mug).in_transit == 0


def ship_it(order) -> None:
    from fulfillment.models import FulfillmentOrder
    from fulfillment.operations.shipping import ship_fulfillment_order

    for work in FulfillmentOrder.objects.filter(order=order):
        ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)


def test_two_workers_cost_each_movement_once(committed, threads) -> None:
    mug, place = make_variant(cost=Decimal(3)), make_location()
    for n in range(12):
        give_stock(mug, place, 5)
        sell(mug, place, 3, f"order_line:{n}")
    results = threads(6, lambda _n: cost_levels([[mug.pk, place.pk]], now=NOW))
    assert sum(results) == 24
    assert pool_of(mug) == (24, Decimal(72), Decimal(72))
    follow()


@pytest.mark.django_db
def test_a_cursor_goes_on_over_promises_that_cost_nothing(monkeypatch) -> None:
    monkeypatch.setattr("purchasing.operations.costing.SKIPPED_AT_MOST", 3)
    mug, place = make_variant(cost=Decimal(2)), make_location()
    give_stock(mug, place, 50)
    follow()
    before = CostCursor.objects.get().movement_id
    for n in range(8):
        with transaction.atomic():
            reserve([Claim(mug.pk, place.pk, f"order_line:{n}", 1)], cause="order:1", actor=ACTOR, now=NOW)
    assert cost_levels([[mug.pk, place.pk]], now=NOW) == 0
    assert CostCursor.objects.get().movement_id > before
    sell(mug, place, 2, "order_line:99")
    follow()
    assert pool_of(mug) == (48, Decimal(96), Decimal(96))


@pytest.mark.django_db
def test_costing_many_variants_takes_the_statements_of_one() -> None:
    place, taken = make_location(), []
    for many in (1, 40):
        variants = [make_variant(cost=Decimal(2)) for _n in range(many)]
        for variant in variants:
            give_stock(variant, place, 5)
            sell(variant, place, 2, f"order_line:{variant.pk}")
        with CaptureQueriesContext(connection) as asked:
            assert cost_levels([[variant.pk, place.pk] for variant in variants], now=NOW) == 2 * many
        taken.append(len(asked))
        assert {pool_of(variant) for variant in variants} == {(3, Decimal(6), Decimal(6))}
    assert taken[0] == taken[1]
