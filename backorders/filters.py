"""The filters of the list of what waits."""

from __future__ import annotations

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from backorders.models import LinePromise, PromisePart
from backorders.reading import RELEASE, STOCK

SOURCES = [
    ("purchase_line", _("A purchase order")),
    ("transfer_line", _("A transfer")),
    (STOCK, _("Goods that are here")),
    (RELEASE, _("A release")),
    ("none", _("Nothing on its way")),
]


class PromiseFilter(filters.FilterSet):
    """Which SKU, what it waits for, by when."""

    sku = filters.CharFilter(label=_("SKU, exactly"), field_name="line__sku", lookup_expr="exact", max_length=64)
    source = filters.ChoiceFilter(label=_("Waits for"), choices=SOURCES, method="filter_source")
    number = filters.CharFilter(label=_("Purchase order or transfer"), max_length=24, method="filter_number")

    class Meta:
        model = LinePromise
        fields: list[str] = []

    def filter_source(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        parts = PromisePart.objects.filter(promise=OuterRef("pk"))
        if value == "none":
            return queryset.filter(Exists(parts.filter(source="")))
        found = (
            parts.filter(source=value) if value in (STOCK, RELEASE) else parts.filter(source__startswith=f"{value}:")
        )
        return queryset.filter(Exists(found))

    def filter_number(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(Exists(PromisePart.objects.filter(promise=OuterRef("pk"), number=value.strip())))
