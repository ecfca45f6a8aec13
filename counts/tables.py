"""The columns of the list of counts."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c
from counts.models import StockCount


class CountTable(tables.Table):
    """A count a row; `line_count` and `lines_done` are annotations of the list's queryset."""

    number = c.LinkColumn("count", verbose_name=_("Count"))
    state = c.BadgeColumn("count", verbose_name=_("State"))
    location = c.TextColumn(accessor="location.name", verbose_name=_("Location"))
    kind = c.BadgeColumn("count.kind", verbose_name=_("Of what"))
    scope = c.TextColumn(accessor="scope", verbose_name=_("Which"), soft=True)
    lines = c.NumberColumn(accessor="line_count", verbose_name=_("Lines"))
    done = c.NumberColumn(accessor="lines_done", verbose_name=_("Counted"))
    blind = c.BooleanColumn(verbose_name=_("Blind"), visible=False)
    assigned = c.TextColumn(accessor="assigned_to", verbose_name=_("Assigned to"))
    created = c.TimeColumn(accessor="created_at", verbose_name=_("Made"))
    posted = c.TimeColumn(accessor="posted_at", verbose_name=_("Posted"), visible=False)

    def render_scope(self, record: StockCount) -> str:
        return scope_words(record)

    def value_scope(self, record: StockCount) -> str:
        return scope_words(record)

    def render_assigned(self, record: Any) -> str:
        return self.value_assigned(record)

    def value_assigned(self, record: Any) -> str:
        person = record.assigned_to
        return (person.get_full_name() or person.get_username()) if person else ""


def scope_words(count: StockCount) -> str:
    """“A-1, A-2”, “A” or nothing: which bins or class a count is of."""
    if "abc" in count.scope:
        return str(count.scope["abc"])
    return ", ".join(name or "—" for name in count.scope.get("bins", []))
