"""Store credit: a ledger that always adds up, never below zero, spent and refunded once, in one transaction with the order's books."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from customers.models import Customer
from orders.models import Order
from payments.credit import usable_credit
from payments.models import CreditAccount, CreditEntry, CreditGrant
from payments.operations.credit import expire_credit, grant_credit, refund_to_credit, spend_credit, withdraw_credit
from tests.factories.shop import NOW, make_channel, make_order

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
WHO: dict[str, Any] = {"actor": ACTOR, "now": NOW}
TODAY = NOW.date()


def customer(email: str = "ada@example.com") -> Customer:
    return Customer.objects.get_or_create(email=email, defaults={"name": "Ada Nowak"})[0]


def grant(amount: str, *, key: str = "g", currency: str = "EUR", expires_on: date | None = None) -> CreditEntry:
    return grant_credit(
        customer_id=customer().pk, currency=currency, amount=Decimal(amount), reason="sorry", expires_on=expires_on, key=key, **WHO
    )  # fmt: skip


def order_of(customer_email: str = "ada@example.com", *, paid: bool = False, currency: str = "EUR") -> Order:
    return make_order(make_channel(currency=currency), paid=paid, email=customer_email)


def adds_up() -> None:
    """The balance is the sum of the ledger and of what is left of the grants, and nothing is below zero."""
    for account in CreditAccount.objects.all():
        assert account.balance >= 0
        assert account.balance == (account.entries.aggregate(s=Sum("amount"))["s"] or 0)
        assert account.balance == (account.grants.aggregate(s=Sum("left"))["s"] or 0)


def test_credit_pays_an_order_and_both_books_say_so() -> None:
    grant("15")
    order = order_of()
    spend_credit(order_id=order.pk, amount=Decimal(10), key="k", **WHO)
    order.refresh_from_db()
    assert (order.captured_total, order.payment) == (Decimal(10), "paid")
    assert order.payments.get().method == "Store credit"
    assert usable_credit(order.customer_id, "EUR", today=TODAY) == 5
    adds_up()


def test_the_same_act_again_is_answered_and_not_repeated() -> None:
    assert grant("15").pk == grant("15").pk
    order = order_of()
    first = spend_credit(order_id=order.pk, amount=Decimal(4), key="k", **WHO)
    assert spend_credit(order_id=order.pk, amount=Decimal(4), key="k", **WHO).pk == first.pk
    back = refund_to_credit(order_id=order.pk, amount=Decimal(4), reason="", key="r", **WHO)
    assert refund_to_credit(order_id=order.pk, amount=Decimal(4), reason="", key="r", **WHO).pk == back.pk
    assert [str(e.amount) for e in CreditEntry.objects.order_by("pk")] == ["15.0000", "-4.0000", "4.0000"]
    adds_up()


@pytest.mark.parametrize(
    ("amount", "code"), [("16", "not_enough_credit"), ("11", "over_capture"), ("0", "bad_amount"), ("0.001", "bad_amount"), ("NaN", "bad_amount")]
)  # fmt: skip
def test_no_more_is_spent_than_there_is_and_than_is_owed(amount: str, code: str) -> None:
    grant("15" if code != "not_enough_credit" else "5")
    order = order_of()
    wanted = Decimal(amount) if code != "not_enough_credit" else Decimal(6)
    with pytest.raises(Refusal) as refused:
        spend_credit(order_id=order.pk, amount=wanted, key="k", **WHO)
    assert refused.value.code == code
    assert not order.payments.exists()
    assert CreditEntry.objects.count() == 1


def test_credit_of_another_currency_or_customer_pays_nothing() -> None:
    grant("50")
    for order in (order_of(currency="USD"), order_of("bob@example.com")):
        with pytest.raises(Refusal) as refused:
            spend_credit(order_id=order.pk, amount=Decimal(1), key="k", **WHO)
        assert refused.value.code == "not_enough_credit"
    nobody = order_of("")
    with pytest.raises(Refusal) as refused:
        spend_credit(order_id=nobody.pk, amount=Decimal(1), key="k", **WHO)
    assert refused.value.code == "no_customer"


def test_a_refund_to_credit_is_a_refund_and_never_more_than_was_paid() -> None:
    order = order_of(paid=True)
    refund_to_credit(order_id=order.pk, amount=Decimal(7), reason="late", key="r", **WHO)
    order.refresh_from_db()
    assert (order.refunded_total, order.payment) == (Decimal(7), "partially_refunded")
    with pytest.raises(Refusal) as refused:
        refund_to_credit(order_id=order.pk, amount=Decimal(4), reason="", key="s", **WHO)
    assert refused.value.code == "over_refund"
    assert CreditAccount.objects.get().balance == 7
    adds_up()


def test_what_expires_first_is_spent_first_and_the_rest_expires() -> None:
    grant("10", key="forever")
    grant("10", key="soon", expires_on=TODAY)
    grant("10", key="later", expires_on=TODAY + timedelta(days=3))
    order = order_of()
    spend_credit(order_id=order.pk, amount=Decimal(6), key="k", **WHO)
    assert list(CreditGrant.objects.order_by("pk").values_list("left", flat=True)) == [10, 4, 10]
    assert expire_credit(now=NOW) == 0
    tomorrow = NOW + timedelta(days=1)
    assert usable_credit(order.customer_id, "EUR", today=tomorrow.date()) == 20  # also before it was taken away
    with pytest.raises(Refusal):
        withdraw_credit(
            account_id=CreditAccount.objects.get().pk, amount=Decimal(21), reason="", key="w", actor=ACTOR, now=tomorrow
        )
    assert expire_credit(now=tomorrow) == 1
    assert expire_credit(now=tomorrow) == 0
    assert CreditAccount.objects.get().balance == 20
    adds_up()


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"currency": "euro"}, Invalid, "currency"), ({"amount": Decimal("-1")}, Invalid, "amount"), ({"amount": Decimal("1.005")}, Invalid, "amount"),
        ({"currency": "JPY", "amount": Decimal("1.5")}, Invalid, "amount"), ({"expires_on": TODAY - timedelta(days=1)}, Invalid, "expires_on"),
        ({"customer_id": 0}, NotFound, None),
    ],
)  # fmt: skip
def test_a_wrong_grant_is_refused(values: dict[str, Any], error: type[Refusal], field: str | None) -> None:
    given_ = {"customer_id": customer().pk, "currency": "EUR", "amount": Decimal(1), "reason": "", "key": "k"} | values
    with pytest.raises(error) as refused:
        grant_credit(**given_, **WHO)
    assert refused.value.field == field
    assert not CreditEntry.objects.exists()


_acts = st.lists(
    st.tuples(st.sampled_from(["grant", "short", "spend", "refund", "withdraw", "expire"]), st.integers(1, 40)), max_size=14
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(acts=_acts)
def test_any_sequence_of_acts_adds_up(acts: list[tuple[str, int]]) -> None:
    email = f"c{CreditAccount.objects.count()}-{Order.objects.count()}@example.com"
    order = order_of(email)
    now = NOW
    for n, (act, units) in enumerate(acts):
        amount = Decimal(units) / 4
        who = {"actor": ACTOR, "now": now}
        try:
            if act in ("grant", "short"):
                until = now.date() if act == "short" else None
                grant_credit(
                    customer_id=order.customer_id,
                    currency="EUR",
                    amount=amount,
                    reason="",
                    expires_on=until,
                    key=f"{n}",
                    **who,
                )  # type: ignore[arg-type]
            elif act == "spend":
                spend_credit(order_id=order.pk, amount=amount, key=f"{n}", **who)  # type: ignore[arg-type]
            elif act == "refund":
                refund_to_credit(order_id=order.pk, amount=amount, reason="", key=f"{n}", **who)  # type: ignore[arg-type]
            elif act == "withdraw" and (account := CreditAccount.objects.filter(customer=order.customer_id).first()):
                withdraw_credit(account_id=account.pk, amount=amount, reason="", key=f"{n}", **who)  # type: ignore[arg-type]
            elif act == "expire":
                now += timedelta(days=1)
                expire_credit(now=now)
        except Refusal:
            pass
        adds_up()
    order.refresh_from_db()
    spent = CreditEntry.objects.filter(order=order, kind="spend").aggregate(s=Sum("amount"))["s"] or 0
    refunded = CreditEntry.objects.filter(order=order, kind="refund").aggregate(s=Sum("amount"))["s"] or 0
    assert (order.captured_total, order.refunded_total) == (-spent, refunded)


def test_the_ledger_is_append_only_and_the_balance_never_below_zero() -> None:
    entry = grant("5")
    for change in (
        lambda: CreditEntry.objects.filter(pk=entry.pk).update(amount=6),
        lambda: CreditEntry.objects.filter(pk=entry.pk).delete(),
        lambda: CreditAccount.objects.update(balance=-1),
        lambda: CreditGrant.objects.update(left=6),
        lambda: CreditEntry.objects.create(account=entry.account, kind="spend", amount=1, key="x", actor="", at=NOW),
        lambda: CreditEntry.objects.create(account=entry.account, kind="grant", amount=1, key="g", actor="", at=NOW),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.usefixtures("committed")
def test_of_many_who_spend_the_same_credit_at_once_only_what_there_is_is_spent(threads: Any) -> None:
    grant("25")
    orders = [order_of() for _n in range(6)]
    outcomes = threads(6, lambda i: spend_credit(order_id=orders[i].pk, amount=Decimal(10), key="k", **WHO))
    assert sorted(getattr(one, "code", "paid") for one in outcomes) == ["not_enough_credit"] * 4 + ["paid"] * 2
    assert CreditAccount.objects.get().balance == 5
    adds_up()


@pytest.mark.usefixtures("committed")
def test_the_same_payment_sent_at_once_is_one(threads: Any) -> None:
    grant("25")
    order = order_of()
    outcomes = threads(4, lambda _i: spend_credit(order_id=order.pk, amount=Decimal(5), key="same", **WHO))
    assert len({one.pk for one in outcomes}) == 1
    assert CreditAccount.objects.get().balance == 20


@pytest.mark.usefixtures("committed")
def test_first_grants_of_a_customer_at_once_make_one_account(threads: Any) -> None:
    customer()
    threads(5, lambda i: grant("1", key=f"g{i}"))
    assert CreditAccount.objects.get().balance == 5


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_credit_is_granted_shown_spent_and_taken_back_on_screen(client_as: Any) -> None:
    client: Client = client_as("finance")
    order = order_of()
    form = {"key": "k1", "email": "ADA@example.com", "amount": "15", "currency": "eur", "reason": "A late parcel"}
    for _twice in range(2):
        assert client.post("/store-credit/grant/", form).status_code == 302
    account = CreditAccount.objects.get()
    assert account.balance == 15
    assert client.post("/store-credit/grant/", form | {"key": "k2", "email": "nobody@example.com"}).status_code == 422
    page = client.get("/store-credit/").content.decode()
    assert "€15.00" in page and f"/store-credit/{account.pk}/" in page
    assert f"/orders/{order.pk}/store-credit/" in client.get(f"/orders/{order.pk}/").content.decode()
    assert client.post(f"/orders/{order.pk}/store-credit/", {"key": "s", "amount": "99"}).status_code == 422
    assert client.post(f"/orders/{order.pk}/store-credit/", {"key": "s", "amount": "10"}).status_code == 302
    assert (
        client.post(
            f"/orders/{order.pk}/refund-to-credit/", {"key": "r", "amount": "2", "reason": "dented"}
        ).status_code
        == 302
    )
    assert client.post(f"/store-credit/{account.pk}/", {"key": "w", "amount": "1", "reason": "typo"}).status_code == 302
    account.refresh_from_db()
    assert account.balance == 6
    ledger = client.get(f"/store-credit/{account.pk}/").content.decode()
    for word in ("A late parcel", "dented", "typo", order.number):
        assert word in ledger
    assert "store credit" in client.get(f"/customers/{account.customer_id}/").content.decode()


def test_who_may_only_look_takes_nothing_back(client_as: Any) -> None:
    account = grant("5").account
    client: Client = client_as("viewer")
    page = client.get(f"/store-credit/{account.pk}/")
    assert page.status_code == 200 and "Take back" not in page.content.decode()
    assert client.post(f"/store-credit/{account.pk}/", {"key": "w", "amount": "1", "reason": "x"}).status_code == 403
    assert client.post(f"/orders/{order_of().pk}/store-credit/", {"key": "w", "amount": "1"}).status_code == 403
    assert CreditEntry.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 4])
def test_pages_of_credit_cost_the_same_for_few_and_many(client_as: Any, rows: int) -> None:
    client: Client = client_as("finance")
    for n in range(rows):
        grant_credit(
            customer_id=customer(f"c{n}@example.com").pk, currency="EUR", amount=Decimal(3), reason="", key="g", **WHO
        )
        grant_credit(
            customer_id=customer("c0@example.com").pk, currency="EUR", amount=Decimal(3), reason="", key=f"h{n}", **WHO
        )
    account = CreditAccount.objects.order_by("pk").first()
    for path, most in (("/store-credit/", 8), (f"/store-credit/{account.pk}/", 7)):  # type: ignore[union-attr]
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        assert len(queries) <= most, [q["sql"][:90] for q in queries]
