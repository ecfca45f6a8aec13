"""Fiscal documents: numbered without a gap, written once. What a document shows is kept in it, so nothing that changes later shows in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings as django_settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import StoredFile, not_negative
from core.search import search_column
from customers.models import Customer
from invoicing.states import Automatic, DocumentKind
from orders.models import Channel, Order


def money(**kwargs: Any) -> models.DecimalField:
    """A column for an amount in the document's currency."""
    return models.DecimalField(max_digits=16, decimal_places=4, **{"default": Decimal(0), **kwargs})


class Settings(models.Model):
    """Who issues, and when documents are issued by themselves: one row (id 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    legal_name = models.CharField(_("legal name"), max_length=200, blank=True)
    line1 = models.CharField(_("street"), max_length=200, blank=True)
    line2 = models.CharField(_("second line"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    province = models.CharField(_("province"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    register_number = models.CharField(_("register number"), max_length=60, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    bank_name = models.CharField(_("bank"), max_length=120, blank=True)
    bank_account = models.CharField(_("account (IBAN)"), max_length=60, blank=True)
    bank_code = models.CharField(_("bank code (BIC)"), max_length=20, blank=True)
    footer = models.TextField(_("footer"), max_length=1000, blank=True)
    payment_days = models.PositiveSmallIntegerField(_("days to pay"), default=14)
    automatic = models.CharField(_("issue invoices"), max_length=10, choices=Automatic.choices, default=Automatic.NEVER)
    correct = models.BooleanField(_("correct issued invoices by themselves"), default=True)
    mail = models.BooleanField(_("mail what is issued by itself"), default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="invoicing_settings_are_one"),
            models.CheckConstraint(condition=Q(automatic__in=Automatic.values), name="invoicing_automatic_known"),
        ]


class BillingProfile(models.Model):
    """What documents say of a customer besides the order: a tax number, and the days to pay where they are not the shop's."""

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="billing")
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    payment_days = models.PositiveSmallIntegerField(_("days to pay"), null=True, blank=True)


class Series(models.Model):
    """Numbers of one kind of document; of one channel where it has its own. `{year}` in the prefix starts each year at the first number.

    The row is the lock under which numbers are taken (`operations.numbering`).
    """

    kind = models.CharField(_("kind"), max_length=12, choices=DocumentKind.choices)
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    prefix = models.CharField(_("prefix"), max_length=30)
    digits = models.PositiveSmallIntegerField(_("digits"), default=5)
    first = models.PositiveIntegerField(_("first number"), default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "channel"], name="series_of_kind_and_channel", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="series_kind_known"),
            models.CheckConstraint(condition=Q(digits__gte=1, digits__lte=12), name="series_digits"),
        ]


class SeriesCounter(models.Model):
    """The next number of a series in a period (a year, or always). last_on: the day of its last document; days never run back."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="counters")
    period = models.CharField(max_length=4, blank=True)
    first = models.PositiveIntegerField()
    next = models.PositiveIntegerField()
    last_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "period"], name="series_counter_of_period"),
            models.CheckConstraint(condition=Q(next__gte=F("first")), name="series_counter_counts_up"),
        ]


class Document(models.Model):
    """An issued document. A trigger refuses every change but one: the reference to its PDF is filled in once.

    lines: rows as `invoicing.billing.Row` writes them. On a credit note amounts are positive: what is credited.
    subject: "order:12", or what else a pro forma is for. key: names what issued it, so that it is issued once.
    """

    kind = models.CharField(max_length=12, choices=DocumentKind.choices)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="documents", db_index=False)
    period = models.CharField(max_length=4, blank=True)
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("number"), max_length=60, unique=True)
    subject = models.CharField(max_length=60)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="billing_documents")
    order_number = models.CharField(max_length=60, blank=True)
    corrects = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="credit_notes")
    issued_at = models.DateTimeField()
    issued_on = models.DateField()
    due_on = models.DateField(null=True)
    settled = models.BooleanField(default=False)  # paid when it was issued
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=8)
    tax_included = models.BooleanField()
    seller = models.JSONField()
    buyer = models.JSONField()
    buyer_name = models.CharField(max_length=200, blank=True)
    buyer_country = models.CharField(max_length=2, blank=True)
    email = models.CharField(max_length=254, blank=True)
    po_number = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    lines = models.JSONField()
    net_total = money()
    tax_total = money()
    total = money()
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    file = models.ForeignKey(StoredFile, null=True, on_delete=models.PROTECT, related_name="+")

    search_text = models.TextField(default="")
    search = search_column()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "period", "sequence"], name="document_sequence_once"),
            models.UniqueConstraint(fields=["subject", "key"], name="document_issued_once"),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="document_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=DocumentKind.CREDIT_NOTE, corrects__isnull=False)
                | (~Q(kind=DocumentKind.CREDIT_NOTE) & Q(corrects__isnull=True)),
                name="document_only_credit_notes_correct",
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=False) | Q(kind=DocumentKind.PRO_FORMA), name="document_is_of_an_order"
            ),
            models.CheckConstraint(condition=Q(total=F("net_total") + F("tax_total")), name="document_adds_up"),
            models.CheckConstraint(condition=not_negative("total"), name="document_total_not_negative"),
        ]
        indexes = [
            models.Index(fields=["-issued_at", "-id"], name="document_recent"),
            models.Index(fields=["issued_on"], name="document_day"),
            GinIndex(fields=["search"], name="document_search"),
        ]

    @property
    def signed_total(self) -> Decimal:
        """What it does to what is billed: a credit note takes away."""
        return -self.total if self.kind == DocumentKind.CREDIT_NOTE else self.total

    @property
    def file_name(self) -> str:
        """Its number as a file's name."""
        return "".join(char if char.isalnum() or char in "-_." else "-" for char in self.number) + ".pdf"

    @property
    def paper_language(self) -> str:
        return self.language or django_settings.LANGUAGE_CODE


class DocumentTax(models.Model):
    """What a document shows for one rate; append-only like its document. rate: a fraction, NULL for amounts outside of any tax."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="taxes")
    rate = models.DecimalField(max_digits=7, decimal_places=5, null=True)
    net = money()
    tax = money()
    gross = money()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "rate"], name="document_rate_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="document_tax_adds_up"),
        ]
