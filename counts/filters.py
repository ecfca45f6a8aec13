"""The filters of the list of counts."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import DayRangeFilter, YesNoFilter
from counts.models import StockCount, StockCountLine
from counts.states import CountKind, CountState
from inventory.models import Location
from orders.filters import NamedFilter


class CountFilter(filters.FilterSet):
    """Where, of what, in which state, of which SKU."""

    location = NamedFilter(queryset=lambda request: Location.objects.order_by("name"), label=_("Location"))
    state = filters.ChoiceFilter(choices=CountState.choices, label=_("State"))
    kind = filters.ChoiceFilter(choices=CountKind.choices, label=_("Of what"))
    blind = YesNoFilter(label=_("Blind"))
    sku = filters.CharFilter(label=_("SKU"), max_length=64, method="filter_sku")
    created = DayRangeFilter(field_name="created_at", label=_("Made"))

    class Meta:
        model = StockCount
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        lines = StockCountLine.objects.filter(count=OuterRef("pk"), variant__sku=value.strip())
        return queryset.filter(Exists(lines))
