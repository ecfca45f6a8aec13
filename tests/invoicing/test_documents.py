"""Documents in the database: numbers without a gap, never changed, adding up, within their bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from core.refusals import Invalid, Refusal, Stale
from invoicing.models import Document, DocumentTax, Series, SeriesCounter, Settings
from invoicing.operations import (
    bill_order,
    credit_invoice,
    issue_pro_forma,
    keep_pdf,
    preview_billing,
    save_billing_profile,
    save_series,
    save_settings,
)
from oms.integrity import check_integrity
from oms.orchestration.cancel_order import cancel_order
from orders.models import Order
from orders.operations import record_refund
from tests.factories.invoicing import bill, make_taxed_order, pay
from tests.factories.shop import ACTOR, NOW, make_channel

D = Decimal
who = {"actor": ACTOR, "now": NOW}


def billed(order: Order) -> Decimal:
    return sum((one.signed_total for one in Document.objects.filter(order=order).exclude(kind="pro_forma")), D(0))


def findings() -> list:
    return list(check_integrity()[1])


@pytest.mark.usefixtures("committed")
class TestNumbers:
    def test_twenty_threads_with_rollbacks_leave_no_gap(self, threads) -> None:
        orders = [make_taxed_order([(1, "10", "2.30", "0.23")]) for _n in range(20)]

        class Broken(Exception):
            pass

        def issue(n: int) -> None:
            for attempt in range(2):
                try:
                    with transaction.atomic():
                        made = bill_order(order_id=orders[n].pk, **who)
                        if n % 3 == 0 and attempt == 0:
                            raise Broken
                        return made[0].number
                except Broken:
                    continue
            return None

        numbers = threads(20, issue)
        assert sorted(numbers) == [f"INV-2026-{n:05}" for n in range(1, 21)]
        assert SeriesCounter.objects.get().next == 21
        assert findings() == []

    def test_one_order_billed_by_many_at_once_is_billed_once(self, threads) -> None:
        order = make_taxed_order([(2, "10", "4.60", "0.23")])
        answers = threads(8, lambda n: bill_order(order_id=order.pk, **who))
        assert sorted(len(one) for one in answers) == [0] * 7 + [1]
        assert billed(order) == order.total

    def test_credits_at_once_stay_within_the_invoice(self, threads) -> None:
        [invoice] = bill(make_taxed_order([(3, "10", "6.90", "0.23")]))

        def credit(n: int) -> object:
            return credit_invoice(invoice_id=invoice.pk, units={0: 1}, reason="broken", key=str(n), **who)

        answers = threads(6, credit)
        assert sum(isinstance(one, Document) for one in answers) == 3
        assert {one.code for one in answers if not isinstance(one, Document)} == {"over_credit"}
        assert findings() == []


pytestmark = pytest.mark.django_db


class TestSeries:
    def test_each_kind_and_channel_counts_by_itself(self) -> None:
        channel = make_channel()
        save_series(
            series_id=None,
            values={"kind": "invoice", "channel": channel, "prefix": "B2B-", "digits": 3, "first": 40},
            **who,
        )
        assert bill(make_taxed_order([(1, "1", "0", "0")], channel=channel))[0].number == "B2B-040"
        assert bill(make_taxed_order([(1, "1", "0", "0")], channel=channel))[0].number == "B2B-041"
        other = make_taxed_order([(1, "1", "0", "0")])
        assert bill(other)[0].number == "INV-2026-00001"
        assert issue_pro_forma(order_id=other.pk, key="a", **who).number == "PF-2026-00001"

    def test_a_year_begins_at_the_first_number_in_the_shops_zone(self) -> None:
        from core.models import Shop

        Shop.objects.create(id=1, name="Shop", time_zone="Europe/Warsaw")
        orders = [make_taxed_order([(1, "1", "0", "0")]) for _n in range(3)]
        times = [
            datetime(2026, 12, 31, 22, 30, tzinfo=UTC),
            datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
            datetime(2027, 1, 2, tzinfo=UTC),
        ]
        made = [bill_order(order_id=one.pk, actor=ACTOR, now=at)[0] for one, at in zip(orders, times, strict=True)]
        assert [one.number for one in made] == ["INV-2026-00001", "INV-2027-00001", "INV-2027-00002"]
        assert made[1].issued_on.isoformat() == "2027-01-01"

    def test_days_never_run_back(self) -> None:
        first = bill(make_taxed_order([(1, "1", "0", "0")]))[0]
        late = bill_order(order_id=make_taxed_order([(1, "1", "0", "0")]).pk, actor=ACTOR, now=NOW - timedelta(days=2))[
            0
        ]
        assert late.issued_on == first.issued_on and late.sequence == 2

    @pytest.mark.parametrize("prefix", ["INV-{year}", "A1", "", "INV{month}-", "a\nb-", "CN-2026-"])
    def test_a_prefix_must_be_readable_and_free(self, prefix: str) -> None:
        save_series(
            series_id=None,
            values={"kind": "credit_note", "channel": None, "prefix": "CN-{year}-", "digits": 5, "first": 1},
            **who,
        )
        values = {"kind": "invoice", "channel": None, "prefix": prefix, "digits": 5, "first": 1}
        with pytest.raises(Invalid) as refused:
            save_series(series_id=None, values=values, **who)
        assert refused.value.field == "prefix"

    def test_a_series_that_has_issued_keeps_its_kind(self) -> None:
        bill(make_taxed_order([(1, "1", "0", "0")]))
        series = Series.objects.get()
        values = {"kind": "invoice", "channel": None, "prefix": "FV-{year}-", "digits": 4, "first": 1}
        save_series(series_id=series.pk, values=values, **who)
        assert bill(make_taxed_order([(1, "1", "0", "0")]))[0].number == "FV-2026-0002"
        with pytest.raises(Refusal) as refused:
            save_series(series_id=series.pk, values=values | {"first": 9}, **who)
        assert refused.value.code == "series_in_use"


class TestNeverChanged:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE invoicing_document SET total = total + 1, net_total = net_total + 1",
            "UPDATE invoicing_document SET buyer_name = 'x'",
            "UPDATE invoicing_document SET lines = '[]'",
            "DELETE FROM invoicing_document",
            "UPDATE invoicing_documenttax SET tax = tax + 1, gross = gross + 1",
            "DELETE FROM invoicing_documenttax",
        ],
    )
    def test_postgresql_refuses(self, statement: str) -> None:
        bill(make_taxed_order([(1, "10", "2.30", "0.23")]))
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_the_pdf_is_filled_in_once(self) -> None:
        [made] = bill(make_taxed_order([(1, "10", "2.30", "0.23")]))
        first = keep_pdf(made.pk, b"%PDF-one")
        assert keep_pdf(made.pk, b"%PDF-two").pk == first.pk
        with pytest.raises(IntegrityError), transaction.atomic():
            Document.objects.filter(pk=made.pk).update(file=None)
        with pytest.raises(DatabaseError), transaction.atomic():
            type(first).objects.filter(pk=first.pk).update(data=b"%PDF-other")

    def test_what_changes_later_does_not_show(self) -> None:
        order = make_taxed_order([(1, "10", "2.30", "0.23")])
        save_settings(values={"legal_name": "Old Ltd", "tax_number": "PL111"}, **who)
        [made] = bill(order)
        save_settings(values={"legal_name": "New Ltd"}, **who)
        Order.objects.filter(pk=order.pk).update(billing_address={"name": "Somebody Else"})
        again = Document.objects.get(pk=made.pk)
        assert again.seller["address"]["name"] == "Old Ltd" and again.seller["tax_number"] == "PL111"
        assert again.buyer_name == "Zofia Kowalska"


class TestInvoices:
    @pytest.mark.parametrize(
        ("currency", "lines", "shipping", "tax", "included"),
        [
            ("EUR", [(3, "9.99", "6.89", "0.23"), (1, "5.00", "0.40", "0.08")], "10", "9.59", False),
            ("EUR", [(3, "9.99", "5.60", "0.23"), (1, "5.00", "0.37", "0.08")], "10", "7.84", True),
            ("JPY", [(7, "333", "233", "0.1")], "500", "283", False),
            ("JPY", [(7, "333", "211", None)], "0", "211", True),
            ("KWD", [(3, "1.234", "0.185", "0.05")], "0.500", "0.210", False),
            ("EUR", [(3, "0.0125", "0.01", None)], "0", "0.03", False),
        ],
    )
    def test_an_invoice_is_the_order_to_the_smallest_unit(self, currency, lines, shipping, tax, included) -> None:  # type: ignore[no-untyped-def]
        order = make_taxed_order(lines, shipping=shipping, tax=tax, tax_included=included, currency=currency)
        [made] = bill(order)
        assert (made.total, made.tax_total, made.net_total) == (
            order.total,
            order.tax_total,
            order.total - order.tax_total,
        )
        assert sum(one.gross for one in made.taxes.all()) == order.total
        assert made.settled and made.due_on is None
        assert findings() == []

    def test_tax_is_told_by_rate_and_shipping_apart(self) -> None:
        order = make_taxed_order([(1, "100", "23", "0.23"), (1, "50", "4", "0.08")], shipping="10", tax="29.30")
        [made] = bill(order)
        assert [(t.rate, t.net, t.tax) for t in made.taxes.order_by("-rate")] == [
            (D("0.23"), D("110"), D("25.30")), (D("0.08"), D("50"), D("4")),
        ]  # fmt: skip
        assert [row["key"] for row in made.lines][-1] == "shipping"

    def test_a_rate_that_nobody_told_is_derived(self) -> None:
        [made] = bill(make_taxed_order([(2, "24.60", "9.20", None), (1, "0.12", "0.02", None)], tax_included=True))
        assert [tax.rate for tax in made.taxes.all()] == [D("0.23")]

    def test_billed_twice_is_billed_once(self) -> None:
        order = make_taxed_order([(1, "10", "2.30", "0.23")])
        assert len(bill(order)) == 1 and bill(order) == []

    def test_a_partial_cancel_gets_its_credit_note(self) -> None:
        order = make_taxed_order(
            [(3, "10.00", "6.90", "0.23"), (1, "7", "1.61", "0.23")], discounts=["1", "0"], shipping="5", tax="9.66"
        )
        [invoice] = bill(order)
        line = order.lines.order_by("position").first()
        cancel_order(order_id=order.pk, units={line.pk: 1}, reason="one less", **who)
        order.refresh_from_db()
        assert preview_billing(order).total == -order.cancelled_total
        [note] = bill(order, reason="one less")
        assert note.kind == "credit_note" and note.corrects == invoice and note.total == order.cancelled_total
        assert [(row["key"], row["quantity"]) for row in note.lines] == [(f"line:{line.pk}", 1)]
        assert billed(order) == order.current_total and findings() == []

    def test_a_cancelled_order_is_credited_to_nothing(self) -> None:
        order = make_taxed_order([(3, "3.33", "2.30", "0.23")], shipping="5", tax="3.45")
        bill(order)
        cancel_order(order_id=order.pk, reason="no", **who)
        bill(order)
        assert billed(order) == 0 and bill(order) == [] and findings() == []

    def test_a_refund_is_credited_once_and_on_its_goods(self) -> None:
        order = make_taxed_order([(2, "10", "3.74", "0.23"), (1, "30", "5.61", "0.23")], tax_included=True)
        bill(order)
        line = order.lines.order_by("position").first()
        record_refund(order_id=order.pk, amount=D("10"), reason="broken", key="r", lines={line.pk: 1}, **who)
        [note] = bill(order)
        assert (note.total, note.tax_total) == (D("10"), D("1.87"))
        assert [(row["key"], row["quantity"]) for row in note.lines] == [(f"line:{line.pk}", 1)] and bill(order) == []
        assert billed(order) == D("40")

    def test_a_refund_before_the_invoice_makes_invoice_and_credit_note(self) -> None:
        order = make_taxed_order([(1, "100", "23", "0.23")])
        record_refund(order_id=order.pk, amount=D("20"), reason="late", key="r", **who)
        assert [one.kind for one in bill(order)] == ["invoice", "credit_note"]
        assert billed(order) == D("103") and bill(order) == []

    def test_money_back_for_cancelled_goods_is_credited_once(self) -> None:
        order = make_taxed_order([(2, "10", "4.60", "0.23")])
        bill(order)
        cancel_order(order_id=order.pk, units={order.lines.get().pk: 1}, reason="x", **who)
        bill(order)
        record_refund(order_id=order.pk, amount=D("12.30"), reason="x", key="r", lines={order.lines.get().pk: 1}, **who)
        assert bill(order) == [] and billed(order) == D("12.30")

    def test_what_has_left_is_billed_alone(self) -> None:
        order = make_taxed_order(
            [(3, "10.00", "6.90", "0.23"), (2, "5", "2.30", "0.23")], shipping="4", tax="10.12", stock=9
        )
        line = order.lines.order_by("position").first()
        assert bill(order, scope="shipped") == []
        type(line).objects.filter(pk=line.pk).update(allocated=3, picked=3, packed=3, shipped=1)
        [first] = bill(order, scope="shipped")
        assert [(row["key"], row["quantity"]) for row in first.lines] == [(f"line:{line.pk}", 1), ("shipping", 1)]
        assert bill(order, scope="shipped") == [] and bill(order, scope="issued") == []
        cancel_order(order_id=order.pk, units={order.lines.order_by("position").last().pk: 2}, reason="x", **who)
        assert bill(order, scope="issued") == []
        type(line).objects.filter(pk=line.pk).update(shipped=3)
        bill(order, scope="shipped")
        order.refresh_from_db()
        assert billed(order) == order.current_total
        type(line).objects.filter(order=order).update(allocated=0, picked=0, packed=0, shipped=0)

    def test_terms_and_numbers_of_the_buyer_stand_on_it(self) -> None:
        order = make_taxed_order([(1, "10", "2.30", "0.23")], paid=False)
        Order.objects.filter(pk=order.pk).update(po_number="PO-77")
        save_billing_profile(order_id=order.pk, tax_number=" PL 525 ", payment_days=30, **who)
        [made] = bill(order)
        assert made.po_number == "PO-77" and made.buyer["tax_number"] == "PL 525" and not made.settled
        assert (made.due_on - made.issued_on).days == 30

    def test_a_stale_page_is_refused(self) -> None:
        order = make_taxed_order([(1, "10", "2.30", "0.23")], paid=False)
        pay(order, "1", key="later")
        with pytest.raises(Stale):
            bill(order, version=order.version)

    def test_a_pro_forma_changes_nothing_that_is_billed(self) -> None:
        order = make_taxed_order([(1, "10", "2.30", "0.23")], paid=False)
        first = issue_pro_forma(order_id=order.pk, key="k", **who)
        assert issue_pro_forma(order_id=order.pk, key="k", **who).pk == first.pk
        assert first.total == order.total and first.kind == "pro_forma"
        assert bill(order)[0].total == order.total


class TestCreditNotes:
    def test_units_then_the_rest(self) -> None:
        [invoice] = bill(make_taxed_order([(3, "3.33", "2.30", "0.23")], shipping="5", tax="3.45"))
        one = credit_invoice(invoice_id=invoice.pk, units={0: 1}, reason="broken", key="1", **who)
        assert one.total == D("4.10")
        two = credit_invoice(invoice_id=invoice.pk, units={0: 2, 1: 1}, reason="all", key="2", **who)
        assert one.total + two.total == invoice.total and one.tax_total + two.tax_total == invoice.tax_total
        assert findings() == []

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ({"units": {0: 4}}, "over_credit"),
            ({"units": {0: -1}}, "over_credit"),
            ({"units": {9: 1}}, "no_such_row"),
            ({"amount": D("12.30")}, "over_credit"),
            ({"amount": D("0")}, "bad_amount"),
            ({"amount": D("NaN")}, "bad_amount"),
            ({"amount": D("0.001")}, "bad_amount"),
            ({}, "nothing_chosen"),
            ({"units": {0: 1}, "reason": " "}, "no_reason"),
        ],
    )
    def test_never_beyond_the_invoice(self, asked: dict, code: str) -> None:
        [invoice] = bill(make_taxed_order([(3, "3.33", "2.30", "0.23")]))
        with pytest.raises(Refusal) as refused:
            credit_invoice(invoice_id=invoice.pk, **({"reason": "x", "key": "1"} | asked), **who)
        assert refused.value.code == code and Document.objects.count() == 1

    def test_an_amount_is_spread_over_the_rates(self) -> None:
        [invoice] = bill(make_taxed_order([(1, "100", "23", "0.23"), (1, "100", "8", "0.08")]))
        note = credit_invoice(invoice_id=invoice.pk, amount=D("23.10"), reason="late", key="1", **who)
        assert note.total == D("23.10") and note.taxes.count() == 2
        assert note.tax_total == D("2.30") + D("0.80")

    def test_a_refund_that_follows_is_told_already(self) -> None:
        order = make_taxed_order([(1, "100", "23", "0.23")])
        [invoice] = bill(order)
        credit_invoice(invoice_id=invoice.pk, amount=D("20"), reason="late", key="1", **who)
        assert bill(order) == []
        record_refund(order_id=order.pk, amount=D("20"), reason="late", key="r", **who)
        assert bill(order) == []
        record_refund(order_id=order.pk, amount=D("5"), reason="later", key="r2", **who)
        assert [one.total for one in bill(order)] == [D("5")]

    def test_only_an_invoice_can_be_credited(self) -> None:
        [invoice] = bill(make_taxed_order([(1, "10", "0", "0")]))
        note = credit_invoice(invoice_id=invoice.pk, units={0: 1}, reason="x", key="1", **who)
        with pytest.raises(Refusal) as refused:
            credit_invoice(invoice_id=note.pk, units={0: 1}, reason="x", key="2", **who)
        assert refused.value.code == "not_an_invoice"
        assert credit_invoice(invoice_id=invoice.pk, units={0: 1}, reason="x", key="1", **who).pk == note.pk


class TestConstraints:
    def test_each_refuses_its_row(self) -> None:
        [made] = bill(make_taxed_order([(1, "10", "2.30", "0.23")]))
        names = [field.attname for field in Document._meta.concrete_fields if field.attname not in ("id", "search")]
        row = {name: getattr(made, name) for name in names} | {"sequence": 99, "number": "X-99", "key": "x"}
        wrong = [
            {"kind": "bill"}, {"corrects_id": made.pk}, {"kind": "credit_note"}, {"order_id": None}, {"total": D("1")}, {"sequence": 1},
            {"number": made.number}, {"key": made.key}, {"net_total": D("-5"), "tax_total": D(0), "total": D("-5")},
        ]  # fmt: skip
        for change in wrong:
            with pytest.raises(IntegrityError), transaction.atomic():
                Document(**(row | change)).save(force_insert=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            DocumentTax.objects.create(document=made, rate=D("0.23"), net=0, tax=0, gross=0)
        with pytest.raises(IntegrityError), transaction.atomic():
            DocumentTax.objects.create(document=made, rate=None, net=1, tax=1, gross=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            Settings.objects.create(id=2)
        with pytest.raises(IntegrityError), transaction.atomic():
            Series.objects.create(kind="invoice", channel=None, prefix="Z-")
        with pytest.raises(IntegrityError), transaction.atomic():
            SeriesCounter.objects.create(series=made.series, period="", first=5, next=4, last_on=NOW.date())
