"""The filters of the returns list."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from inventory.models import Location
from orders.filters import NamedFilter
from orders.queries import day_bounds, shop_zone
from returns.models import Return, ReturnLine
from returns.states import ReturnReason, ReturnState


class ReturnFilter(filters.FilterSet):
    """State, place, reason, SKU and days of the shop's zone."""

    state = filters.ChoiceFilter(choices=ReturnState.choices, label=_("State"))
    location = NamedFilter(queryset=lambda request: Location.objects.order_by("name"), label=_("Goes to"))
    reason = filters.ChoiceFilter(choices=ReturnReason.choices, label=_("Reason"), method="filter_reason")
    sku = filters.CharFilter(label=_("SKU"), max_length=64, method="filter_sku")
    requested_from = filters.DateFilter(
        label=_("Requested from"), method="filter_from", widget=forms.DateInput(attrs={"type": "date"})
    )
    requested_to = filters.DateFilter(
        label=_("Requested to"), method="filter_to", widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = Return
        fields: list[str] = []

    def filter_reason(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(Exists(ReturnLine.objects.filter(return_request=OuterRef("pk"), reason=value)))

    def filter_sku(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        lines = ReturnLine.objects.filter(return_request=OuterRef("pk"), order_line__sku__iexact=value.strip())
        return queryset.filter(Exists(lines))

    def filter_from(self, queryset: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        return queryset.filter(requested_at__gte=day_bounds(value, shop_zone())[0])

    def filter_to(self, queryset: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        return queryset.filter(requested_at__lt=day_bounds(value, shop_zone())[1])
