"""The columns of invoicing's lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from babel.numbers import format_percent
from django.utils.translation import gettext_lazy as _

from core.formats import active_locale
from core.listing import columns as c
from invoicing.states import DocumentKind


class SignedMoney(c.MoneyColumn):
    """An amount that a credit note takes away: below zero on one. kind: attribute path of the document's kind."""

    def __init__(self, *args: Any, kind: str = "kind", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kind = kind.split(".")

    def value_of(self, record: Any) -> Decimal | None:
        value = super().value_of(record)
        kind = record
        for step in self._kind:
            kind = getattr(kind, step)
        return -value if value is not None and kind == DocumentKind.CREDIT_NOTE else value


class RateColumn(c.ListColumn):
    """A fraction as a percentage; files get the percentage as a number."""

    css = "num"
    is_number = True

    def cell(self, record: Any) -> str:
        value = self.value_of(record)
        if value is None:
            return "–"
        text = format_percent(value.normalize(), locale=active_locale(), decimal_quantization=False)
        return f"<bdi>{c._esc(text)}</bdi>"

    def export(self, record: Any) -> Decimal | None:
        value = self.value_of(record)
        return None if value is None else (value * 100).normalize() + Decimal(0)


class DocumentTable(tables.Table):
    """A document a row."""

    number = c.LinkColumn("invoice", verbose_name=_("Number"))
    kind = c.BadgeColumn("document.kind", verbose_name=_("Kind"))
    issued = c.DateColumn(accessor="issued_on", verbose_name=_("Issued"))
    buyer = c.TextColumn(accessor="buyer_name", verbose_name=_("Buyer"))
    order = c.LinkColumn("order", accessor="order_number", arg="order_id", verbose_name=_("Order"))
    corrects = c.TextColumn(accessor="corrects.number", verbose_name=_("Corrects"), soft=True, visible=False)
    net = SignedMoney(accessor="net_total", verbose_name=_("Net"), visible=False)
    tax = SignedMoney(accessor="tax_total", verbose_name=_("Tax"))
    total = SignedMoney(verbose_name=_("Total"))
    due = c.DateColumn(accessor="due_on", verbose_name=_("Due date"), visible=False)
    country = c.TextColumn(accessor="buyer_country", verbose_name=_("Country"), visible=False)
    po_number = c.TextColumn(verbose_name=_("Their order number"), visible=False)
    currency = c.TextColumn(verbose_name=_("Currency"), visible=False)
    email = c.TextColumn(verbose_name=_("E-mail"), visible=False)
    by = c.TextColumn(accessor="actor_label", verbose_name=_("Issued by"), visible=False)


class TaxTable(tables.Table):
    """One rate of one document a row: what an accountant books."""

    number = c.LinkColumn("invoice", accessor="document.number", arg="document_id", verbose_name=_("Number"))
    kind = c.BadgeColumn("document.kind", accessor="document.kind", verbose_name=_("Kind"))
    issued = c.DateColumn(accessor="document.issued_on", verbose_name=_("Issued"))
    order = c.TextColumn(accessor="document.order_number", verbose_name=_("Order"), soft=True, visible=False)
    buyer = c.TextColumn(accessor="document.buyer_name", verbose_name=_("Buyer"))
    tax_number = c.TextColumn(accessor="buyer_tax_number", verbose_name=_("Tax number"))
    country = c.TextColumn(accessor="document.buyer_country", verbose_name=_("Country"))
    rate = RateColumn(verbose_name=_("Rate in %"))
    net = SignedMoney(currency="document.currency", kind="document.kind", verbose_name=_("Net"))
    tax = SignedMoney(currency="document.currency", kind="document.kind", verbose_name=_("Tax"))
    gross = SignedMoney(currency="document.currency", kind="document.kind", verbose_name=_("Gross"))
    currency = c.TextColumn(accessor="document.currency", verbose_name=_("Currency"))
    corrects = c.TextColumn(accessor="document.corrects.number", verbose_name=_("Corrects"), visible=False)


class ToBillTable(tables.Table):
    """An order without an invoice a row."""

    number = c.LinkColumn("order", verbose_name=_("Order"))
    placed = c.TimeColumn(accessor="placed_at", verbose_name=_("Placed"))
    customer = c.TextColumn(accessor="customer_name", verbose_name=_("Customer"))
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"), soft=True)
    payment = c.BadgeColumn("order.payment", verbose_name=_("Payment"))
    fulfillment = c.BadgeColumn("order.fulfillment", verbose_name=_("Fulfillment"))
    total = c.MoneyColumn(verbose_name=_("Total"))
