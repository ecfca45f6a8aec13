"""The columns of the lists of rates."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.listing import columns as c
from currencies.queries import rate_text


class RateColumn(c.ListColumn):
    """A rate, without the zeros behind it."""

    css = "num"
    is_number = True

    def cell(self, record: Any) -> str:
        return f'<bdi class="mono">{rate_text(self.value_of(record))}</bdi>'

    def export(self, record: Any) -> Any:
        return self.value_of(record)


class RateTable(tables.Table):
    """A rate a row: what one of a currency was worth in another."""

    day = c.DateColumn(verbose_name=_("Day"))
    base = c.TextColumn(verbose_name=_("One"))
    quote = c.TextColumn(verbose_name=_("In"))
    rate = RateColumn(verbose_name=pgettext_lazy("exchange", "Rate"))
    source = c.BadgeColumn("rate.source", verbose_name=_("Source"))
    added = c.TimeColumn(accessor="created_at", verbose_name=_("Added"), visible=False)


class UnratedTable(tables.Table):
    """An order that waits for a rate."""

    number = c.LinkColumn("order", accessor="order.number", arg="order_id", verbose_name=_("Order"))
    placed = c.DateColumn(accessor="placed_on", verbose_name=_("Placed"))
    channel = c.TextColumn(accessor="order.channel.name", verbose_name=_("Channel"), soft=True)
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    currency = c.TextColumn(verbose_name=_("Currency"))
    total = c.MoneyColumn(accessor="order.total", currency="currency", verbose_name=_("Total"))
