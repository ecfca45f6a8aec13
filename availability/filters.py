"""The filters of the lists of availability and its rules."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from availability.explain import rule_name
from availability.models import AvailabilityRule, ChannelAvailability, LocationPool, Scope
from core.listing.filters import YesNoFilter
from orders.filters import NamedChoice, NamedFilter
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


class _RuleField(NamedChoice):
    def label_from_instance(self, obj: AvailabilityRule) -> str:
        return f"{obj.channel.name} · {rule_name(obj)}"


def _channels(request: Any) -> QuerySet[Channel]:
    return Channel.objects.order_by("name")


def _wide_rules(request: Any) -> QuerySet[AvailabilityRule]:
    """Rules of one SKU are found by the SKU."""
    wide = AvailabilityRule.objects.exclude(scope=Scope.SKU).select_related("channel")
    return wide.order_by("channel__name", "scope", "target")


class _RuleFilter(filters.ModelChoiceFilter):
    """A wide rule by its channel and what it speaks of."""

    field_class = _RuleField


class AvailabilityFilter(filters.FilterSet):
    """Which channel, which SKU, by which rule, decided by what."""

    channel = NamedFilter(queryset=_channels, label=_("Channel"))
    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")
    rule = _RuleFilter(queryset=_wide_rules, label=_("Rule"))
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

    channel = NamedFilter(queryset=_channels, label=_("Channel"))
    scope = filters.ChoiceFilter(label=_("Applies to"), choices=Scope.choices)
    pool = NamedFilter(queryset=lambda request: LocationPool.objects.order_by("name"), label=_("Location pool"))
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
