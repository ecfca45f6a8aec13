"""Asking for a return: what may come back, how often, and by when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import Actor
from core.models import OutboxEvent
from core.refusals import Invalid, Refusal
from orders.models import Order
from orders.states import Returning
from returns.models import Return
from returns.operations import LineRequest, cancel_return, decline_return, request_return
from returns.queries import return_window, returnable_lines
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import NOW

CUSTOMER = Actor.customer("buyer@example.com")


@pytest.mark.django_db
class TestPolicy:
    def test_a_return_within_the_window_is_approved_at_once(self) -> None:
        make_shop(auto_approve_returns=True)
        made = ask(sent_order(2), 1, actor=CUSTOMER)
        assert made.state == "approved"
        assert made.location is not None
        assert Order.objects.get(pk=made.order_id).returning == Returning.IN_PROGRESS

    def test_without_the_policy_somebody_decides(self) -> None:
        make_shop(auto_approve_returns=False)
        made = ask(sent_order(2), 1, actor=CUSTOMER)
        assert made.state == "requested"
        assert made.shipment is None
        assert Order.objects.get(pk=made.order_id).returning == Returning.REQUESTED

    def test_days_count_from_delivery(self) -> None:
        make_shop(return_window_days=14)
        order = sent_order(1, delivered_at=NOW + timedelta(days=5))
        assert ask(order, 1, actor=CUSTOMER, now=NOW + timedelta(days=19)).units == 1

    def test_a_customer_is_refused_after_the_last_day(self) -> None:
        make_shop(return_window_days=14)
        order = sent_order(1, delivered_at=NOW + timedelta(days=5))
        with pytest.raises(Invalid) as refused:
            ask(order, 1, actor=CUSTOMER, now=NOW + timedelta(days=20))
        assert refused.value.code == "window_closed"
        assert refused.value.field == f"quantity-{order.lines.get().pk}"

    def test_a_person_of_the_shop_may_pass_the_window_and_then_somebody_decides(self) -> None:
        make_shop(return_window_days=14, auto_approve_returns=True)
        order = sent_order(1, delivered_at=NOW)
        made = ask(order, 1, actor=Actor.system("support"), now=NOW + timedelta(days=90))
        assert made.state == "requested"

    def test_what_was_not_sent_cannot_come_back(self) -> None:
        from tests.factories.shop import make_order

        make_shop()
        order = make_order()
        with pytest.raises(Invalid) as refused:
            ask(order, 1, actor=CUSTOMER)
        assert refused.value.code == "not_returnable"

    def test_the_window_shows_its_last_day(self) -> None:
        make_shop(return_window_days=30)
        order = sent_order(3, delivered_at=NOW)
        (item,) = returnable_lines(order, window=return_window(), now=NOW)
        assert (item.quantity, item.sent, item.until) == (3, 3, (NOW + timedelta(days=30)).date())

    def test_an_order_from_an_export_counts_from_its_last_known_day(self) -> None:
        make_shop(return_window_days=30)
        order = sent_order(1)
        with connection.cursor() as cursor:  # as an import leaves it: sent, without a parcel of ours
            cursor.execute("DELETE FROM fulfillment_trackingevent")
            cursor.execute("UPDATE fulfillment_fulfillmentline SET shipped = 0, packed = 0, picked = 0")
        Order.objects.filter(pk=order.pk).update(completed_at=NOW - timedelta(days=40))
        order.refresh_from_db()
        (item,) = returnable_lines(order, window=return_window(), now=NOW)
        assert (item.quantity, item.sent) == (0, 1)


@pytest.mark.django_db
class TestLimits:
    def test_more_than_was_sent_is_refused_and_nothing_is_written(self) -> None:
        make_shop()
        order = sent_order(2, 1)
        with pytest.raises(Invalid) as refused:
            ask(order, 3, 1, actor=CUSTOMER)
        assert refused.value.code == "too_many"
        assert not Return.objects.exists()
        assert all(line.return_requested == 0 for line in order.lines.all())

    def test_units_asked_back_before_do_not_come_back_again(self) -> None:
        make_shop()
        order = sent_order(2)
        ask(order, 1, actor=CUSTOMER)
        with pytest.raises(Invalid):
            ask(order, 2, actor=CUSTOMER)
        ask(order, 1, actor=CUSTOMER)
        assert order.lines.get().return_requested == 2

    def test_a_line_of_another_order_is_refused(self) -> None:
        make_shop()
        mine, other = sent_order(2), sent_order(2)
        foreign = other.lines.get()
        with pytest.raises(Invalid) as refused:
            request_return(
                order_id=mine.pk, lines=[LineRequest(foreign.pk, 1, "other")], customer_note="", request_key="foreign-line", actor=CUSTOMER, now=NOW
            )  # fmt: skip
        assert refused.value.field == f"quantity-{foreign.pk}"
        assert other.lines.get().return_requested == 0

    @pytest.mark.parametrize(("quantity", "reason"), [(-1, "other"), (1, "because"), (1, ""), (10**9, "other")])
    def test_nonsense_is_refused(self, quantity: int, reason: str) -> None:
        make_shop()
        order = sent_order(1)
        with pytest.raises(Invalid):
            request_return(
                order_id=order.pk, lines=[LineRequest(order.lines.get().pk, quantity, reason)], customer_note="", request_key="nonsense-1",
                actor=CUSTOMER, now=NOW,
            )  # fmt: skip
        assert not Return.objects.exists()

    def test_the_same_line_twice_is_refused(self) -> None:
        make_shop()
        order = sent_order(2)
        line = order.lines.get().pk
        with pytest.raises(Invalid):
            request_return(
                order_id=order.pk, lines=[LineRequest(line, 1, "other"), LineRequest(line, 1, "other")], customer_note="",
                request_key="line-twice", actor=CUSTOMER, now=NOW,
            )  # fmt: skip

    def test_the_database_itself_refuses_more_than_was_sent(self) -> None:
        order = sent_order(1)
        with pytest.raises(IntegrityError), transaction.atomic():
            order.lines.update(return_requested=2)


@pytest.mark.django_db
class TestOnce:
    def test_the_same_key_answers_with_the_first_return(self) -> None:
        make_shop()
        order = sent_order(2)
        first, second = ask(order, 1, key="same-form-1"), ask(order, 1, key="same-form-1")
        assert first.pk == second.pk
        assert order.lines.get().return_requested == 1

    def test_the_same_key_on_another_order_is_another_return(self) -> None:
        make_shop()
        assert ask(sent_order(1), key="same-form-1").pk != ask(sent_order(1), key="same-form-1").pk

    def test_a_forged_key_is_refused(self) -> None:
        order = sent_order(1)
        with pytest.raises(Invalid):
            ask(order, 1, key="x" * 200)

    def test_numbers_run_within_the_order_and_suit_a_scanner(self) -> None:
        make_shop()
        order = sent_order(2)
        numbers = [ask(order, 1).number, ask(order, 1).number]
        assert numbers == [f"RMA-{order.pk}-1", f"RMA-{order.pk}-2"]


@pytest.mark.django_db
class TestTakingBack:
    def test_a_cancelled_return_frees_its_units(self) -> None:
        make_shop(auto_approve_returns=False)
        order = sent_order(2)
        made = ask(order, 2, actor=CUSTOMER)
        cancel_return(return_id=made.pk, actor=CUSTOMER, now=NOW)
        cancel_return(return_id=made.pk, actor=CUSTOMER, now=NOW)  # a second press changes nothing
        order.refresh_from_db()
        assert order.lines.get().return_requested == 0
        assert order.returning == Returning.NONE
        assert ask(order, 2, actor=CUSTOMER).units == 2

    def test_a_declined_return_frees_its_units_and_needs_a_reason(self) -> None:
        make_shop(auto_approve_returns=False)
        order = sent_order(2)
        made = ask(order, 2, actor=CUSTOMER)
        with pytest.raises(Invalid):
            decline_return(return_id=made.pk, answer="  ", actor=CUSTOMER, now=NOW)
        decline_return(return_id=made.pk, answer="Worn.", actor=CUSTOMER, now=NOW)
        assert order.lines.get().return_requested == 0

    def test_a_customer_cannot_cancel_what_is_on_its_way(self) -> None:
        from returns.operations import mark_in_transit

        make_shop()
        made = ask(sent_order(1), 1, actor=CUSTOMER)
        mark_in_transit(return_id=made.pk, actor=CUSTOMER, now=NOW)
        with pytest.raises(Refusal):
            cancel_return(return_id=made.pk, actor=CUSTOMER, now=NOW)


class TestRaces:
    def test_two_identical_requests_at_once_make_one_return(self, committed: None, threads) -> None:
        make_shop()
        order = sent_order(4)
        results = threads(8, lambda i: ask(order, 1, key="double-click").pk)
        assert len(set(results)) == 1
        assert order.lines.get().return_requested == 1
        assert OutboxEvent.objects.filter(name="return.approved").count() == 1

    def test_eight_requests_at_once_never_ask_for_more_than_was_sent(self, committed: None, threads) -> None:
        make_shop()
        order = sent_order(5, 5)
        results = threads(8, lambda i: ask(order, 2, 1, key=f"customer-{i}", actor=CUSTOMER))
        made = [result for result in results if isinstance(result, Return)]
        refused = [result for result in results if isinstance(result, Invalid)]
        assert (len(made), len(refused)) == (2, 6)
        assert sorted(line.return_requested for line in order.lines.all()) == [2, 4]
