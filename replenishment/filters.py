"""The filters of the lists of alerts, policies and needs."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import YesNoFilter
from inventory.models import Location, ReorderPolicy
from orders.filters import NamedFilter
from purchasing.models import Supplier, SupplierItem
from replenishment.models import Alert, Need
from replenishment.states import AlertKind


def _place(field: str) -> NamedFilter:
    return NamedFilter(
        field_name=field, queryset=lambda request: Location.objects.order_by("name"), label=_("Location")
    )


def _sku(path: str) -> filters.CharFilter:
    return filters.CharFilter(label=_("SKU, exactly"), max_length=64, field_name=path)


class AlertFilter(filters.FilterSet):
    """Where, which SKU, how bad."""

    location = _place("location")
    total = YesNoFilter(label=_("In total"), field_name="location", lookup_expr="isnull")
    kind = filters.ChoiceFilter(choices=AlertKind.choices, label=_("Alert"))
    sku = _sku("variant__sku")

    class Meta:
        model = Alert
        fields: list[str] = []


class PolicyFilter(filters.FilterSet):
    """Where, which SKU, what kind of product, who set it."""

    location = _place("location")
    total = YesNoFilter(label=_("In total"), field_name="location", lookup_expr="isnull")
    sku = _sku("variant__sku")
    product_type = filters.CharFilter(
        label=_("Product type"), max_length=120, field_name="variant__product__product_type", lookup_expr="iexact"
    )
    vendor = filters.CharFilter(
        label=_("Vendor"), max_length=120, field_name="variant__product__vendor", lookup_expr="iexact"
    )
    source = filters.ChoiceFilter(choices=ReorderPolicy.Source.choices, label=_("Source"))
    tells = YesNoFilter(label=_("Tells when it is reached"), field_name="alert")

    class Meta:
        model = ReorderPolicy
        fields: list[str] = []


class NeedFilter(filters.FilterSet):
    """For where, which SKU, from whom."""

    location = _place("policy__location")
    total = YesNoFilter(label=_("In total"), field_name="policy__location", lookup_expr="isnull")
    sku = _sku("policy__variant__sku")
    supplier = NamedFilter(
        queryset=lambda request: Supplier.objects.filter(active=True).order_by("name"),
        label=_("Supplier"),
        method="filter_supplier",
    )
    waiting = YesNoFilter(label=_("Back-ordered"), method="filter_waiting")

    class Meta:
        model = Need
        fields: list[str] = []

    def filter_supplier(self, queryset: QuerySet[Need], name: str, value: Any) -> QuerySet[Need]:
        items = SupplierItem.objects.filter(supplier=value, variant_id=OuterRef("policy__variant_id"))
        return queryset.filter(Exists(items))

    def filter_waiting(self, queryset: QuerySet[Need], name: str, value: str) -> QuerySet[Need]:
        return queryset.filter(waiting__gt=0) if value == "yes" else queryset.filter(waiting=0)
