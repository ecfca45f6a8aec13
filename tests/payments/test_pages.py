"""The pages of payments: settings, list, one payment, the order's card and acts, the refund form, and the customer's pages."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.mail import send_due
from core.models import OutgoingMail, TimelineEntry
from orders.models import Order
from orders.operations import record_payment
from payments.models import CapturePolicy, GatewayAccount, PaymentIntent
from payments.states import IntentState
from returns.models import Return
from tests.factories.payments import check_books, make_account, paid, start
from tests.factories.returns import ask as ask_for_return
from tests.factories.returns import make_shop, send
from tests.factories.shop import ACTOR, NOW, make_order
from tests.payments.mock_gateways import Ledger

pytestmark = pytest.mark.django_db
As = Callable[..., Client]


def unpaid(**fields: Any) -> Order:
    return make_order(paid=False, **fields)


class TestSettings:
    FORM = {"name": "Card", "capture": "shipped", "test_mode": "on", "active": "on"}

    def test_an_account_is_added_and_its_credentials_are_never_shown(self, client_as: As, gateway: Ledger) -> None:
        client = client_as("owner")
        secrets = {"api_key": "sk_test_very_secret", "webhook_secret": "whsec_very_secret"}
        response = client.post(reverse("gateway-new", args=["stripe"]), self.FORM | secrets)
        account = GatewayAccount.objects.get()
        assert response.status_code == 302 and response.headers["Location"] == reverse("gateway", args=[account.pk])
        page = client.get(reverse("gateway", args=[account.pk])).content.decode()
        assert reverse("payment-webhook", args=[account.webhook_token]) in page
        assert "very_secret" not in page and "very_secret" not in account.credentials
        assert not any("very_secret" in str(entry.data) for entry in TimelineEntry.objects.all())
        sealed = account.credentials
        client.post(reverse("gateway", args=[account.pk]), self.FORM | {"name": "Cards", "active": ""})
        account.refresh_from_db()
        assert (account.name, account.active) == ("Cards", False)
        client.post(reverse("gateway-test", args=[account.pk]))
        account.refresh_from_db()
        assert account.test_answer == "" and account.tested_at is not None  # the key is still there
        assert sealed != ""

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"api_key": ""}, "api_key"),
            ({"api_key": "pk_test_x"}, "api_key"),
            ({"api_key": "sk_live_x"}, "api_key"),
            ({"api_key": "sk_test_x", "test_mode": ""}, "api_key"),
            ({"api_key": "sk_test_x", "name": ""}, "name"),
            ({"api_key": "sk_test_x", "capture": "never"}, "capture"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, client_as: As, fields: dict[str, str], wrong: str) -> None:
        response = client_as("owner").post(reverse("gateway-new", args=["stripe"]), self.FORM | fields)
        assert response.status_code == 422 and list(response.context["form"].errors) == [wrong]
        assert not GatewayAccount.objects.exists()

    def test_wrong_credentials_are_told_by_the_test(self, client_as: As, settings: Any) -> None:
        settings.PAYMENT_GATEWAY_URLS = {"stripe": "http://127.0.0.1:1", "paypal": "http://127.0.0.1:1"}
        settings.WEBHOOK_ALLOW_LOOPBACK = True
        for kind in ("stripe", "paypal"):
            account = make_account(kind)
            client_as("owner").post(reverse("gateway-test", args=[account.pk]))
            account.refresh_from_db()
            assert account.test_answer

    def test_without_an_account_the_pages_say_so(self, client_as: As) -> None:
        assert "No gateway is set up" in client_as("owner").get(reverse("gateways")).content.decode()
        assert "No payments through a gateway yet" in client_as("viewer").get(reverse("payments")).content.decode()
        make_shop()
        order = unpaid()
        assert "not set up" in Client().get(reverse("pay", args=[order.token])).content.decode()
        page = client_as("owner").get(reverse("order-payment-link", args=[order.pk])).content.decode()
        assert "No gateway is set up" in page and reverse("pay", args=[order.token]) in page


class TestDesk:
    def test_the_list_and_the_payment_cost_the_same_however_many(self, client_as: As, gateway: Ledger) -> None:
        client, account = client_as("finance"), make_account()

        def statements(url: str) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(url).status_code == 200
            return len(queries)

        first = paid(unpaid(), account, gateway)
        url = reverse("payment", args=[first.pk])
        statements(reverse("payments"))
        before = statements(reverse("payments")), statements(url), statements(reverse("order", args=[first.order_id]))
        for _n in range(3):
            paid(unpaid(), account, gateway)
        record_more_calls(first)
        after = statements(reverse("payments")), statements(url), statements(reverse("order", args=[first.order_id]))
        assert before == after

    def test_an_order_without_payments_costs_nothing_more(self, client_as: As) -> None:
        order = unpaid()
        with CaptureQueriesContext(connection) as queries:
            assert client_as("finance").get(reverse("order", args=[order.pk])).status_code == 200
        about = [q["sql"] for q in queries if "payments_paymentintent" in q["sql"]]
        assert len(about) == 1 and "EXISTS" in about[0]  # the one statement that all panels share

    def test_tabs_search_and_filter(self, client_as: As, gateway: Ledger) -> None:
        account = make_account()
        held, waiting = paid(unpaid(), account, gateway), start(unpaid(), account)
        client = client_as("finance")
        for query, there, not_there in (
            ("?tab=held", held, waiting), ("?tab=waiting", waiting, held), (f"?q={held.reference}", held, waiting),
            (f"?q={waiting.order.number.replace('#', '%23')}", waiting, held), ("?state=authorized", held, waiting),
        ):  # fmt: skip
            page = client.get(reverse("payments") + query).content.decode()
            assert reverse("payment", args=[there.pk]) in page and reverse("payment", args=[not_there.pk]) not in page
        gateway.arm("capture$", "after")
        client.post(reverse("payment-capture", args=[held.pk]), {"key": "k", "amount": "4"})
        assert reverse("payment", args=[held.pk]) in client.get(reverse("payments") + "?tab=unsettled").content.decode()

    def test_capture_by_hand_once(self, client_as: As, gateway: Ledger) -> None:
        order = unpaid()
        intent = paid(order, make_account(), gateway)
        client, url = client_as("finance"), reverse("payment-capture", args=[intent.pk])
        for _n in range(2):
            assert client.post(url, {"key": "same", "amount": "4"}).status_code == 302
        check_books(order, gateway)
        assert order.captured_total == Decimal(4)
        response = client.post(url, {"key": "more", "amount": "7"})
        assert response.status_code == 422 and "amount" in response.context["form"].errors
        client.post(reverse("payment-release", args=[intent.pk]))
        intent.refresh_from_db()
        assert (intent.state, intent.released) == (IntentState.CAPTURED, Decimal(6))

    def test_a_lost_capture_is_told_and_settled_by_the_button(self, client_as: As, gateway: Ledger) -> None:
        order = unpaid()
        intent = paid(order, make_account(), gateway)
        client, page = client_as("owner"), reverse("payment", args=[intent.pk])
        gateway.arm("capture$", "after")
        client.post(reverse("payment-capture", args=[intent.pk]), {"key": "k", "amount": "10"})
        assert "its answer is not known" in client.get(page).content.decode()
        client.post(reverse("payment-ask", args=[intent.pk]))
        assert "its answer is not known" not in client.get(page).content.decode()
        check_books(order, gateway)

    def test_offers_follow_the_order(self, client_as: As, gateway: Ledger) -> None:
        order = unpaid()
        client = client_as("owner")
        page = client.get(reverse("order", args=[order.pk])).content.decode()
        assert reverse("order-payment-link", args=[order.pk]) in page
        intent = paid(order, make_account(), gateway)
        assert client.get(reverse("order-capture", args=[order.pk])).headers["Location"] == reverse(
            "payment-capture", args=[intent.pk]
        )
        assert reverse("payment", args=[intent.pk]) in client.get(reverse("order", args=[order.pk])).content.decode()

    def test_the_link_is_mailed_in_the_customers_language(self, client_as: As, gateway: Ledger) -> None:
        order = unpaid(language="pl")
        url = reverse("order-payment-link", args=[order.pk])
        for _n in range(2):
            assert client_as("finance").post(url, {"email": "pani@example.com", "note": "Dziękuję"}).status_code == 302
        assert OutgoingMail.objects.count() == 1
        send_due(now=OutgoingMail.objects.get().due_at)
        (message,) = mail.outbox
        assert (
            message.to == ["pani@example.com"] and f"/pay/{order.token}/" in message.body and "Dziękuję" in message.body
        )

    def test_refund_by_choice_through_the_gateway_or_by_hand(self, client_as: As, gateway: Ledger) -> None:
        order = unpaid()
        intent = paid(order, make_account(capture=CapturePolicy.AT_ONCE), gateway)
        client, url = client_as("finance"), reverse("order-refund", args=[order.pk])
        assert intent.account.name in client.get(url).content.decode()
        post = {"reason": "sorry", "amount": "3"}
        assert client.post(url, post | {"key": "a", "via": str(intent.pk)}).status_code == 302
        assert client.post(url, post | {"key": "b", "via": "hand"}).status_code == 302
        assert client.post(url, post | {"key": "b", "via": "hand"}).status_code == 302
        intent.refresh_from_db()
        order.refresh_from_db()
        assert (intent.refunded, order.refunded_total) == (Decimal(3), Decimal(6))
        assert client.post(url, {"reason": "x", "amount": "5", "key": "c", "via": "auto"}).status_code == 422
        gateway.arm("refunds$", "refuse")
        refused = client.post(url, post | {"key": "d", "via": "auto"})
        assert refused.status_code == 422 and "Declined" in refused.content.decode()
        assert client.post(url, post | {"key": "d", "via": "auto"}).status_code == 302  # pressed again: tried anew
        intent.refresh_from_db()
        assert intent.refunded == Decimal(6)

    def test_an_order_without_a_gateway_is_refunded_as_ever(self, client_as: As) -> None:
        order = make_order()
        page = client_as("finance").get(reverse("order-refund", args=[order.pk]))
        assert page.status_code == 200
        client_as("finance").post(reverse("order-refund", args=[order.pk]), {"key": "k", "reason": "x", "amount": "2"})
        order.refresh_from_db()
        assert order.refunded_total == Decimal(2)


def record_more_calls(intent: PaymentIntent) -> None:
    """A few more rows for the page of a payment."""
    from payments.models import GatewayCall, WebhookDelivery

    for n in range(3):
        GatewayCall.objects.create(
            intent=intent, kind="capture", key=f"more-{n}", amount=1, state="refused", actor="system:test", actor_label="test", created_at=NOW
        )  # fmt: skip
        WebhookDelivery.objects.create(
            account=intent.account, event_id=f"evt-{n}", kind="x", intent=intent, said_at=NOW, received_at=NOW
        )


class TestReturns:
    def inspected(self, gateway: Ledger) -> tuple[Order, Return]:
        from returns.operations import Received, Verdict, inspect_return, receive_return

        make_shop()
        order = unpaid()
        paid(order, make_account(capture=CapturePolicy.AT_ONCE), gateway)
        send(order)
        made = ask_for_return(order)
        line = made.lines.get()
        receive_return(return_id=made.pk, lines=[Received(line.pk, 1)], actor=ACTOR, now=NOW)
        inspect_return(return_id=made.pk, verdicts=[Verdict(line.pk, "restock", 1)], actor=ACTOR, now=NOW)
        return order, Return.objects.get(pk=made.pk)

    def resolve(self, client_as: As, made: Return) -> Any:
        made.refresh_from_db()
        line = made.lines.get()
        data = {"amount": "10", "version": made.version, "reason": "", f"units-{line.pk}": "1"}
        return client_as("finance").post(reverse("return-resolve", args=[made.pk]), data)

    def test_the_money_goes_back_the_way_it_came(self, client_as: As, gateway: Ledger) -> None:
        order, made = self.inspected(gateway)
        assert self.resolve(client_as, made).status_code == 302
        made.refresh_from_db()
        check_books(order, gateway)
        assert (made.state, order.refunded_total) == ("resolved", Decimal(10))
        assert order.lines.get().refunded == 1

    def test_a_lost_answer_keeps_it_open_until_it_is_known(self, client_as: As, gateway: Ledger) -> None:
        from core.actors import Actor
        from oms.money_handlers import close_refunded_return
        from orders.events import RefundRecorded
        from payments.operations.asking import ask

        order, made = self.inspected(gateway)
        gateway.arm("refunds$", "after")
        assert self.resolve(client_as, made).status_code == 302
        made.refresh_from_db()
        assert made.state == "inspected"
        self.resolve(client_as, made)  # pressed again: nothing is sent twice
        ask(intent_id=order.payment_intents.get().pk, now=NOW)
        refund = order.refunds.get()
        close_refunded_return(RefundRecorded(order.pk, refund.pk), actor=Actor.system("test"), now=NOW)
        close_refunded_return(RefundRecorded(order.pk, refund.pk), actor=Actor.system("test"), now=NOW)
        made.refresh_from_db()
        check_books(order, gateway)
        assert (made.state, made.refund_id, order.refunded_total) == ("resolved", refund.pk, Decimal(10))

    def test_refused_leaves_the_return_open(self, client_as: As, gateway: Ledger) -> None:
        order, made = self.inspected(gateway)
        gateway.arm("refunds$", "refuse")
        assert self.resolve(client_as, made).status_code == 422
        made.refresh_from_db()
        order.refresh_from_db()
        assert (made.state, order.refunded_total) == ("inspected", 0)


class TestCustomer:
    def test_from_the_link_to_the_gateway_and_back(self, gateway: Ledger) -> None:
        make_shop()
        order, account = unpaid(), make_account(name="Card")
        client, url = Client(), reverse("pay", args=[order.token])
        page = client.get(url)
        assert "Card" in page.content.decode() and page.headers["Cache-Control"] == "private, no-store"
        response = client.post(url, {"account": account.pk})
        intent = order.payment_intents.get()
        assert response.headers["Location"] == reverse("pay-go", args=[order.token, intent.pk])
        on = client.get(response.headers["Location"])
        assert intent.pay_url in on.content.decode() and on.headers["Refresh"] == f"0; url={intent.pay_url}"
        assert "form-action 'self'" in on.headers["Content-Security-Policy"]
        back = reverse("pay-return", args=[order.token, intent.pk])
        assert "No payment has arrived yet" in client.get(back).content.decode()
        gateway.customer_pays(intent.parent)
        assert "your payment has arrived" in client.get(back).content.decode()
        assert "Your payment is reserved" in client.get(url).content.decode()
        check_books(order, gateway)

    def test_the_return_address_proves_nothing(self, gateway: Ledger) -> None:
        make_shop()
        order = unpaid()
        intent = start(order, make_account())
        page = Client().get(reverse("pay-return", args=[order.token, intent.pk]) + "?redirect_status=succeeded&token=x")
        assert "your payment has arrived" not in page.content.decode()
        gateway.arm("GET", "before")
        assert (
            "We do not know yet" in Client().get(reverse("pay-return", args=[order.token, intent.pk])).content.decode()
        )
        order.refresh_from_db()
        assert order.captured_total == order.authorized_total == 0

    def test_only_ones_own_payments(self, gateway: Ledger) -> None:
        make_shop()
        mine, theirs, account = unpaid(), unpaid(), make_account()
        foreign = start(theirs, account)
        for name in ("pay-go", "pay-return"):
            assert Client().get(reverse(name, args=[mine.token, foreign.pk])).status_code == 404
        assert Client().get(reverse("pay", args=["x" * 32])).status_code == 404

    @pytest.mark.parametrize("account", ["", "0", "-1", "999999", "9" * 40, "x", "\x00", "²"])
    def test_odd_accounts_are_refused(self, gateway: Ledger, account: str) -> None:
        make_shop()
        order = unpaid()
        make_account()
        assert Client().post(reverse("pay", args=[order.token]), {"account": account}).status_code in (404, 409)
        assert not order.payment_intents.exists()

    def test_switched_off_accounts_are_not_offered(self, gateway: Ledger) -> None:
        make_shop()
        order, account = unpaid(), make_account(active=False, name="Old card")
        assert "Old card" not in Client().get(reverse("pay", args=[order.token])).content.decode()
        assert Client().post(reverse("pay", args=[order.token]), {"account": account.pk}).status_code in (404, 409)

    def test_a_gateway_that_is_away_is_told_and_nothing_is_lost(self, gateway: Ledger) -> None:
        make_shop()
        order, account = unpaid(), make_account()
        gateway.arm("sessions", "before")
        response = Client().post(reverse("pay", args=[order.token]), {"account": account.pk})
        assert response.status_code == 409 and "does not answer" in response.content.decode()

    def test_paid_and_cancelled_orders_ask_for_nothing(self) -> None:
        from oms.orchestration.cancel_order import cancel_order

        make_shop()
        done, gone = make_order(), unpaid()
        assert "All is paid" in Client().get(reverse("pay", args=[done.token])).content.decode()
        cancel_order(order_id=gone.pk, units=None, reason="", actor=ACTOR, now=NOW)
        assert "cancelled" in Client().get(reverse("pay", args=[gone.token])).content.decode()

    def test_what_was_paid_by_hand_is_not_asked_for_again(self, gateway: Ledger) -> None:
        make_shop()
        order, account = unpaid(), make_account()
        record_payment(order_id=order.pk, amount=Decimal(4), method="cash", key="c", actor=ACTOR, now=NOW)
        Client().post(reverse("pay", args=[order.token]), {"account": account.pk})
        assert order.payment_intents.get().amount == Decimal(6)
