"""The columns of the returns list."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class ReturnTable(tables.Table):
    """A return a row."""

    number = c.LinkColumn("return", verbose_name=_("Return"))
    state = c.BadgeColumn("return", verbose_name=_("State"))
    requested = c.TimeColumn(accessor="requested_at", verbose_name=_("Requested"))
    order = c.LinkColumn("order", accessor="order.number", arg="order_id", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    units = c.NumberColumn(verbose_name=_("Units"))
    received = c.NumberColumn(verbose_name=_("Received"))
    location = c.TextColumn(accessor="location.name", verbose_name=_("Goes to"), soft=True)
    refund = c.MoneyColumn(accessor="refund.amount", currency="order.currency", verbose_name=_("Refund"))
    inspected = c.NumberColumn(verbose_name=_("Inspected"), visible=False)
    email = c.TextColumn(accessor="order.email", verbose_name=_("E-mail"), visible=False)
    country = c.TextColumn(accessor="order.ship_country", verbose_name=_("Country"), visible=False)
    settled = c.TimeColumn(accessor="resolved_at", verbose_name=_("Resolved"), visible=False)
