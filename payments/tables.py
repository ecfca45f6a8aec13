"""The columns of the payments list."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class PaymentTable(tables.Table):
    """A payment a row."""

    order = c.LinkColumn("payment", accessor="order.number", verbose_name=_("Order"))
    account = c.TextColumn(accessor="account.name", verbose_name=_("Account"))
    state = c.BadgeColumn("payment.intent", verbose_name=_("State"))
    amount = c.MoneyColumn(currency="currency", verbose_name=_("Amount"))
    captured = c.MoneyColumn(currency="currency", verbose_name=_("Captured"))
    refunded = c.MoneyColumn(currency="currency", verbose_name=_("Refunded"))
    held = c.MoneyColumn(currency="currency", verbose_name=_("Held"), orderable=False)
    method = c.TextColumn(verbose_name=_("Paid by"))
    begun = c.TimeColumn(accessor="created_at", verbose_name=_("Begun"))
    ends = c.TimeColumn(accessor="expires_at", verbose_name=_("Ends"), visible=False)
    reference = c.TextColumn(verbose_name=_("Reference"), visible=False)
