"""The filters of purchasing's lists."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import YesNoFilter
from inventory.models import Location
from orders.filters import NamedFilter
from purchasing.models import PurchaseLine, PurchaseOrder, Receipt, Supplier, SupplierItem, VariantCost
from purchasing.states import PurchaseState


def _suppliers(request: Any) -> QuerySet[Supplier]:
    return Supplier.objects.order_by("name").only("name")


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"})


class PurchaseFilter(filters.FilterSet):
    """State, supplier, destination, SKU, days."""

    state = filters.ChoiceFilter(choices=PurchaseState.choices, label=_("State"))
    supplier = NamedFilter(queryset=_suppliers, label=_("Supplier"))
    location = NamedFilter(queryset=lambda request: Location.objects.order_by("name"), label=_("Deliver to"))
    sku = filters.CharFilter(label=_("SKU"), max_length=64, method="filter_sku")
    expected_from = filters.DateFilter(
        field_name="expected_on", lookup_expr="gte", label=_("Expected from"), widget=_day()
    )
    expected_to = filters.DateFilter(field_name="expected_on", lookup_expr="lte", label=_("Expected to"), widget=_day())
    automatic = YesNoFilter(field_name="automatic", label=_("Made automatically"))

    class Meta:
        model = PurchaseOrder
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        lines = PurchaseLine.objects.filter(order=OuterRef("pk"), variant__sku__iexact=value.strip())
        return queryset.filter(Exists(lines))


class SupplierFilter(filters.FilterSet):
    """Currency, and who sells a SKU."""

    currency = filters.CharFilter(label=_("Currency"), max_length=3, lookup_expr="iexact")
    sku = filters.CharFilter(label=_("Sells SKU"), max_length=64, method="filter_sku")

    class Meta:
        model = Supplier
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        items = SupplierItem.objects.filter(supplier=OuterRef("pk"), variant__sku__iexact=value.strip())
        return queryset.filter(Exists(items))


class ItemFilter(filters.FilterSet):
    """Whose prices."""

    supplier = NamedFilter(queryset=_suppliers, label=_("Supplier"))
    preferred = YesNoFilter(field_name="preferred", label=_("Preferred"))

    class Meta:
        model = SupplierItem
        fields: list[str] = []


class ReceiptFilter(filters.FilterSet):
    """From whom and where."""

    supplier = NamedFilter(queryset=_suppliers, field_name="order__supplier", label=_("Supplier"))
    location = NamedFilter(
        queryset=lambda request: Location.objects.order_by("name"),
        field_name="order__location",
        label=_("Delivered to"),
    )

    class Meta:
        model = Receipt
        fields: list[str] = []


class CostFilter(filters.FilterSet):
    """Goods of which nobody knows the cost."""

    unknown = YesNoFilter(label=_("Cost unknown"), method="filter_unknown")

    class Meta:
        model = VariantCost
        fields: list[str] = []

    def filter_unknown(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(unknown_units__gt=0) if value == "yes" else queryset.filter(unknown_units=0)
