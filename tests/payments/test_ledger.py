"""Whatever is done in whatever order, with whatever faults: no bound is passed, and in the end ours equals the gateway's ledger."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.refusals import Refusal
from oms.orchestration.cancel_order import cancel_order
from orders.models import Order
from orders.operations import record_payment
from orders.status import compute_statuses
from payments.models import CapturePolicy, PaymentIntent
from payments.operations.asking import ask, sweep
from payments.operations.calling import ask_for_cancel, ask_for_capture, new_key, send
from payments.operations.paying_back import pay_back
from payments.operations.shipping import let_go
from tests.factories.payments import check_books, make_account, open_calls, paid, start
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_order, make_variant
from tests.payments.mock_gateways import Ledger

STEPS = (
    "capture",
    "refund",
    "void",
    "page",
    "pay",
    "ask",
    "cancel_line",
    "cash",
    "dashboard_refund",
    "dashboard_capture",
    "let_go",
)
FAULTS = ("", "", "", "before", "after", "error", "refuse")


def order_of(units: int) -> Order:
    variant = make_variant()
    give_stock(variant, make_location(), units)
    return make_order(lines=[(variant.sku, units)], paid=False)


class Play:
    """One order, one gateway, and somebody who tries everything."""

    def __init__(self, kind: str, capture: str, gateway: Ledger) -> None:
        self.gateway, self.now = gateway, NOW
        self.account = make_account(kind, capture=capture)
        self.order = order_of(6)

    def intents(self) -> list[PaymentIntent]:
        return list(self.order.payment_intents.order_by("pk"))

    def step(self, name: str, amount: Decimal, fault: str) -> None:
        """One act; a refusal is an answer. The clock goes on, so that lost calls are given up in time."""
        self.now += timedelta(minutes=1)
        if fault:
            self.gateway.arm(r"^POST .*(capture|refunds?|void|cancel|authorize|sessions|orders)$", fault)
        try:
            with transaction.atomic():
                getattr(self, name)(amount)
        except Refusal as refusal:
            note(f"{name}: {refusal.code}")
        self.gateway.faults.clear()
        self.check_bounds()

    def capture(self, amount: Decimal) -> None:
        for intent in self.intents():
            call, _new = ask_for_capture(intent_id=intent.pk, amount=amount, key=new_key(), actor=ACTOR, now=self.now)
            send(call, now=self.now)

    def refund(self, amount: Decimal) -> None:
        pay_back(order_id=self.order.pk, amount=amount, reason="", key=new_key(), actor=ACTOR, now=self.now)

    def void(self, _amount: Decimal) -> None:
        for intent in self.intents():
            call, _new = ask_for_cancel(intent_id=intent.pk, key=new_key(), actor=ACTOR, now=self.now)
            send(call, now=self.now)

    def page(self, _amount: Decimal) -> None:
        start(self.order, self.account, now=self.now)

    def pay(self, _amount: Decimal) -> None:
        for payment in self.gateway.payments.values():
            if payment["status"] == "open":
                self.gateway.customer_pays(payment["parent"])

    def ask(self, _amount: Decimal) -> None:
        for intent in self.intents():
            ask(intent_id=intent.pk, now=self.now)

    def cancel_line(self, _amount: Decimal) -> None:
        line = self.order.lines.get()
        cancel_order(order_id=self.order.pk, units={line.pk: 1}, reason="", actor=ACTOR, now=self.now)

    def cash(self, amount: Decimal) -> None:
        record_payment(order_id=self.order.pk, amount=amount, method="cash", key=new_key(), actor=ACTOR, now=self.now)

    def let_go(self, _amount: Decimal) -> None:
        let_go(order_id=self.order.pk, cause=new_key(), actor=ACTOR, now=self.now)

    def dashboard_capture(self, amount: Decimal) -> None:
        for payment in self.gateway.payments.values():
            room = payment["amount"] - payment["captured"]
            if payment["status"] == "authorized" and room:
                self.gateway.take(payment, min(int(amount * 100), room), "", final=False)

    def dashboard_refund(self, amount: Decimal) -> None:
        for payment in self.gateway.payments.values():
            for capture in payment["captures"]:
                of_capture = capture["id"] if self.account.kind == "paypal" else ""
                gone = sum(r["amount"] for r in payment["refunds"] if not of_capture or r["capture"] == of_capture)
                room = (capture["amount"] if of_capture else payment["captured"]) - gone
                if room > 0:
                    self.gateway.give_back(payment, min(int(amount * 100), room), "", of_capture)
                    return

    def check_bounds(self) -> None:
        self.order.refresh_from_db()
        order = self.order
        assert 0 <= order.refunded_total <= order.captured_total
        assert order.authorized_total >= 0
        for intent in self.intents():
            assert 0 <= intent.refunded <= intent.captured <= intent.authorized
            assert intent.held >= 0
        for payment in self.gateway.payments.values():
            assert self.gateway.refunded(payment) <= payment["captured"] <= payment["amount"]
        statuses = compute_statuses(order, list(order.lines.all()), holds=0)
        assert (statuses.payment, statuses.lifecycle) == (order.payment, order.lifecycle)

    def settle(self) -> None:
        """Time passes, the sweeper asks, and nothing is unknown any more."""
        for _round in range(3):
            self.now += timedelta(hours=13)
            PaymentIntent.objects.update(look_at=self.now)
            sweep(now=self.now)
        assert open_calls(self.order) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["stripe", "paypal"])
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_any_sequence_keeps_the_bounds_and_ends_equal(kind: str, gateway: Ledger, data: st.DataObject) -> None:
    gateway.payments.clear()
    capture = data.draw(st.sampled_from([CapturePolicy.SHIPPED, CapturePolicy.AT_ONCE]), label="policy")
    gateway.multicapture = data.draw(st.booleans(), label="many captures")
    play = Play(kind, capture, gateway)
    if data.draw(st.booleans(), label="paid at first"):
        paid(play.order, play.account, gateway)
    cents = st.integers(min_value=1, max_value=6500).map(lambda units: Decimal(units) / 100)
    for name, amount, fault in data.draw(
        st.lists(st.tuples(st.sampled_from(STEPS), cents, st.sampled_from(FAULTS)), max_size=14)
    ):
        play.step(name, amount, fault)
    play.settle()
    by_gateway = sum((intent.captured for intent in play.intents()), Decimal(0))
    back = sum((intent.refunded for intent in play.intents()), Decimal(0))
    by_hand = sum((one.amount for one in play.order.payments.filter(method="cash")), Decimal(0))
    play.order.refresh_from_db()
    hand_back = sum((one.amount for one in play.order.refunds.all()), Decimal(0)) - back
    assert play.order.captured_total == by_gateway + by_hand
    assert play.order.refunded_total == back + hand_back and 0 <= hand_back <= by_hand
    for intent in play.intents():
        if intent.parent:
            theirs = gateway.find(intent.parent)
            assert intent.captured == Decimal(theirs["captured"]) / 100
            assert intent.refunded == Decimal(gateway.refunded(theirs)) / 100


class TestRaces:
    """Threads with their own connections: one wins, the other gets a clear answer, and the books agree."""

    @pytest.mark.parametrize("kind", ["stripe", "paypal"])
    def test_two_refunds_of_the_same_money(self, committed: None, threads, kind: str, gateway: Ledger) -> None:  # type: ignore[no-untyped-def]
        order = order_of(3)
        paid(order, make_account(kind, capture=CapturePolicy.AT_ONCE), gateway)
        gateway.delay = 0.05

        def refund(i: int) -> Decimal:
            return pay_back(order_id=order.pk, amount=Decimal(20), reason="", key=f"k{i}", actor=ACTOR, now=NOW).done

        results = threads(4, refund)
        assert sorted(str(getattr(one, "code", one)) for one in results) == ["20.0000", *["over_refund"] * 3] or (
            [one for one in results if isinstance(one, Decimal)] == [Decimal(20)]
        )
        check_books(order, gateway)
        assert order.refunded_total == Decimal(20)

    def test_the_same_form_sent_many_times(self, committed: None, threads, gateway: Ledger) -> None:  # type: ignore[no-untyped-def]
        order = order_of(3)
        paid(order, make_account(capture=CapturePolicy.AT_ONCE), gateway)
        gateway.delay = 0.05
        threads(
            4, lambda _i: pay_back(order_id=order.pk, amount=Decimal(9), reason="", key="one", actor=ACTOR, now=NOW)
        )
        check_books(order, gateway)
        assert order.refunded_total == Decimal(9)

    def test_capture_against_cancel(self, committed: None, threads, gateway: Ledger) -> None:  # type: ignore[no-untyped-def]
        order = order_of(3)
        intent = paid(order, make_account(), gateway)
        gateway.delay = 0.05

        def act(i: int) -> str:
            plan = ask_for_capture if i % 2 else ask_for_cancel
            more = {"amount": Decimal(30)} if i % 2 else {}
            call, new = plan(intent_id=intent.pk, key=f"k{i}", actor=ACTOR, now=NOW, **more)
            return send(call, now=NOW).state if new else call.state

        results = threads(4, act)
        assert [one for one in results if one == "succeeded"] == ["succeeded"]
        assert all(one == "succeeded" or isinstance(one, Refusal) for one in results)
        check_books(order, gateway)

    def test_webhook_against_the_customers_return(self, committed: None, threads, gateway: Ledger) -> None:  # type: ignore[no-untyped-def]
        order = order_of(3)
        intent = start(order, make_account("paypal"))
        gateway.customer_pays(intent.parent)
        gateway.delay = 0.05
        threads(4, lambda _i: ask(intent_id=intent.pk, now=NOW))
        ask(intent_id=intent.pk, now=NOW)
        check_books(order, gateway)
        assert order.authorized_total == Decimal(30)
        assert sum(path.endswith("/authorize") for _method, path, _key in gateway.log) == 1

    def test_two_tabs_get_one_page(self, committed: None, threads, gateway: Ledger) -> None:  # type: ignore[no-untyped-def]
        order, account = order_of(3), make_account()
        gateway.delay = 0.05
        threads(4, lambda _i: start(order, account))
        assert order.payment_intents.exclude(state__in=["failed", "cancelled"]).count() == 1

    def test_an_answer_that_comes_after_the_sweeper(self, committed: None, gateway: Ledger) -> None:
        """The call is done, the sweeper sees it first, then the answer arrives: counted once."""
        order = order_of(3)
        intent = paid(order, make_account(), gateway)
        call, _new = ask_for_capture(intent_id=intent.pk, amount=Decimal(30), key="k", actor=ACTOR, now=NOW)
        gateway.delay = 0.4
        sender = threading.Thread(target=_send, args=(call, NOW))
        sender.start()
        gateway.take(gateway.find(intent.parent), 3000, "", final=True)
        ask(intent_id=intent.pk, now=NOW)
        sender.join(20)
        check_books(order, gateway)
        assert order.captured_total == Decimal(30)


def _send(call: object, now: datetime) -> None:
    from django.db import connections

    try:
        send(call, now=now)  # type: ignore[arg-type]
    finally:
        connections.close_all()
