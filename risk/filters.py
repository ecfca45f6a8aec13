"""The filters of the review queue and of the list of addresses."""

from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.listing.filters import YesNoFilter
from orders.filters import NamedFilter
from orders.models import Channel
from risk.models import AddressCheck, RiskAssessment
from risk.states import AddressState, Level, RuleKind


class RiskFilter(filters.FilterSet):
    """How bad, by which rule, from which channel."""

    level = filters.ChoiceFilter(
        label=_("Risk"), choices=[(Level.REVIEW, Level.REVIEW.label), (Level.HOLD, Level.HOLD.label)]
    )
    rule = filters.ChoiceFilter(label=_("What speaks against it"), choices=RuleKind.choices, method="filter_rule")
    channel = NamedFilter(
        field_name="order__channel", queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel")
    )
    score_from = filters.NumberFilter(label=_("Score from"), field_name="score", lookup_expr="gte", max_digits=7)

    class Meta:
        model = RiskAssessment
        fields: list[str] = []

    def filter_rule(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(findings__contains=[{"kind": value}])


class AddressFilter(filters.FilterSet):
    """What is wrong, and whether anything can be delivered like that."""

    state = filters.ChoiceFilter(
        label=_("Address"), choices=[choice for choice in AddressState.choices if choice[0] != AddressState.OK]
    )
    undeliverable = YesNoFilter(label=_("Undeliverable"))
    channel = NamedFilter(
        field_name="order__channel", queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel")
    )

    class Meta:
        model = AddressCheck
        fields: list[str] = []
