"""The filters of the transfers list."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import DayRangeFilter
from inventory.models import Location
from orders.filters import NamedFilter
from transfers.models import Transfer
from transfers.queries import DISCREPANT, containing
from transfers.states import TransferState


def _places(request: Any) -> QuerySet[Location]:
    return Location.objects.order_by("name")


class TransferFilter(filters.FilterSet):
    """State, both places, SKU, days, and whether something was not as it should be."""

    state = filters.ChoiceFilter(choices=TransferState.choices, label=_("State"))
    origin = NamedFilter(queryset=_places, label=_("From"))
    destination = NamedFilter(queryset=_places, label=_("To"))
    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    expected = DayRangeFilter(field_name="expected_on", label=_("Expected on"))
    discrepant = filters.ChoiceFilter(
        choices=[("yes", _("Short, over or damaged"))], label=_("Discrepancies"), method="filter_discrepant"
    )

    class Meta:
        model = Transfer
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return containing(queryset, value)

    def filter_discrepant(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(DISCREPANT)
