"""The filters of the list of rule-set versions."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from core.listing.filters import DayRangeFilter
from routing.models import RuleSet


class RuleSetFilter(django_filters.FilterSet):
    """Who, when, and a word of the note."""

    published = DayRangeFilter(field_name="created_at", label=_("Published"))
    who = django_filters.CharFilter(field_name="actor_label", lookup_expr="icontains", label=_("By"))
    note = django_filters.CharFilter(lookup_expr="icontains", label=_("Note"))

    class Meta:
        model = RuleSet
        fields: list[str] = []
