"""What a bank or carrier says came in: read from its file, suggested for orders, recorded when a person says so; money at the door."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from core.models import Shop
from core.refusals import Invalid, Refusal
from oms.exchange.statements import read_statement
from oms.orchestration.collecting import collect_at_delivery, settle_collection
from orders.models import Order
from payments.models import Collection, MethodKind, PaymentMethod, StatementLine
from payments.operations.methods import save_method
from payments.operations.statements import Incoming, ignore_line, record_line, take_statement
from tests.factories.shop import NOW, make_channel, make_order

pytestmark = pytest.mark.django_db
WHO: dict[str, Any] = {"actor": Actor.system("test"), "now": NOW}
DAY = date(2026, 11, 19)


def owing(**fields: Any) -> Order:
    return make_order(make_channel(currency=fields.pop("currency", "EUR")), paid=False, **fields)


def line(text: str = "", *, amount: str = "10", payer: str = "", currency: str = "EUR") -> Incoming:
    return Incoming(DAY, Decimal(amount), currency, payer, text)


def take(*lines: Incoming) -> list[StatementLine]:
    take_statement(lines, file_name="november.csv", now=NOW)
    return list(StatementLine.objects.order_by("pk"))


@pytest.fixture(autouse=True)
def methods(db: None) -> None:
    for name, kind in (("Bank transfer", "bank_transfer"), ("Cash on delivery", "cash_on_delivery")):
        PaymentMethod.objects.get_or_create(name=name, defaults={"kind": kind})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("date,amount,name,reference\n2026-11-19,12.50,Ada,#1001\n", Incoming(DAY, Decimal("12.50"), "EUR", "Ada", "#1001")),
        ("Buchungstag;Betrag;Währung;Auftraggeber;Verwendungszweck\n19.11.2026;1.234,50;EUR;Müller;RE 7\n", Incoming(DAY, Decimal("1234.50"), "EUR", "Müller", "RE 7")),
        ("order,cod amount,day,details\nOMS-7,1500,2026-11-19,parcel 9\n", Incoming(DAY, Decimal(1500), "JPY", "", "OMS-7 parcel 9")),
    ],
)  # fmt: skip
def test_files_of_banks_and_carriers_are_read(data: str, expected: Incoming) -> None:
    assert read_statement(data.encode(), currency=expected.currency) == ([expected], 0)


def test_what_went_out_is_counted_and_left_out() -> None:
    data = b"date,amount,text\n2026-11-19,-5.00,rent\n2026-11-19,,nothing\n2026-11-19,7.00,in\n"
    found, out = read_statement(data, currency="EUR")
    assert ([one.text for one in found], out) == (["in"], 2)


@pytest.mark.parametrize(
    "data",
    [b"", b"name,text\na,b\n", b"date,amount\n2026-11-19,ten\n", b"date,amount\nyesterday,10\n", b"date,amount\n2026-11-19,-1\n", b"date,amount\n2026-11-19,1.005\n"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_whole(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_statement(data, currency="EUR")


def test_an_order_is_suggested_by_number_and_amount_then_number_then_amount_and_name() -> None:
    exact, other, named = owing(), owing(), owing(customer_name="Grzegorz Brzęczyszczykiewicz")
    foreign = owing(currency="USD")
    rows = take(
        line(f"Order {exact.number}, thank you"),
        line(f"invoice {other.number[1:]}", amount="3"),
        line("thanks", payer="BRZECZYSZCZYKIEWICZ G."),
        line("thanks", payer="Somebody Else"),
        line(f"{foreign.number}"),
    )
    assert [(row.order_id, row.certainty) for row in rows] == [
        (exact.pk, "exact"), (other.pk, "number"), (named.pk, "amount"), (None, "none"), (None, "none"),
    ]  # fmt: skip
    assert not Order.objects.filter(captured_total__gt=0).exists()  # nothing is paid by a suggestion


def test_our_own_series_is_found_without_its_prefix() -> None:
    Shop.objects.create(name="Shop", order_prefix="OMS-")
    order = owing(number="")
    assert order.number.startswith("OMS-")
    assert take(line(order.number.removeprefix("OMS-")))[0].order_id == order.pk


def test_two_orders_that_fit_are_no_suggestion() -> None:
    first, second = owing(), owing()
    assert [
        row.order_id for row in take(line("x", payer="Zofia Kowalska"), line(f"{first.number} {second.number}"))
    ] == [None, None]


def test_statements_may_overlap_and_two_equal_lines_are_two() -> None:
    same = line("coffee", amount="2")
    assert take_statement([same, same], file_name="a.csv", now=NOW).new == 2
    taken = take_statement([same, same, same], file_name="b.csv", now=NOW)
    assert (taken.new, taken.known, StatementLine.objects.count()) == (1, 2, 3)


def test_matching_costs_the_same_for_few_and_many_lines() -> None:
    order = owing()
    counted = []
    for n in (1, 30):
        with CaptureQueriesContext(connection) as queries:
            take_statement([line(f"{order.number} {n} {k}", payer="x") for k in range(n)], file_name="a", now=NOW)
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_a_line_is_recorded_once_and_more_than_is_owed_is_the_customers() -> None:
    order = owing()
    row = take(line(order.number, amount="12"))[0]
    record_line(line_id=row.pk, order_id=order.pk, method="Bank transfer", **WHO)
    order.refresh_from_db()
    assert (order.captured_total, order.owed_to_customer, order.payment) == (Decimal(12), Decimal(2), "paid")
    for again in (lambda: record_line(line_id=row.pk, order_id=order.pk, method="Cash", **WHO), lambda: ignore_line(line_id=row.pk, **WHO)):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            again()
        assert refused.value.code == "decided_already"
    foreign = owing(currency="USD")
    other = take(line("another"))[1]
    with pytest.raises(Refusal) as refused:
        record_line(line_id=other.pk, order_id=foreign.pk, method="Cash", **WHO)
    assert refused.value.code == "other_currency"
    with pytest.raises(IntegrityError), transaction.atomic():
        StatementLine.objects.filter(pk=other.pk).update(state="recorded")


@pytest.mark.usefixtures("committed")
def test_of_two_who_record_a_line_one_wins(threads: Any) -> None:
    first, second = owing(), owing()
    row = take(line("which?"))[0]
    outcomes = threads(
        4,
        lambda i: record_line(line_id=row.pk, order_id=(first if i % 2 else second).pk, method="Bank transfer", **WHO),
    )
    assert sorted(getattr(one, "code", "recorded") for one in outcomes) == ["decided_already"] * 3 + ["recorded"]
    assert sum(order.captured_total for order in Order.objects.all()) == 10


def test_an_order_that_is_paid_at_the_door_leaves_and_is_settled_later() -> None:
    order = make_order(make_channel(hold_unpaid=True), paid=False)
    assert order.on_hold
    for _twice in range(2):
        collect_at_delivery(order_id=order.pk, method="Cash on delivery", **WHO)
    order.refresh_from_db()
    assert not order.on_hold and order.payment == "unpaid"
    settle_collection(order_id=order.pk, **WHO)
    order.refresh_from_db()
    assert (order.payment, order.payments.get().method) == ("paid", "Cash on delivery")
    for act, code in ((lambda: settle_collection(order_id=order.pk, **WHO), "nothing_owed"), (lambda: settle_collection(order_id=owing().pk, **WHO), "not_collected")):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == code
    with pytest.raises(Invalid):
        collect_at_delivery(order_id=owing().pk, method="Bank transfer", **WHO)


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_from_the_banks_file_to_a_paid_order_on_screen(client_as: Any) -> None:
    client: Client = client_as("finance")
    order, other = owing(), owing()
    data = f"date,amount,name,reference\n2026-11-19,10.00,Ada,{order.number}\n2026-11-19,4.00,Bob,thanks\n"
    for _twice in range(2):
        file = SimpleUploadedFile("november.csv", data.encode())
        assert client.post("/statements/import/", {"file": file, "currency": "eur"}).status_code == 302
    rows = list(StatementLine.objects.order_by("pk"))
    assert len(rows) == 2
    assert order.number in client.get("/statements/?tab=sure").content.decode()
    client.post("/statements/", {"action": "record", "id": [row.pk for row in rows], "confirmed": "1"})
    order.refresh_from_db()
    assert order.payment == "paid"
    rows[1].refresh_from_db()
    assert rows[1].state == "open"  # without a suggestion it is not recorded in bulk
    page = f"/statements/{rows[1].pk}/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"number": "#nothing", "method": "Bank transfer"}).status_code == 422
    assert client.post(page, {"number": other.number, "method": "Bank transfer"}).status_code == 302
    other.refresh_from_db()
    assert other.payment == "partially_paid"
    bad = SimpleUploadedFile("x.csv", b"name\nx\n")
    assert client.post("/statements/import/", {"file": bad, "currency": "EUR"}).status_code == 422
    assert client_as("viewer").post(page, {"number": other.number, "method": "Bank transfer"}).status_code == 403


def test_collections_on_screen(client_as: Any) -> None:
    client: Client = client_as("finance")
    order = owing()
    assert client.post(f"/orders/{order.pk}/collect/", {"method": "Cash on delivery"}).status_code == 302
    assert "Collected at delivery" in client.get(f"/orders/{order.pk}/").content.decode()
    assert order.number in client.get("/collections/").content.decode()
    client.post("/collections/", {"action": "settle", "id": Collection.objects.get().pk, "confirmed": "1"})
    order.refresh_from_db()
    assert order.payment == "paid"
    assert order.number not in client.get("/collections/").content.decode()


def test_ways_of_paying_are_kept_by_the_owner(client_as: Any) -> None:
    client: Client = client_as("owner")
    form = {"name": "IBAN", "kind": "bank_transfer", "instructions": "PL61 1090", "offered": "on", "active": "on"}
    assert client.post("/settings/payment-methods/new/", form).status_code == 302
    assert client.post("/settings/payment-methods/new/", form).status_code == 422
    assert "PL61 1090" in client.get("/settings/payment-methods/").content.decode()
    method = PaymentMethod.objects.get(name="IBAN")
    assert client.post(f"/settings/payment-methods/{method.pk}/", form | {"active": ""}).status_code == 302
    method.refresh_from_db()
    assert not method.active
    assert client_as("finance").post("/settings/payment-methods/new/", form).status_code == 403
    with pytest.raises(Invalid):
        save_method(
            method_id=None,
            values={"name": " ", "kind": MethodKind.CASH, "instructions": "", "offered": False, "active": True},
            **WHO,
        )
