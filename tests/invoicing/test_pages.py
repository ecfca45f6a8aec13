"""The pages of invoicing: what they show to whom, what they refuse, how many statements they take; jobs, mails, the portal."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pikepdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.jobs import LEASE, run_job
from core.models import Job, OutboxEvent, OutgoingMail
from core.paper.weasy import pdf_available
from fulfillment.events import FulfillmentShipped
from fulfillment.models import FulfillmentOrder
from invoicing import handlers, jobs, mailing
from invoicing.events import DocumentIssued, DocumentMailAsked
from invoicing.models import BillingProfile, Document, Series
from invoicing.operations import keep_pdf, save_settings
from oms.orchestration.cancel_order import cancel_order
from orders.events import OrderCancelled, OrdersPlaced, PaymentRecorded, RefundRecorded
from orders.models import Order
from orders.operations import record_refund
from tests.factories.invoicing import bill, make_taxed_order, pay
from tests.factories.shop import ACTOR, NOW
from tests.security.pages import form_with

pytestmark = pytest.mark.django_db
D = Decimal
who: dict[str, Any] = {"actor": ACTOR, "now": NOW}
needs_pdf = pytest.mark.skipif(not pdf_available()[0], reason="this machine cannot make PDF")


def order_of(units: int = 2, **how: Any) -> Order:
    return make_taxed_order([(units, "10", f"{units * 2.3:.2f}", "0.23")], **how)


def invoice_of(**how: Any) -> Document:
    made = bill(order_of(**how))[0]
    keep_pdf(made.pk, b"%PDF-kept")
    return Document.objects.get(pk=made.pk)


def page(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def statements(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


class TestIssuing:
    def test_the_page_shows_what_its_button_issues(self, client_as: Any) -> None:
        order, client = order_of(), client_as("support")
        url = reverse("order-invoice", args=[order.pk])
        shown = client.get(url).content.decode()
        assert "€24.60" in shown and "SKU-" in shown
        answer = client.post(url, form_with(shown, "version").fields | {"tax_number": "PL 1", "mail": "on"})
        made = Document.objects.get()
        assert answer.headers["Location"] == reverse("invoice", args=[made.pk])
        assert made.total == D("24.60") and made.buyer["tax_number"] == "PL 1"
        assert BillingProfile.objects.get().tax_number == "PL 1"
        assert OutboxEvent.objects.filter(name="document.issued", payload__mail=True).count() == 1
        assert "Nothing to invoice" in client.get(url).content.decode()
        assert client.post(url, form_with(shown, "version").fields).status_code == 302 and Document.objects.count() == 1

    def test_a_changed_order_is_shown_again_first(self, client_as: Any) -> None:
        order, client = order_of(paid=False), client_as("owner")
        url = reverse("order-invoice", args=[order.pk])
        fields = form_with(client.get(url).content.decode(), "version").fields
        pay(order)
        answer = client.post(url, fields)
        assert answer.status_code == 422 and "changed by somebody else" in answer.content.decode()
        assert not Document.objects.exists()

    def test_the_order_page_has_button_and_documents(self, client_as: Any) -> None:
        invoice = invoice_of()
        shown = page(client_as("owner"), "order", invoice.order_id)
        assert invoice.number in shown and reverse("order-invoice", args=[invoice.order_id]) in shown
        assert reverse("invoice-pdf", args=[invoice.pk]) in shown

    def test_a_credit_note_from_the_page(self, client_as: Any) -> None:
        invoice, client = invoice_of(), client_as("finance")
        url = reverse("invoice-credit", args=[invoice.pk])
        fields = form_with(client.get(url).content.decode(), "reason").fields
        assert client.post(url, fields | {"units-0": "3", "reason": "x"}).status_code == 422
        assert client.post(url, fields | {"units-0": "1", "reason": ""}).status_code == 422
        for _n in range(2):
            assert client.post(url, fields | {"units-0": "1", "reason": "broken"}).status_code == 302
        note = Document.objects.get(kind="credit_note")
        assert note.total == D("12.30")
        shown = page(client, "invoice", invoice.pk)
        assert note.number in shown and "€12.30" in shown
        assert client.get(reverse("invoice-credit", args=[note.pk])).status_code == 302

    def test_roles(self, client_as: Any) -> None:
        invoice = invoice_of()
        assert client_as("warehouse").get(reverse("invoices")).status_code == 403
        viewer = client_as("viewer")
        assert viewer.get(reverse("invoice", args=[invoice.pk])).status_code == 200
        for name, pk in (
            ("order-invoice", invoice.order_id),
            ("invoice-credit", invoice.pk),
            ("order-pro-forma", invoice.order_id),
        ):
            assert viewer.post(reverse(name, args=[pk])).status_code == 403
        assert client_as("finance").get(reverse("invoicing-settings")).status_code == 403


class TestLists:
    def test_search_filters_and_tabs(self, client_as: Any) -> None:
        invoice = invoice_of()
        other = invoice_of()
        client = client_as("finance")
        shown = page(client, "invoices", q=other.number)
        assert other.number in shown and invoice.number not in shown
        assert invoice.number in page(client, "invoices", tab="invoices")
        assert invoice.number not in page(client, "invoices", tab="credit-notes")
        assert invoice.number not in page(client, "invoices", issued_from="2026-11-21")
        assert invoice.number in page(client, "invoices", issued_to="2026-11-20", currency="eur", settled="yes")

    def test_the_accountants_file_has_a_row_for_each_rate(self, client_as: Any) -> None:
        order = make_taxed_order([(1, "100", "23", "0.23"), (1, "50", "4", "0.08")])
        bill(order)
        cancel_order(order_id=order.pk, units={order.lines.order_by("position").last().pk: 1}, reason="x", **who)
        bill(order)
        answer = client_as("finance").get(reverse("invoice-taxes"), {"export": "csv"})
        rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
        booked = sorted(
            (row["Number"], row["Rate in %"], D(row["Net"]), D(row["Tax"]), D(row["Gross"])) for row in rows
        )
        assert booked == [
            ("CN-2026-00001", "8", D("-50"), D("-4"), D("-54")),
            ("INV-2026-00001", "23", D("100"), D("23"), D("123")),
            ("INV-2026-00001", "8", D("50"), D("4"), D("54")),
        ]

    def test_what_waits_for_an_invoice(self, client_as: Any) -> None:
        waiting, billed = order_of(), order_of()
        bill(billed)
        client = client_as("operations")
        shown = page(client, "invoices-due", tab="all")
        assert waiting.number in shown and billed.number not in shown
        assert waiting.number in page(client, "invoices-due", tab="paid")
        assert waiting.number not in page(client, "invoices-due", tab="shipped")

    def test_pages_take_the_same_statements_however_much_there_is(self, client_as: Any) -> None:
        client, invoice = client_as("owner"), invoice_of()
        names = ("invoices", "invoice-taxes", "invoicing-settings")
        one = [statements(client, reverse(name)) for name in names]
        here = reverse("invoice", args=[invoice.pk])
        alone = statements(client, here)
        for n in range(3):
            invoice_of()
            record_refund(order_id=invoice.order_id, amount=D(n + 1), reason="late", key=f"{n}", **who)
            bill(Order.objects.get(pk=invoice.order_id))
        assert [statements(client, reverse(name)) for name in names] == one
        assert statements(client, here) == alone

    def test_an_order_without_documents_costs_its_page_nothing_more(self, client_as: Any) -> None:
        client, order = client_as("owner"), order_of()
        url = reverse("order", args=[order.pk])
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        assert sum("invoicing_document" in query["sql"] for query in queries) == 1, (
            "one shared statement asks all panels"
        )


class TestSettings:
    def test_saving(self, client_as: Any) -> None:
        client = client_as("owner")
        fields = form_with(page(client, "invoicing-settings"), "legal_name").fields
        url = reverse("invoicing-settings")
        assert client.post(url, fields | {"country": "XX"}).status_code == 422
        assert (
            client.post(url, fields | {"country": "pl", "legal_name": "Northwind", "automatic": "payment"}).status_code
            == 302
        )
        assert "Northwind" in page(client, "invoicing-settings")

    def test_a_series_is_made_and_written_otherwise(self, client_as: Any) -> None:
        client = client_as("owner")
        fields = {"kind": "invoice", "channel": "", "prefix": "FV/{year}/", "digits": "4", "first": "10"}
        assert client.post(reverse("invoice-series-new"), fields | {"prefix": "FV1"}).status_code == 422
        assert client.post(reverse("invoice-series-new"), fields).status_code == 302
        assert client.post(reverse("invoice-series-new"), fields).status_code == 422
        assert invoice_of().number == "FV/2026/0010"
        series = Series.objects.get()
        assert (
            client.post(reverse("invoice-series", args=[series.pk]), {"prefix": "F-", "digits": "2"}).status_code == 302
        )
        assert invoice_of().number == "F-10"
        assert "F-11" in page(client, "invoicing-settings")


class TestByThemselves:
    def test_paid_orders_are_billed_once(self) -> None:
        save_settings(values={"automatic": "payment"}, **who)
        placed, unpaid = order_of(), order_of(paid=False)
        for _n in range(2):
            handlers.orders_placed(OrdersPlaced([placed.pk, unpaid.pk]), **who)
            handlers.payment_recorded(PaymentRecorded(unpaid.pk), **who)
        assert [one.order_id for one in Document.objects.all()] == [placed.pk]
        pay(unpaid)
        for _n in range(2):
            handlers.payment_recorded(PaymentRecorded(unpaid.pk), **who)
        assert Document.objects.count() == 2

    def test_what_ships_is_billed(self) -> None:
        save_settings(values={"automatic": "shipment"}, **who)
        order = order_of(3, stock=9)
        work = FulfillmentOrder.objects.get(order=order)
        event = FulfillmentShipped(work.pk)
        handlers.goods_left(event, **who)
        assert not Document.objects.exists()
        order.lines.update(picked=3, packed=3, shipped=2)
        for _n in range(2):
            handlers.goods_left(event, **who)
        assert [one.total for one in Document.objects.all()] == [D("24.60")]

    def test_cancels_and_refunds_are_credited_where_there_is_an_invoice(self) -> None:
        billed, plain = order_of(), order_of()
        bill(billed)
        for order in (billed, plain):
            cancel_order(order_id=order.pk, units={order.lines.get().pk: 1}, reason="x", **who)
            for _n in range(2):
                handlers.order_changed(OrderCancelled(order.pk), **who)
        assert [one.total for one in Document.objects.filter(kind="credit_note")] == [D("12.30")]
        refund = record_refund(order_id=billed.pk, amount=D("2.30"), reason="x", key="r", **who)
        handlers.order_changed(RefundRecorded(billed.pk, refund.pk), **who)
        assert Document.objects.filter(kind="credit_note").count() == 1, "it is money for the cancelled unit"

    def test_nothing_is_corrected_where_people_do_it(self) -> None:
        save_settings(values={"correct": False}, **who)
        order = order_of()
        bill(order)
        cancel_order(order_id=order.pk, reason="x", **who)
        handlers.order_changed(OrderCancelled(order.pk), **who)
        assert Document.objects.count() == 1


class TestMail:
    def test_a_document_is_mailed_once_with_its_file(self) -> None:
        invoice = invoice_of()
        for _n in range(3):
            mailing.mail_issued(DocumentIssued(invoice.pk, mail=True), **who)
        mail = OutgoingMail.objects.get()
        assert mail.to == invoice.email and mail.attachment_id == invoice.file_id and invoice.number in mail.subject
        mailing.mail_issued(DocumentIssued(invoice_of().pk, mail=False), **who)
        assert OutgoingMail.objects.count() == 1

    def test_it_is_in_the_customers_language(self) -> None:
        invoice = invoice_of(language="pl")
        mailing.send(invoice, to="x@example.com", key="k", **who)
        assert "24,60" in OutgoingMail.objects.get().text

    def test_sending_it_again_from_its_page(self, client_as: Any) -> None:
        invoice, client = invoice_of(), client_as("support")
        url = reverse("invoice-mail", args=[invoice.pk])
        assert client.post(url, {"to": "nobody", "key": "k"}).status_code == 422
        for _n in range(2):
            assert client.post(url, {"to": "books@example.com", "key": "k"}).status_code == 302
        for event in OutboxEvent.objects.filter(name="document.mail_asked"):
            mailing.mail_again(DocumentMailAsked(**event.payload), **who)
        assert [mail.to for mail in OutgoingMail.objects.all()] == ["books@example.com"]
        assert "books@example.com" in page(client, "invoice", invoice.pk)


class TestJobs:
    def run(self, job: Job) -> Job:
        done = run_job(job.pk, clock=timezone.now)
        assert done is not None
        return done

    def test_many_orders_are_billed_and_what_cannot_be_is_listed(self) -> None:
        orders = [order_of() for _n in range(3)]
        bill(orders[1])
        job = self.run(jobs.start_issuing(order_ids=[one.pk for one in orders], mail=True, **who))
        assert (job.state, job.done, job.failed) == ("done_with_errors", 2, 1)
        assert job.errors.get().reference == orders[1].number
        assert Document.objects.count() == 3

    @needs_pdf
    def test_one_file_of_many_goes_on_after_a_kill(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = [bill(order_of())[0] for _n in range(5)]
        monkeypatch.setattr(jobs, "CHUNK", 2)
        job = jobs.start_file(document_ids=[one.pk for one in reversed(made)], form="pdf", **who)
        drawn: list[int] = []
        real = jobs.draw

        def killed(document: Document) -> bytes:
            if len(drawn) == 3:
                raise SystemExit
            drawn.append(document.pk)
            return real(document)

        monkeypatch.setattr(jobs, "draw", killed)
        with pytest.raises(SystemExit):
            run_job(job.pk, clock=timezone.now)
        assert Document.objects.filter(file__isnull=False).count() == 2
        monkeypatch.setattr(jobs, "draw", lambda document: drawn.append(document.pk) or real(document))
        done = run_job(job.pk, clock=lambda: timezone.now() + LEASE + timedelta(seconds=5))
        assert done is not None and (done.state, done.done) == ("done", 5)
        assert drawn == [one.pk for one in made[:3]] + [one.pk for one in made[2:]], "what was kept is not drawn again"
        with pikepdf.open(io.BytesIO(bytes(done.output.data))) as pdf:
            assert len(pdf.pages) == 5

    def test_a_zip_has_a_file_each(self) -> None:
        made = [invoice_of() for _n in range(2)]
        job = self.run(jobs.start_file(document_ids=[one.pk for one in made], form="zip", **who))
        with zipfile.ZipFile(io.BytesIO(bytes(job.output.data))) as archive:
            assert archive.namelist() == [f"{one.number}.pdf" for one in made]
            assert archive.read(archive.namelist()[0]) == b"%PDF-kept"

    def test_many_mails_are_asked_for_once(self) -> None:
        made = [invoice_of(), invoice_of(email="")]
        job = self.run(jobs.start_mailing(document_ids=[one.pk for one in made], **who))
        assert (job.state, job.failed) == ("done_with_errors", 1)
        assert OutboxEvent.objects.filter(name="document.mail_asked").count() == 1

    def test_bulk_acts_start_them(self, client_as: Any) -> None:
        order, client = order_of(), client_as("owner")
        client.post(reverse("invoices-due") + "?tab=all", {"action": "issue", "id": [order.pk]})
        self.run(Job.objects.get(kind="issue-invoices"))
        invoice = Document.objects.get(order=order)
        keep_pdf(invoice.pk, b"%PDF-kept")
        client.post(reverse("invoices"), {"action": "zip", "id": [invoice.pk]})
        job = self.run(Job.objects.get(kind="invoice-file"))
        assert client.get(reverse("job-output", args=[job.pk])).status_code == 200
        assert client_as("warehouse").get(reverse("job-output", args=[job.pk])).status_code == 403


class TestPortal:
    def test_a_customer_has_the_documents_of_the_own_order_only(self) -> None:
        mine, other = invoice_of(), invoice_of()
        client = Client()
        token = mine.order.token
        shown = client.get(reverse("tracking", args=[token])).content.decode()
        assert mine.number in shown and other.number not in shown
        answer = client.get(reverse("tracking-document", args=[token, mine.pk]))
        assert answer.content == b"%PDF-kept" and "no-store" in answer["Cache-Control"]
        assert client.get(reverse("tracking-document", args=[token, other.pk])).status_code == 404
        assert client.get(reverse("tracking-document", args=["x" * 32, mine.pk])).status_code == 404
