"""The columns of the list of nonconformances."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class CaseTable(tables.Table):
    """A case a row."""

    number = c.LinkColumn("nonconformance", verbose_name=_("Case"))
    state = c.BadgeColumn("nonconformance", verbose_name=_("State"))
    kind = c.BadgeColumn("nonconformance.kind", verbose_name=_("Set aside as"))
    sku = c.TextColumn(accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"), soft=True)
    location = c.TextColumn(accessor="location.name", verbose_name=_("Location"))
    open = c.NumberColumn(accessor="open_quantity", verbose_name=_("Open units"))
    quantity = c.NumberColumn(verbose_name=_("Units"))
    reason = c.TextColumn(accessor="reason.name", verbose_name=_("Reason"))
    source = c.BadgeColumn("nonconformance.source", verbose_name=_("Found at"), visible=False)
    created = c.TimeColumn(accessor="created_at", verbose_name=_("Opened"))
    resolved = c.TimeColumn(accessor="resolved_at", verbose_name=_("Resolved"), visible=False)
