"""The filters of the list of nonconformances."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import DayRangeFilter
from inventory.models import Location
from orders.filters import NamedFilter
from quality.models import NonConformance, NonConformanceReason
from quality.states import CaseKind, CaseSource


class CaseFilter(filters.FilterSet):
    """Where, how, why, which SKU, when."""

    location = NamedFilter(queryset=lambda request: Location.objects.order_by("name"), label=_("Location"))
    kind = filters.ChoiceFilter(choices=CaseKind.choices, label=_("Set aside as"))
    reason = NamedFilter(queryset=lambda request: NonConformanceReason.objects.order_by("name"), label=_("Reason"))
    source = filters.ChoiceFilter(choices=CaseSource.choices, label=_("Found at"))
    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    created = DayRangeFilter(field_name="created_at", label=_("Opened"))

    class Meta:
        model = NonConformance
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.strip()
        return queryset.filter(Q(variant__sku=text) | Q(variant__barcode=text) & ~Q(variant__barcode=""))
