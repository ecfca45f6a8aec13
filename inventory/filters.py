"""The filters of the lists of products, stock and locations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import MomentFilter, YesNoFilter
from inventory.models import Location, LocationKind, Product, StockLevel
from inventory.queries import SET_ASIDE, SOLD_OUT, sellable, unsellable, with_reservations

CONDITIONS = [
    ("reserved", _("Some reserved")),
    ("out", _("Nothing available")),
    ("negative", _("Available below zero")),
    ("set_aside", _("Some damaged or in quality control")),
    ("safety", _("With safety stock")),
    ("empty", _("Nothing on hand")),
]
_COUNT = {"decimal_places": 0, "max_digits": 10}


class StockFilter(filters.FilterSet):
    """Where, which SKU, which counts."""

    location = filters.ModelChoiceFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=_("Location")
    )
    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    bin = filters.CharFilter(label=_("Bin begins with"), max_length=40, method="filter_bin")
    condition = filters.ChoiceFilter(label=_("Only"), choices=CONDITIONS, method="filter_condition")
    available_from = filters.NumberFilter(
        field_name="available", lookup_expr="gte", label=_("Available, at least"), **_COUNT
    )
    available_to = filters.NumberFilter(label=_("Available, at most"), method="filter_available_to", **_COUNT)

    at = MomentFilter(label=_("Counts as they were at"))

    class Meta:
        model = StockLevel
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        text = value.strip()
        return queryset.filter(Q(variant__sku=text) | Q(variant__barcode=text) & ~Q(variant__barcode=""))

    def filter_bin(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(~Q(bin=""), bin__startswith=value.strip())

    def filter_available_to(self, queryset: QuerySet, name: str, value: Decimal) -> QuerySet:
        """At nothing or less it says so in the words of the partial index."""
        return queryset.filter(SOLD_OUT, available__lte=value) if value <= 0 else queryset.filter(available__lte=value)

    def filter_condition(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        if value == "reserved":
            return with_reservations(queryset)
        if value == "negative":
            return queryset.filter(SOLD_OUT, available__lt=0)
        return queryset.filter(_WORDS[value])


_WORDS: dict[str, Any] = {
    "out": SOLD_OUT,
    "set_aside": SET_ASIDE,
    "safety": Q(safety_stock__gt=0),
    "empty": Q(SOLD_OUT, on_hand=0),
}


class ProductFilter(filters.FilterSet):
    """What kind of product, whose, and whether there is any."""

    vendor = filters.CharFilter(label=_("Vendor"), lookup_expr="iexact", max_length=120)
    product_type = filters.CharFilter(label=_("Type"), lookup_expr="iexact", max_length=120)
    tag = filters.CharFilter(label=_("Tag"), max_length=60, method="filter_tag")
    stock = filters.ChoiceFilter(
        label=_("Stock"),
        choices=[("some", _("Some available")), ("none", _("Nothing available"))],
        method="filter_stock",
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def filter_tag(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(tags__contains=[value])

    def filter_stock(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return sellable(queryset) if value == "some" else unsellable(queryset)


class LocationFilter(filters.FilterSet):
    """What a location is and does."""

    kind = filters.ChoiceFilter(label=_("Kind"), choices=LocationKind.choices)
    ships_online = YesNoFilter(label=_("Ships online"))
    offers_pickup = YesNoFilter(label=_("Offers pickup"))
    accepts_returns = YesNoFilter(label=_("Accepts returns"))

    class Meta:
        model = Location
        fields: list[str] = []
