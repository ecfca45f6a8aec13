"""A payment's way with both gateways: page, authorisation, capture at shipment, refund, release; each against the mock's own ledger."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.refusals import Invalid, Refusal
from fulfillment.models import FulfillmentOrder
from oms.orchestration.cancel_order import cancel_order
from orders.events import OrderCancelled, PaymentRecorded
from orders.models import Order
from orders.operations import record_payment, record_refund
from orders.states import Payment
from payments.handlers import capture_at_shipment, void_cancelled, void_what_came_late
from payments.models import CapturePolicy
from payments.operations.asking import ask
from payments.operations.calling import ask_for_cancel, ask_for_capture, send
from payments.operations.paying_back import HAND, pay_back
from payments.operations.shipping import capture_shipped
from payments.operations.starting import adopt_payment
from payments.states import CallState, IntentState
from tests.factories.payments import check_books, make_account, paid, start
from tests.factories.returns import send as ship
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant
from tests.payments.mock_gateways import Ledger

BOTH = pytest.mark.parametrize("kind", ["stripe", "paypal"])
pytestmark = pytest.mark.django_db


def order_of(*quantities: int, **fields: object) -> Order:
    """An unpaid order with lines of 10.00 a unit, each at a location of its own."""
    lines = []
    for quantity in quantities or (3,):
        variant = make_variant()
        give_stock(variant, make_location(), quantity + 3)
        lines.append((variant.sku, quantity))
    return make_order(lines=lines, paid=False, **fields)


def ship_one(order: Order) -> int:
    """One of its work orders leaves, and payments hear of it."""
    from fulfillment.events import FulfillmentShipped
    from fulfillment.operations.shipping import ship_fulfillment_order

    work = (
        FulfillmentOrder.objects.filter(order=order).exclude(state__in=["shipped", "cancelled"]).order_by("pk").first()
    )
    assert work is not None
    ship_fulfillment_order(fulfillment_order_id=work.pk, actor=ACTOR, now=NOW, fast_forward=True)
    capture_at_shipment(FulfillmentShipped(work.pk), actor=ACTOR, now=NOW)
    return work.pk


@BOTH
def test_authorised_on_the_page_captured_with_each_parcel_refunded(kind: str, gateway: Ledger) -> None:
    order = order_of(2, 1, shipping_total=Decimal("4.90"))
    intent = paid(order, make_account(kind), gateway)
    order.refresh_from_db()
    assert (intent.state, intent.authorized) == (IntentState.AUTHORIZED, Decimal("34.90"))
    assert (order.payment, order.authorized_total, order.captured_total) == (Payment.AUTHORIZED, Decimal("34.90"), 0)
    ship_one(order)
    intent.refresh_from_db()
    assert intent.captured in (Decimal(20), Decimal(10))  # whichever location's parcel left first
    assert intent.state == IntentState.PARTLY_CAPTURED
    ship_one(order)
    check_books(order, gateway)
    intent.refresh_from_db()
    assert (intent.captured, intent.state, order.payment) == (Decimal("34.90"), IntentState.CAPTURED, Payment.PAID)
    done = pay_back(order_id=order.pk, amount=Decimal("25"), reason="broken", key="r1", actor=ACTOR, now=NOW)
    assert (done.done, done.waiting, done.by_hand) == (Decimal(25), 0, None)
    check_books(order, gateway)
    assert order.payment == Payment.PARTIALLY_REFUNDED


@BOTH
def test_at_once_is_captured_when_the_customer_pays(kind: str, gateway: Ledger) -> None:
    order = order_of(3)
    intent = paid(order, make_account(kind, capture=CapturePolicy.AT_ONCE), gateway)
    check_books(order, gateway)
    assert (intent.state, order.payment, order.authorized_total) == (IntentState.CAPTURED, Payment.PAID, 0)


def test_a_payment_that_can_be_taken_once_waits_for_the_last_parcel(gateway: Ledger) -> None:
    gateway.multicapture = False
    order = order_of(2, 1)
    intent = paid(order, make_account(), gateway)
    ship_one(order)
    intent.refresh_from_db()
    assert intent.captured == 0
    ship_one(order)
    intent.refresh_from_db()
    assert intent.captured == Decimal(30)
    check_books(order, gateway)


@BOTH
def test_a_cancelled_order_lets_go(kind: str, gateway: Ledger) -> None:
    order = order_of(3)
    intent = paid(order, make_account(kind), gateway)
    cancel_order(order_id=order.pk, units=None, reason="", actor=ACTOR, now=NOW)
    void_cancelled(OrderCancelled(order.pk), actor=ACTOR, now=NOW)
    void_cancelled(OrderCancelled(order.pk), actor=ACTOR, now=NOW)
    intent.refresh_from_db()
    order.refresh_from_db()
    assert (intent.state, intent.released, order.authorized_total) == (IntentState.CANCELLED, Decimal(30), 0)
    assert order.payment == Payment.VOIDED
    assert gateway.find(intent.parent)["status"] == "cancelled"
    check_books(order, gateway)


@BOTH
def test_what_is_authorised_after_the_order_was_cancelled_is_let_go(kind: str, gateway: Ledger) -> None:
    order = order_of(3)
    intent = start(order, make_account(kind))
    gateway.customer_pays(intent.parent)
    cancel_order(order_id=order.pk, units=None, reason="", actor=ACTOR, now=NOW)
    ask(intent_id=intent.pk, now=NOW)
    void_what_came_late(PaymentRecorded(order.pk), actor=ACTOR, now=NOW)
    intent.refresh_from_db()
    assert intent.state == IntentState.CANCELLED and intent.captured == 0
    assert gateway.find(intent.parent)["captured"] == 0


def test_part_cancelled_the_last_parcel_takes_what_is_owed_and_lets_the_rest_go(gateway: Ledger) -> None:
    order = order_of(2, 1)
    intent = paid(order, make_account(), gateway)
    line = order.lines.order_by("position").first()
    assert line is not None
    cancel_order(order_id=order.pk, units={line.pk: 2}, reason="", actor=ACTOR, now=NOW)
    ship_one(order)
    intent.refresh_from_db()
    assert (intent.captured, intent.released, intent.state) == (Decimal(10), Decimal(20), IntentState.CAPTURED)
    check_books(order, gateway)
    assert order.authorized_total == Decimal(10)


def test_a_page_is_offered_again_and_another_one_closes_it(gateway: Ledger) -> None:
    order = order_of(3)
    stripe, paypal = make_account("stripe"), make_account("paypal")
    first = start(order, stripe)
    assert start(order, stripe).pk == first.pk
    second = start(order, paypal)
    first.refresh_from_db()
    assert first.state == IntentState.CANCELLED and gateway.find(first.parent)["status"] == "expired"
    assert second.state == IntentState.REQUIRES_ACTION


def test_a_dearer_order_gets_a_new_page_for_the_new_amount(gateway: Ledger) -> None:
    order = order_of(3)
    account = make_account()
    first = start(order, account)
    record_payment(order_id=order.pk, amount=Decimal(5), method="cash", key="c", actor=ACTOR, now=NOW)
    second = start(order, account)
    assert second.pk != first.pk and second.amount == Decimal(25)


def test_nothing_due_nothing_to_pay(gateway: Ledger) -> None:
    order = order_of(3)
    account = make_account()
    paid(order, account, gateway)
    with pytest.raises(Refusal) as refusal:
        start(order, account)
    assert refusal.value.code == "nothing_due"


def test_over_capture_and_over_refund_are_refused_here_whatever_the_gateway_allows(gateway: Ledger) -> None:
    order = order_of(3)
    intent = paid(order, make_account(), gateway)
    with pytest.raises(Refusal) as refusal:
        ask_for_capture(intent_id=intent.pk, amount=Decimal("30.01"), key="a", actor=ACTOR, now=NOW)
    assert refusal.value.code == "over_capture"
    call, _new = ask_for_capture(intent_id=intent.pk, amount=Decimal(20), key="b", actor=ACTOR, now=NOW)
    with pytest.raises(Refusal) as refusal:  # the first one is not known yet
        ask_for_capture(intent_id=intent.pk, amount=Decimal(5), key="c", actor=ACTOR, now=NOW)
    assert refusal.value.code == "under_way"
    with pytest.raises(Refusal):
        ask_for_cancel(intent_id=intent.pk, key="d", actor=ACTOR, now=NOW)
    send(call, now=NOW)
    with pytest.raises(Refusal) as refusal:
        pay_back(order_id=order.pk, amount=Decimal(21), reason="", key="r", actor=ACTOR, now=NOW)
    assert refusal.value.code == "over_refund"
    check_books(order, gateway)


def test_what_is_captured_elsewhere_may_not_exceed_what_is_owed(gateway: Ledger) -> None:
    order = order_of(3)
    intent = paid(order, make_account(), gateway)
    record_payment(order_id=order.pk, amount=Decimal(25), method="cash", key="cash", actor=ACTOR, now=NOW)
    with pytest.raises(Refusal):
        ask_for_capture(intent_id=intent.pk, amount=Decimal(6), key="a", actor=ACTOR, now=NOW)
    call, _new = ask_for_capture(intent_id=intent.pk, amount=Decimal(5), key="b", actor=ACTOR, now=NOW)
    with pytest.raises(Refusal) as refusal:  # cash while the capture is under way
        record_payment(order_id=order.pk, amount=Decimal(1), method="cash", key="more", actor=ACTOR, now=NOW)
    assert refusal.value.code == "over_capture"
    send(call, now=NOW)
    order.refresh_from_db()
    assert order.captured_total == Decimal(30)


def test_a_refund_goes_newest_payment_first_and_the_rest_by_hand(gateway: Ledger) -> None:
    order = order_of(3)
    record_payment(order_id=order.pk, amount=Decimal(10), method="cash", key="cash", actor=ACTOR, now=NOW)
    intent = paid(order, make_account("paypal", capture=CapturePolicy.AT_ONCE), gateway)
    assert intent.captured == Decimal(20)
    done = pay_back(order_id=order.pk, amount=Decimal(26), reason="", key="r", actor=ACTOR, now=NOW)
    assert done.by_hand is not None and done.by_hand.amount == Decimal(6)
    intent.refresh_from_db()
    order.refresh_from_db()
    assert (intent.refunded, order.refunded_total) == (Decimal(20), Decimal(26))
    again = pay_back(order_id=order.pk, amount=Decimal(26), reason="", key="r", actor=ACTOR, now=NOW)
    order.refresh_from_db()
    assert order.refunded_total == Decimal(26) and again.done == Decimal(26)


def test_a_refund_by_hand_asks_no_gateway_and_counts_what_is_on_its_way(gateway: Ledger) -> None:
    order = order_of(3)
    intent = paid(order, make_account(capture=CapturePolicy.AT_ONCE), gateway)
    gateway.arm("POST /v1/refunds", "after")
    lost = pay_back(order_id=order.pk, amount=Decimal(20), reason="", key="r", actor=ACTOR, now=NOW)
    assert lost.waiting == Decimal(20)
    with pytest.raises(Refusal) as refusal:
        record_refund(order_id=order.pk, amount=Decimal(11), reason="", key="h", actor=ACTOR, now=NOW)
    assert refusal.value.code == "over_refund"
    done = pay_back(order_id=order.pk, amount=Decimal(10), reason="", key="h2", via=HAND, actor=ACTOR, now=NOW)
    assert done.by_hand is not None and not done.calls
    ask(intent_id=intent.pk, now=NOW)
    order.refresh_from_db()
    assert order.refunded_total == Decimal(30)


def test_refunded_units_are_counted_once(gateway: Ledger) -> None:
    order = order_of(3)
    paid(order, make_account(capture=CapturePolicy.AT_ONCE), gateway)
    line = order.lines.get()
    pay_back(order_id=order.pk, amount=Decimal(20), reason="", key="r", lines={line.pk: 2}, actor=ACTOR, now=NOW)
    line.refresh_from_db()
    assert line.refunded == 2
    with pytest.raises(Invalid):
        pay_back(order_id=order.pk, amount=Decimal(5), reason="", key="s", lines={line.pk: 2}, actor=ACTOR, now=NOW)


class TestLostAnswers:
    """The line goes dead after the work: never repeated, settled by asking."""

    @BOTH
    def test_capture(self, kind: str, gateway: Ledger) -> None:
        order = order_of(3)
        intent = paid(order, make_account(kind), gateway)
        gateway.arm(r"POST .*capture$", "after")
        (call,) = _shipped(order)
        assert call.state == CallState.UNKNOWN
        order.refresh_from_db()
        assert order.captured_total == 0
        ask(intent_id=intent.pk, now=NOW)
        call.refresh_from_db()
        assert call.state == CallState.SUCCEEDED
        check_books(order, gateway)
        assert [line for line in gateway.log if line[0] == "POST" and line[1].endswith("capture")].__len__() == 1

    @BOTH
    def test_capture_that_never_arrived(self, kind: str, gateway: Ledger) -> None:
        order = order_of(3)
        intent = paid(order, make_account(kind), gateway)
        gateway.arm(r"POST .*capture$", "before")
        (call,) = _shipped(order)
        ask(intent_id=intent.pk, now=NOW + timedelta(minutes=1))
        call.refresh_from_db()
        assert call.state == CallState.UNKNOWN  # it may still be on its way
        ask(intent_id=intent.pk, now=NOW + timedelta(minutes=4))
        call.refresh_from_db()
        assert (call.state, call.code) == (CallState.REFUSED, "never_arrived")
        again, _new = ask_for_capture(intent_id=intent.pk, amount=Decimal(30), key="again", actor=ACTOR, now=NOW)
        send(again, now=NOW)
        check_books(order, gateway)

    @BOTH
    @pytest.mark.parametrize("when", ["after", "error"])
    def test_refund(self, kind: str, when: str, gateway: Ledger) -> None:
        order = order_of(3)
        intent = paid(order, make_account(kind, capture=CapturePolicy.AT_ONCE), gateway)
        gateway.arm(r"POST .*refunds?$", when)
        done = pay_back(order_id=order.pk, amount=Decimal(20), reason="", key="r", actor=ACTOR, now=NOW)
        assert done.waiting == Decimal(20)
        same = pay_back(order_id=order.pk, amount=Decimal(20), reason="", key="r", actor=ACTOR, now=NOW)
        assert same.waiting == Decimal(20)
        with pytest.raises(Refusal):
            pay_back(order_id=order.pk, amount=Decimal(20), reason="", key="other", actor=ACTOR, now=NOW)
        ask(intent_id=intent.pk, now=NOW)
        check_books(order, gateway)
        assert order.refunded_total == Decimal(20)

    @BOTH
    def test_release(self, kind: str, gateway: Ledger) -> None:
        order = order_of(3)
        intent = paid(order, make_account(kind), gateway)
        gateway.arm(r"POST .*(cancel|void)$", "after")
        call, _new = ask_for_cancel(intent_id=intent.pk, key="c", actor=ACTOR, now=NOW)
        assert send(call, now=NOW).state == CallState.UNKNOWN
        ask(intent_id=intent.pk, now=NOW)
        intent.refresh_from_db()
        assert intent.state == IntentState.CANCELLED

    def test_page_of_stripe_is_found_again(self, gateway: Ledger) -> None:
        order = order_of(3)
        account = make_account()
        gateway.arm(r"POST /v1/checkout/sessions$", "after")
        with pytest.raises(Refusal) as refusal:
            start(order, account)
        assert refusal.value.code == "not_known"
        intent = order.payment_intents.get()
        assert ask(intent_id=intent.pk, now=NOW).state == IntentState.REQUIRES_ACTION
        assert start(order, account).pk == intent.pk
        assert len(gateway.payments) == 1

    def test_page_of_paypal_is_given_up_and_takes_nothing(self, gateway: Ledger) -> None:
        order = order_of(3)
        account = make_account("paypal")
        gateway.arm(r"POST /v2/checkout/orders$", "after")
        with pytest.raises(Refusal):
            start(order, account)
        intent = order.payment_intents.get()
        ask(intent_id=intent.pk, now=NOW + timedelta(minutes=5))
        intent.refresh_from_db()
        assert intent.state == IntentState.FAILED
        assert start(order, account).state == IntentState.REQUIRES_ACTION

    def test_confirmation(self, gateway: Ledger) -> None:
        order = order_of(3)
        intent = start(order, make_account("paypal"))
        gateway.customer_pays(intent.parent)
        gateway.arm(r"POST .*/authorize$", "after")
        assert ask(intent_id=intent.pk, now=NOW).state == IntentState.REQUIRES_ACTION
        assert ask(intent_id=intent.pk, now=NOW).state == IntentState.AUTHORIZED
        assert sum(path.endswith("/authorize") for _method, path, _key in gateway.log) == 1


def _shipped(order: Order) -> list:
    ship(order)
    return capture_shipped(order_id=order.pk, cause="test", actor=ACTOR, now=NOW)


def test_a_refused_capture_says_so_and_can_be_done_again(gateway: Ledger) -> None:
    order = order_of(3)
    intent = paid(order, make_account(), gateway)
    gateway.arm(r"POST .*capture$", "refuse")
    (call,) = _shipped(order)
    assert (call.state, call.code) == (CallState.REFUSED, "card_declined")
    order.refresh_from_db()
    assert order.captured_total == 0
    again, _new = ask_for_capture(intent_id=intent.pk, amount=Decimal(30), key="x", actor=ACTOR, now=NOW)
    assert send(again, now=NOW).state == CallState.SUCCEEDED
    check_books(order, gateway)


class TestDoneAtTheGateway:
    """Captures and refunds made on the gateway's own pages are found by asking."""

    @BOTH
    def test_found_once(self, kind: str, gateway: Ledger) -> None:
        order = order_of(3)
        intent = paid(order, make_account(kind), gateway)
        theirs = gateway.find(intent.parent)
        gateway.take(theirs, 3000, "", final=True)
        capture = theirs["captures"][0]["id"] if kind == "paypal" else ""
        gateway.give_back(theirs, 700, "", capture)
        for _time in range(2):
            ask(intent_id=intent.pk, now=NOW)
        check_books(order, gateway)
        assert order.refunded_total == Decimal(7)
        assert not intent.calls.get(kind="refund").ours

    def test_paid_twice_is_owed_back(self, gateway: Ledger) -> None:
        order = order_of(3)
        intent = start(order, make_account(capture=CapturePolicy.AT_ONCE))
        record_payment(order_id=order.pk, amount=Decimal(30), method="cash", key="cash", actor=ACTOR, now=NOW)
        gateway.customer_pays(intent.parent)
        ask(intent_id=intent.pk, now=NOW)
        order.refresh_from_db()
        assert (order.captured_total, order.owed_to_customer) == (Decimal(60), Decimal(30))


