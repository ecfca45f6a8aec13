"""The columns of the transfers list."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class TransferTable(tables.Table):
    """A transfer a row."""

    number = c.LinkColumn("transfer", verbose_name=_("Transfer"))
    state = c.BadgeColumn("transfer", verbose_name=_("State"))
    origin = c.TextColumn(accessor="origin.name", verbose_name=_("From"))
    destination = c.TextColumn(accessor="destination.name", verbose_name=_("To"))
    units = c.NumberColumn(verbose_name=_("Units"))
    shipped = c.NumberColumn(verbose_name=_("Shipped"))
    received = c.NumberColumn(verbose_name=_("Received"))
    outstanding = c.NumberColumn(verbose_name=_("On the way"))
    expected = c.DateColumn(accessor="expected_on", verbose_name=_("Expected on"))
    created = c.TimeColumn(accessor="created_at", verbose_name=_("Created"))
    reference = c.TextColumn(verbose_name=_("Reference"), visible=False)
    damaged = c.NumberColumn(verbose_name=_("Damaged"), visible=False)
    over = c.NumberColumn(verbose_name=_("More than sent"), visible=False)
    lost = c.NumberColumn(verbose_name=_("Lost"), visible=False)
    returned = c.NumberColumn(verbose_name=_("Back at the origin"), visible=False)
    dispatched = c.TimeColumn(accessor="dispatched_at", verbose_name=_("Dispatched"), visible=False)
    closed = c.TimeColumn(accessor="closed_at", verbose_name=_("Closed"), visible=False)
