"""The lists: documents, their taxes rate by rate, orders that have no invoice yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.search import search
from invoicing.filters import DocumentFilter, TaxFilter, ToBillFilter
from invoicing.jobs import MOST_IN_A_FILE, start_file, start_issuing, start_mailing
from invoicing.models import Document, DocumentTax
from invoicing.queries import listed
from invoicing.states import FISCAL, DocumentKind
from invoicing.tables import DocumentTable, TaxTable, ToBillTable
from orders.models import Order
from orders.states import Delivery, Lifecycle, Payment

K = DocumentKind
#: Where every order is invoiced, the search for one that is not goes through all of them: it stops at this age.
LATELY = timedelta(days=180)


def download_pdf(targets: QuerySet[Document], *, actor: Actor, now: datetime) -> BulkOutcome:
    """All of them in one PDF."""
    return BulkOutcome(job=start_file(document_ids=_ids(targets), form="pdf", actor=actor, now=now))


def download_zip(targets: QuerySet[Document], *, actor: Actor, now: datetime) -> BulkOutcome:
    """A PDF each, in a ZIP file."""
    return BulkOutcome(job=start_file(document_ids=_ids(targets), form="zip", actor=actor, now=now))


def mail_documents(targets: QuerySet[Document], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Each to its customer."""
    return BulkOutcome(job=start_mailing(document_ids=_ids(targets), actor=actor, now=now))


