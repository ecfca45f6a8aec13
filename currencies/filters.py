"""The filters of the lists of rates."""

from __future__ import annotations

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from currencies.models import ExchangeRate, Source
from orders.models import MissingRate


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"})


class RateFilter(filters.FilterSet):
    """A currency on either side, the source, days."""

    currency = filters.CharFilter(label=_("Currency"), max_length=3, method="filter_currency")
    source = filters.ChoiceFilter(choices=Source.choices, label=_("Source"))
    day_from = filters.DateFilter(field_name="day", lookup_expr="gte", label=pgettext_lazy("day", "From"), widget=_day())
    day_to = filters.DateFilter(field_name="day", lookup_expr="lte", label=pgettext_lazy("day", "To"), widget=_day())

    class Meta:
        model = ExchangeRate
        fields: list[str] = []

    def filter_currency(self, queryset: QuerySet[ExchangeRate], name: str, value: str) -> QuerySet[ExchangeRate]:
        code = value.strip().upper()
        return queryset.filter(Q(quote=code) | Q(base=code))


class UnratedFilter(filters.FilterSet):
    """The order's currency, and days."""

    currency = filters.CharFilter(label=_("Currency"), max_length=3, lookup_expr="iexact")
    placed_from = filters.DateFilter(field_name="placed_on", lookup_expr="gte", label=_("Placed from"), widget=_day())
    placed_to = filters.DateFilter(field_name="placed_on", lookup_expr="lte", label=_("Placed to"), widget=_day())

    class Meta:
        model = MissingRate
        fields: list[str] = []
