"""The filters of the drafts list."""

from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import DayRangeFilter, YesNoFilter
from drafts.models import DraftOrder
from drafts.states import DraftState, Scenario
from orders.filters import NamedFilter
from orders.models import Channel


class DraftFilter(filters.FilterSet):
    """State, how it comes in, channel, held stock, day."""

    state = filters.ChoiceFilter(choices=DraftState.choices, label=_("State"))
    scenario = filters.ChoiceFilter(choices=Scenario.choices, label=_("How it comes in"))
    channel = NamedFilter(queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel"))
    held = YesNoFilter(label=_("Holds stock"), method="filter_held")
    created = DayRangeFilter(field_name="created_at", label=_("Created"))

    class Meta:
        model = DraftOrder
        fields: list[str] = []

    def filter_held(self, queryset: QuerySet[DraftOrder], name: str, value: str) -> QuerySet[DraftOrder]:
        return queryset.filter(hold_until__isnull=value != "yes")