def issue_invoices(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Bill each order as far as it is not billed."""
    return BulkOutcome(job=start_issuing(order_ids=_ids(targets), actor=actor, now=now))


def issue_and_mail(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Bill each order and mail what is issued."""
    return BulkOutcome(job=start_issuing(order_ids=_ids(targets), mail=True, actor=actor, now=now))


def _ids(targets: QuerySet[Any]) -> list[int]:
    return list(targets.values_list("pk", flat=True))


def _shipped_lately(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.filter(~Q(delivery=Delivery.NOT_SHIPPED), placed_at__gte=timezone.now() - LATELY)


def _paid_lately(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.filter(payment=Payment.PAID, placed_at__gte=timezone.now() - LATELY)


class DocumentList(ListPage):
    """Every document, the newest first."""

    name = "invoices"
    title = _("Invoices")
    permission = "invoices.view"
    model = Document
    table_class = DocumentTable
    filter_class = DocumentFilter
    sorts = {
        "issued": Sort("issued_at", desc=True),
        "number": Sort("number", desc=True),
        "total": Sort("total", desc=True),
    }
    default_sort = "issued"
    search_placeholder = _("Number, order, buyer, e-mail")
    tabs = [
        Tab("all", _("All"), counted=False),
        Tab("invoices", _("Invoices"), Q(kind=K.INVOICE)),
        Tab("credit-notes", _("Credit notes"), Q(kind=K.CREDIT_NOTE)),
        Tab("pro-forma", _("Pro forma"), Q(kind=K.PRO_FORMA)),
    ]
    bulk_actions = [
        BulkAction("pdf", _("Download as one PDF"), "invoices.view", run=download_pdf, icon="download", limit=MOST_IN_A_FILE),
        BulkAction("zip", _("Download as ZIP"), "invoices.view", run=download_zip, icon="download", limit=MOST_IN_A_FILE),
        BulkAction(
            "mail", _("Send by e-mail"), "invoices.issue", run=mail_documents, limit=MOST_IN_A_FILE,
            confirm=_("Each goes to its customer, with the PDF attached. Send them?"),
        ),
    ]  # fmt: skip
    page_actions = [
        PageAction(_("Settings"), "invoicing-settings", "settings.edit", icon="gear"),
        PageAction(_("Tax by rate"), "invoice-taxes", "invoices.view", icon="chart"),
        PageAction(_("To invoice"), "invoices-due", "invoices.issue", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("No invoices yet"),
        _("Issue them from an order's page, for many orders at once, or have them issued by themselves."),
        _("To invoice"), "invoices-due",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return listed(Document.objects.select_related("corrects")).defer(
            *(f"corrects__{name}" for name in ("lines", "seller", "buyer", "search", "search_text", "reason")),
            *("lines", "seller", "buyer", "search", "search_text", "reason"),
        )

    def search(self, queryset: QuerySet[Document], q: str) -> QuerySet[Document]:
        return search(queryset, q)


class TaxList(ListPage):
    """What invoices and credit notes show for each rate; its file is what an accountant books."""

    name = "invoice-taxes"
    title = _("Tax by rate")
    permission = "invoices.view"
    model = DocumentTax
    table_class = TaxTable
    filter_class = TaxFilter
    sorts = {"issued": Sort("document__issued_at", "document__id", desc=True), "number": Sort("document__number")}
    default_sort = "issued"
    search_placeholder = _("Number, order, buyer, e-mail")
    empty = Empty(_("No invoices yet"), _("Their taxes stand here, a row for each rate."), _("Invoices"), "invoices")

    def queryset(self, request: HttpRequest) -> QuerySet[DocumentTax]:
        rows = DocumentTax.objects.filter(document__kind__in=FISCAL).select_related("document__corrects")
        number = Coalesce(KeyTextTransform("tax_number", "document__buyer"), Value(""), output_field=TextField())
        return rows.annotate(buyer_tax_number=number).only(
            "rate", "net", "tax", "gross", "document__number", "document__kind", "document__issued_on", "document__issued_at",
            "document__order_number", "document__buyer_name", "document__buyer_country", "document__currency",
            "document__corrects__number",
        )  # fmt: skip

    def search(self, queryset: QuerySet[DocumentTax], q: str) -> QuerySet[DocumentTax]:
        return queryset.filter(document__in=search(Document.objects.order_by(), q).values("pk"))


class ToBillList(ListPage):
    """Orders without any invoice."""

    name = "invoices-due"
    title = _("To invoice")
    permission = "invoices.view"
    model = Order
    table_class = ToBillTable
    filter_class = ToBillFilter
    sorts = {"placed": Sort("placed_at", desc=True), "total": Sort("total", desc=True)}
    default_sort = "placed"
    search_placeholder = _("Number, name, e-mail, SKU, tracking number")
    tabs = [
        Tab("shipped", _("Shipped lately"), _shipped_lately, counted=False),
        Tab("paid", _("Paid lately"), _paid_lately, counted=False),
        Tab("all", _("All"), counted=False),
    ]
    bulk_actions = [
        BulkAction("issue", _("Issue invoices"), "invoices.issue", run=issue_invoices, icon="note", limit=5000),
        BulkAction(
            "issue_mail", _("Issue and send"), "invoices.issue", run=issue_and_mail, limit=5000,
            confirm=_("Invoices are issued and go to the customers by e-mail. They cannot be taken back, only credited. Go on?"),
        ),
    ]  # fmt: skip
    page_actions = [PageAction(_("Invoices"), "invoices", "invoices.view", icon="note")]
    empty = Empty(_("Nothing to invoice"), _("Every order that is worth something has its invoice."))

    def queryset(self, request: HttpRequest) -> QuerySet[Order]:
        billed = Document.objects.filter(order=OuterRef("pk"), kind=K.INVOICE)
        rows = Order.objects.filter(~Exists(billed), total__gt=0, historic=False).exclude(lifecycle=Lifecycle.CANCELLED)
        return rows.select_related("channel").only(
            "number", "placed_at", "customer_name", "channel__name", "payment", "fulfillment", "delivery", "total", "currency",
        )  # fmt: skip

    def search(self, queryset: QuerySet[Order], q: str) -> QuerySet[Order]:
        return search(queryset, q)


document_list = list_view(DocumentList)
tax_list = list_view(TaxList)
to_bill_list = list_view(ToBillList)
