"""The columns of the imports list."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.listing import columns as c


class KindColumn(c.TextColumn):
    """What the file holds, in words."""

    def value_of(self, record: Any) -> Any:
        return record.get_kind_display()


class ImportTable(tables.Table):
    """One imported file a row."""

    file = c.LinkColumn("import", accessor="file_name", verbose_name=_("File"))
    kind = KindColumn(verbose_name=pgettext_lazy("file", "Holds"))
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"), soft=True)
    state = c.BadgeColumn("job", accessor="job.state", verbose_name=_("State"))
    created = c.NumberColumn(verbose_name=_("Created"))
    updated = c.NumberColumn(verbose_name=_("Updated"))
    unchanged = c.NumberColumn(verbose_name=_("Unchanged"))
    refused = c.NumberColumn(verbose_name=_("Refused"))
    who = c.TextColumn(accessor="job.actor_label", verbose_name=_("By"), soft=True)
    at = c.TimeColumn(accessor="created_at", verbose_name=_("Started"))
