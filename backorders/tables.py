"""The columns of the list of what waits."""

from __future__ import annotations

from html import escape
from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from backorders.wording import source_text
from core.listing import columns as c


class SourcesColumn(c.ListColumn):
    """What a line waits for, with the units where there are several."""

    def _texts(self, record: Any) -> list[str]:
        parts = record.waits_for or []
        if len(parts) == 1:
            return [source_text(parts[0][0], parts[0][1])]
        return [f"{units} × {source_text(source, number)}" for source, number, units in parts]

    def cell(self, record: Any) -> str:
        return "<br>".join(f"<bdi>{escape(text)}</bdi>" for text in self._texts(record))

    def export(self, record: Any) -> Any:
        return "; ".join(self._texts(record))


class StandingColumn(c.BadgeColumn):
    """Whether the first promise is kept."""

    def value_of(self, record: Any) -> Any:
        if record.promised_on is None:
            return "late" if record.first_promised_on else "open"
        return "late" if record.late else "kept"


class PromiseTable(tables.Table):
    """A waiting line a row."""

    sku = c.LinkColumn("backorder", accessor="line.sku", arg="variant_id", verbose_name=_("SKU"))
    order = c.LinkColumn("order", accessor="order.number", arg="order_id", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    units = c.NumberColumn(verbose_name=_("Units"))
    waiting = c.TimeColumn(accessor="waiting_since", verbose_name=_("Waits since"))
    source = SourcesColumn(accessor="pk", verbose_name=_("Waits for"))
    promised = c.DateColumn(accessor="promised_on", verbose_name=_("Should leave on"))
    standing = StandingColumn("backorders.promise", accessor="pk", verbose_name=_("Promise"))
    title = c.TextColumn(accessor="line.title", verbose_name=_("Title"), visible=False)
    first = c.DateColumn(accessor="first_promised_on", verbose_name=_("First promise"), visible=False)
    told = c.TimeColumn(accessor="told_at", verbose_name=_("Last told"), visible=False)
