"""Money back: what it is worth, that it is paid once, and never more than was captured."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import Invalid, Refusal
from orders.amounts import line_value, value_of_units
from orders.models import Order, OrderLine, Refund
from orders.operations import record_refund
from orders.states import Payment
from returns.models import Return
from returns.operations import Received, Verdict, inspect_return, receive_return, resolve_return
from returns.queries import line_worths, most_refundable, proposed_refund
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR, NOW


def inspected(*quantities: int, asked: tuple[int, ...] = (), **fields: object) -> Return:
    """A return whose units all came back and were restocked."""
    make_shop()
    made = ask(sent_order(*quantities, **fields), *asked)
    lines = list(made.lines.all())
    receive_return(return_id=made.pk, lines=[Received(line.pk, line.quantity) for line in lines], actor=ACTOR, now=NOW)
    verdicts = [Verdict(line.pk, "restock", line.quantity) for line in lines]
    return inspect_return(return_id=made.pk, verdicts=verdicts, actor=ACTOR, now=NOW)


def resolve(made: Return, amount: str, **options: object) -> Return:
    return resolve_return(return_id=made.pk, amount=Decimal(amount), actor=ACTOR, now=NOW, **options)


@pytest.mark.django_db
class TestProposal:
    def test_it_is_the_worth_of_what_was_inspected(self) -> None:
        made = inspected(3, 2, asked=(2, 1))
        worths = line_worths(made)
        assert [worth.value for worth in worths] == [Decimal(20), Decimal(10)]
        assert proposed_refund(made, worths) == Decimal(30)

    def test_discount_and_tax_have_their_share(self) -> None:
        made = inspected(3, asked=(2,))
        OrderLine.objects.filter(order=made.order).update(discount=Decimal("1"), tax=Decimal("2.90"))
        (worth,) = line_worths(Return.objects.get(pk=made.pk))
        # (3 × 10 − 1 + 2.90) × 2 / 3
        assert worth.value == Decimal("21.27")

    def test_it_is_never_more_than_is_left_of_the_payment(self) -> None:
        made = inspected(3)
        record_refund(order_id=made.order_id, amount=Decimal(25), reason="", key="by-hand", actor=ACTOR, now=NOW)
        made = Return.objects.get(pk=made.pk)
        assert proposed_refund(made, line_worths(made)) == Decimal(5)

    def test_units_that_were_refunded_already_are_not_proposed(self) -> None:
        made = inspected(2)
        line = made.lines.get()
        record_refund(
            order_id=made.order_id,
            amount=Decimal(10),
            reason="",
            key="by-hand",
            lines={line.order_line_id: 1},
            actor=ACTOR,
            now=NOW,
        )
        made = Return.objects.get(pk=made.pk)
        assert proposed_refund(made, line_worths(made)) == Decimal(10)


@given(
    price=st.decimals(min_value=0, max_value=1000, places=2),
    ordered=st.integers(min_value=1, max_value=30),
    tax=st.decimals(min_value=0, max_value=99, places=2),
    data=st.data(),
)
def test_parts_of_a_line_add_up_to_it(price: Decimal, ordered: int, tax: Decimal, data: st.DataObject) -> None:
    discount = data.draw(st.decimals(min_value=0, max_value=price * ordered, places=2))
    line = OrderLine(unit_price=price, ordered=ordered, discount=discount, tax=tax)
    cuts = [*sorted(data.draw(st.sets(st.integers(min_value=1, max_value=ordered)))), ordered]
    total, already = Decimal(0), 0
    for cut in cuts:
        total += value_of_units(line, already=already, units=cut - already, tax_included=False, currency="EUR")
        already = cut
    assert total == line_value(line, tax_included=False)


@pytest.mark.django_db
class TestRefund:
    def test_money_goes_back_and_the_order_says_so(self) -> None:
        made = resolve(inspected(2), "20")
        order = Order.objects.get(pk=made.order_id)
        assert (made.state, made.resolution, made.refund.amount) == ("resolved", "refund", Decimal(20))
        assert (order.refunded_total, order.payment, order.returns_in_progress) == (Decimal(20), Payment.REFUNDED, 0)
        assert order.lines.get().refunded == 2

    def test_the_amount_may_be_less_and_only_for_some_units(self) -> None:
        made = inspected(2)
        resolve(made, "4.50", units={made.lines.get().pk: 1})
        assert OrderLine.objects.get(order=made.order).refunded == 1

    def test_zero_closes_it_without_a_refund(self) -> None:
        made = resolve(inspected(1), "0")
        assert (made.resolution, made.refund) == ("reject", None)
        assert not Refund.objects.exists()

    @pytest.mark.parametrize("amount", ["-1", "0.001", "20.01"])
    def test_a_wrong_amount_is_refused_and_nothing_is_written(self, amount: str) -> None:
        made = inspected(2)
        with pytest.raises(Refusal):
            resolve(made, amount)
        assert Return.objects.get(pk=made.pk).state == "inspected"
        assert not Refund.objects.exists()

    def test_units_that_were_not_inspected_are_refused(self) -> None:
        made = inspected(2, asked=(1,))
        with pytest.raises(Invalid):
            resolve(made, "10", units={made.lines.get().pk: 2})

    def test_pressed_again_it_answers_as_it_is(self) -> None:
        made = inspected(2)
        resolve(made, "20")
        assert resolve(made, "20").state == "resolved"
        assert Refund.objects.count() == 1

    def test_before_inspection_there_is_no_refund(self) -> None:
        make_shop()
        made = ask(sent_order(1))
        with pytest.raises(Refusal) as refused:
            resolve(made, "10")
        assert refused.value.code == "wrong_state"


class TestRaces:
    def test_eight_refunds_at_once_pay_once(self, committed: None, threads) -> None:
        made = inspected(2)
        results = threads(8, lambda i: resolve(made, "20"))
        assert all(isinstance(result, Return) for result in results)
        assert Order.objects.get(pk=made.order_id).refunded_total == Decimal(20)
        assert most_refundable(Order.objects.get(pk=made.order_id)) == 0
