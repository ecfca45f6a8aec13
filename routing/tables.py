"""The columns of the list of rule-set versions."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class RuleSetTable(tables.Table):
    """A version a row."""

    version = c.LinkColumn("routing-version", arg="version", verbose_name=_("Version"))
    live = c.BadgeColumn("routing.version", verbose_name=_("State"))
    published = c.TimeColumn(accessor="created_at", verbose_name=_("Published"))
    who = c.TextColumn(accessor="actor_label", verbose_name=_("By"))
    note = c.TextColumn(verbose_name=_("Note"))
