"""The filters of the lists of availability and its rules."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from availability.explain import rule_name
from availability.models import AvailabilityRule, ChannelAvailability, LocationPool, Scope
from core.listing.filters import YesNoFilter
from orders.models import Channel

REASONS = [
    ("stock", _("What there is")),
    ("buffer", _("The buffer")),
    ("budget", _("The oversell budget")),
    ("maximum", _("The most that is shown")),
    ("never", _("Never shown")),
    ("inactive", _("Switched off")),
    ("sold_out", _("Nothing available")),
]


def _channels(request: Any) -> QuerySet[Channel]:
    return Channel.objects.order_by("name")


class _RuleChoice(filters.ModelChoiceFilter):
    """A wide rule by its channel and what it speaks of; rules of one SKU are found by the SKU."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=lambda request: (
                AvailabilityRule.objects.exclude(scope=Scope.SKU)
                .select_related("channel")
                .order_by("channel__name", "scope", "target")
            ),
            **kwargs,
        )

    @property
    def field(self) -> Any:
        field = super().field
        field.label_from_instance = lambda rule: f"{rule.channel.name} · {rule_name(rule)}"
        return field


class AvailabilityFilter(filters.FilterSet):
    """Which channel, which SKU, by which rule, decided by what."""

    channel = filters.ModelChoiceFilter(queryset=_channels, label=_("Channel"))
    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    rule = _RuleChoice(label=_("Rule"))
    scope = filters.ChoiceFilter(
        label=_("Kind of rule"), choices=[("none", _("No rule")), *Scope.choices], method="filter_scope"
    )
    reason = filters.ChoiceFilter(label=_("Decided by"), choices=REASONS)

    class Meta:
        model = ChannelAvailability
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        text = value.strip()
        return queryset.filter(Q(variant__sku=text) | Q(variant__barcode=text) & ~Q(variant__barcode=""))

    def filter_scope(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(rule__isnull=True) if value == "none" else queryset.filter(rule__scope=value)


class RuleFilter(filters.FilterSet):
    """Which channel, what it speaks of, what it does."""

    channel = filters.ModelChoiceFilter(queryset=_channels, label=_("Channel"))
    scope = filters.ChoiceFilter(label=_("Applies to"), choices=Scope.choices)
    pool = filters.ModelChoiceFilter(
        queryset=lambda request: LocationPool.objects.order_by("name"), label=_("Location pool")
    )
    budget = filters.ChoiceFilter(
        label=_("Oversell budget"),
        choices=[("open", _("Open")), ("over", _("Ended"))],
        method="filter_budget",
    )
    active = YesNoFilter(label=_("Active"))

    class Meta:
        model = AvailabilityRule
        fields: list[str] = []

    def filter_budget(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(budget__gt=0, budget_over=value == "over")
