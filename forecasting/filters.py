"""The filters of the list of forecasts."""

from __future__ import annotations

import django_filters as filters
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import YesNoFilter
from forecasting.models import ForecastResult, Pattern, Speed
from forecasting.naming import MODELS
from inventory.models import Location


class ForecastFilter(filters.FilterSet):
    """Where, how it sells, which model, and whether it wants reordering."""

    location = filters.ModelChoiceFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=_("Location")
    )
    sku = filters.CharFilter(field_name="variant__sku", label=_("SKU, exactly"), max_length=64)
    speed = filters.ChoiceFilter(choices=Speed.choices, label=_("Class"))
    pattern = filters.ChoiceFilter(choices=Pattern.choices, label=_("Pattern"))
    model = filters.ChoiceFilter(choices=list(MODELS.items()), label=_("Model"))
    cover_to = filters.NumberFilter(
        field_name="days_of_cover", lookup_expr="lte", label=_("Days of cover, at most"), decimal_places=1, max_digits=6
    )
    due = YesNoFilter(label=_("At or below the reorder point"), method="filter_due")

    class Meta:
        model = ForecastResult
        fields: list[str] = []

    def filter_due(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        due = queryset.filter(position__lte=F("reorder_point"), mean_daily__gt=0)
        return due if value == "yes" else queryset.exclude(pk__in=due.values("pk"))
