"""The columns of the drafts list."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class DraftTable(tables.Table):
    """A draft a row."""

    number = c.LinkColumn("draft", verbose_name=_("Draft"))
    state = c.BadgeColumn("draft", verbose_name=_("State"))
    customer = c.TextColumn(accessor="customer_name", verbose_name=_("Customer"))
    scenario = c.BadgeColumn("draft.scenario", verbose_name=_("How"))
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"), soft=True)
    units = c.NumberColumn(verbose_name=_("Items"))
    total = c.MoneyColumn(verbose_name=_("Total"))
    hold_until = c.TimeColumn(verbose_name=_("Stock held until"))
    expires = c.TimeColumn(accessor="expires_at", verbose_name=_("Ends"))
    order = c.TextColumn(accessor="order.number", verbose_name=_("Order"))
    created = c.TimeColumn(accessor="created_at", verbose_name=_("Created"))
    author = c.TextColumn(accessor="author_label", verbose_name=_("By"), soft=True)
    email = c.TextColumn(verbose_name=_("E-mail"), visible=False)
    po_number = c.TextColumn(verbose_name=_("Purchase-order number"), visible=False)
    tags = c.TagsColumn(verbose_name=_("Tags"), visible=False)
