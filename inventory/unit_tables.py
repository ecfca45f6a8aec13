"""The columns and filters of the lists of lots and serial numbers."""

from __future__ import annotations

from typing import Any

import django_filters as filters
import django_tables2 as tables
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c
from inventory.models import Location, Lot, LotLevel, SerialNumber, SerialState


class LotTable(tables.Table):
    """A lot a row; the counts are annotations of the list's queryset."""

    lot = c.LinkColumn("lot", accessor="shown_code", verbose_name=_("Lot"))
    sku = c.LinkColumn("product", arg="variant.product_id", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"), soft=True)
    expires = c.DateColumn(accessor="expires_on", verbose_name=_("Expires on"))
    on_hand = c.NumberColumn(verbose_name=_("On hand"))
    set_aside = c.NumberColumn(verbose_name=_("Set aside"))
    picked = c.NumberColumn(verbose_name=_("In totes"))
    free = c.NumberColumn(verbose_name=_("On the shelf"))
    added = c.TimeColumn(accessor="created_at", verbose_name=_("First seen"), visible=False)


class SerialTable(tables.Table):
    """A unit a row."""

    serial = c.LinkColumn("serial", verbose_name=_("Serial number"))
    sku = c.LinkColumn("product", arg="variant.product_id", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"), soft=True)
    state = c.BadgeColumn("serial.state", verbose_name=_("State"))
    location = c.TextColumn(accessor="location_name", verbose_name=_("Location"))
    added = c.TimeColumn(accessor="created_at", verbose_name=_("First seen"))


class LotFilter(filters.FilterSet):
    """Which SKU, where, until when."""

    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    location = filters.ModelChoiceFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=_("Location"), method="filter_location"
    )
    expires_to = filters.DateFilter(field_name="expires_on", lookup_expr="lte", label=_("Expires on or before"))

    class Meta:
        model = Lot
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(is_variant(value, "variant__"))

    def filter_location(self, queryset: QuerySet, name: str, value: Any) -> QuerySet:
        return queryset.filter(pk__in=LotLevel.objects.filter(location=value, on_hand__gt=0).values("lot"))


class SerialFilter(filters.FilterSet):
    """Which SKU, where, in which state."""

    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    location = filters.ModelChoiceFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=_("Location")
    )
    state = filters.ChoiceFilter(choices=SerialState.choices, label=_("State"))

    class Meta:
        model = SerialNumber
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(is_variant(value, "variant__"))


def is_variant(text: str, path: str) -> Q:
    """The variant of that SKU or barcode; path leads to it."""
    text = text.strip()
    return Q(**{f"{path}sku": text}) | Q(**{f"{path}barcode": text}) & ~Q(**{f"{path}barcode": ""})