class TestTakingOver:
    def test_what_a_shops_checkout_authorised_is_captured_here(self, gateway: Ledger) -> None:
        order = order_of(3)
        theirs = gateway.new_payment(3000, "eur", True, {})
        name = gateway.customer_pays(theirs["parent"])
        account = make_account()
        intent = adopt_payment(order_id=order.pk, account_id=account.pk, reference=name, actor=ACTOR, now=NOW)
        assert intent.state == IntentState.AUTHORIZED
        with pytest.raises(Refusal):
            adopt_payment(order_id=order_of(3).pk, account_id=account.pk, reference=name, actor=ACTOR, now=NOW)
        _shipped(order)
        order.refresh_from_db()
        assert (order.captured_total, order.authorized_total) == (Decimal(30), Decimal(30))

    def test_what_the_books_say_already_is_not_recorded_twice(self, gateway: Ledger) -> None:
        order = order_of(3)
        theirs = gateway.new_payment(3000, "eur", True, {})
        name = gateway.customer_pays(theirs["parent"])
        record_payment(
            order_id=order.pk, amount=Decimal(30), method="Stripe", reference=name, key="shop", kind="authorization",
            actor=ACTOR, now=NOW,
        )  # fmt: skip
        adopt_payment(order_id=order.pk, account_id=make_account().pk, reference=name, actor=ACTOR, now=NOW)
        order.refresh_from_db()
        assert order.authorized_total == Decimal(30)

    def test_payments_of_others_are_refused(self, gateway: Ledger) -> None:
        account = make_account()
        mine = start(order_of(3), account)
        name = gateway.customer_pays(mine.parent)
        with pytest.raises(Invalid):
            adopt_payment(order_id=order_of(3).pk, account_id=account.pk, reference=name, actor=ACTOR, now=NOW)
        dollars = gateway.customer_pays(gateway.new_payment(3000, "usd", True, {})["parent"])
        with pytest.raises(Invalid):
            adopt_payment(order_id=order_of(3).pk, account_id=account.pk, reference=dollars, actor=ACTOR, now=NOW)
        with pytest.raises(Invalid):
            adopt_payment(order_id=order_of(3).pk, account_id=account.pk, reference="pi_none", actor=ACTOR, now=NOW)
