"""The filters of the work queue."""

from __future__ import annotations

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from fulfillment.models import FulfillmentLine, FulfillmentOrder
from fulfillment.states import FulfillmentState, Service
from inventory.models import Location
from orders.filters import country_choices


class QueueFilter(filters.FilterSet):
    """Where, what and to whom."""

    location = filters.ModelChoiceFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=_("Location")
    )
    state = filters.ChoiceFilter(choices=FulfillmentState.choices, label=_("State"))
    service = filters.ChoiceFilter(choices=Service.choices, label=_("Service"))
    sku = filters.CharFilter(label=_("SKU"), max_length=64, method="filter_sku")
    country = filters.ChoiceFilter(field_name="order__ship_country", label=_("Ship to"), choices=country_choices)
    has_label = filters.ChoiceFilter(
        choices=[("true", _("Bought")), ("false", _("Not yet"))], label=_("Label"), method="filter_label"
    )

    class Meta:
        model = FulfillmentOrder
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        lines = FulfillmentLine.objects.filter(
            fulfillment_order=OuterRef("pk"), order_line__sku__iexact=value.strip(), quantity__gt=0
        )
        return queryset.filter(Exists(lines))

    def filter_label(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(has_label=value == "true")
