"""The columns of the customers list."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class CustomerTable(tables.Table):
    """A customer a row; `orders` and `last_order_at` are annotations of the list's queryset."""

    name = c.LinkColumn("customer", accessor="shown_name", verbose_name=_("Customer"))
    email = c.TextColumn(verbose_name=_("E-mail"))
    phone = c.TextColumn(verbose_name=_("Phone"), soft=True)
    orders = c.NumberColumn(accessor="order_count", verbose_name=_("Orders"))
    last_order = c.TimeColumn(accessor="last_order_at", verbose_name=_("Last order"))
    since = c.TimeColumn(accessor="created_at", verbose_name=_("Known since"))
    language = c.TextColumn(verbose_name=_("Language"), visible=False)
    accepts_marketing = c.BooleanColumn(verbose_name=_("Wants news"), visible=False)
