"""The columns of the list of lanes."""

from __future__ import annotations

from html import escape
from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class AnyColumn(c.TextColumn):
    """A name, or that it is for all."""

    def cell(self, record: Any) -> str:
        return super().cell(record) or f'<em class="soft">{escape(translate("All"))}</em>'


class LaneTable(tables.Table):
    """A lane a row, beside it what its parcels really took (`parcels`, `half`, `nine_tenths` of the list's queryset)."""

    lane = c.LinkColumn("delivery-lane", accessor="ends", verbose_name=_("Lane"))
    postal = c.TextColumn(accessor="postal_prefix", verbose_name=_("Postal codes from"))
    carrier = AnyColumn(verbose_name=_("Carrier"))
    service = AnyColumn(verbose_name=_("Service"))
    least = c.NumberColumn(accessor="min_days", verbose_name=_("Least"))
    most = c.NumberColumn(accessor="max_days", verbose_name=_("Most"))
    half = c.NumberColumn(verbose_name=_("Half arrived within"))
    nine_tenths = c.NumberColumn(verbose_name=_("Nine of ten within"))
    parcels = c.NumberColumn(verbose_name=_("Parcels counted"))
