"""The filters of the orders list. Each leaves a condition that an index answers, or one that is cheap on the way down the list."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing.filters import YesNoFilter
from core.models import User
from fulfillment.models import FulfillmentOrder
from fulfillment.states import FulfillmentState
from inventory.models import Location
from orders.models import Channel, Hold, Order
from orders.queries import country_choices, day_bounds, late, shop_zone, with_sku
from orders.states import Delivery, Fulfillment, HoldKind, Lifecycle, Payment, Returning


class NamedChoice(filters.fields.ModelChoiceField):
    """The choice of a row by its name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class NamedFilter(filters.ModelChoiceFilter):
    """One of some rows, shown by their names."""

    field_class = NamedChoice


class WordsFilter(filters.MultipleChoiceFilter):
    """Any of several words of one column."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices=choices, distinct=False, widget=forms.CheckboxSelectMultiple, **kwargs)

    def filter(self, qs: QuerySet, value: list[str]) -> QuerySet:
        if not value:
            return qs
        # One word as equality: then an index on (column, placed_at) gives the rows in the list's order.
        return qs.filter(**({self.field_name: value[0]} if len(value) == 1 else {f"{self.field_name}__in": value}))


def _day(label: Any) -> dict[str, Any]:
    return {"label": label, "widget": forms.DateInput(attrs={"type": "date"})}


class OrderFilter(filters.FilterSet):
    """Every filter of the orders list; days are days of the shop's zone."""

    lifecycle = WordsFilter([choice for choice in Lifecycle.choices if choice[0] != Lifecycle.DRAFT], label=_("State"))
    payment = WordsFilter(Payment.choices, label=_("Payment"))
    fulfillment = WordsFilter(Fulfillment.choices, label=_("Fulfillment"))
    delivery = WordsFilter(Delivery.choices, label=_("Delivery"))
    returning = WordsFilter(Returning.choices, label=_("Return"), method="filter_returning")
    channel = NamedFilter(queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel"))
    location = NamedFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=_("Location"), method="filter_location"
    )
    sku = filters.CharFilter(label=_("SKU"), max_length=64, method="filter_sku")
    country = filters.ChoiceFilter(field_name="ship_country", label=_("Ship to"), choices=lazy(country_choices, list)())
    tag = filters.CharFilter(label=_("Tag"), max_length=40, method="filter_tag")
    placed_from = filters.DateFilter(method="filter_from", **_day(_("Placed from")))
    placed_to = filters.DateFilter(method="filter_to", **_day(_("Placed to")))
    total_from = filters.NumberFilter(
        field_name="total", lookup_expr="gte", label=_("Total from"), max_digits=16, decimal_places=4
    )
    total_to = filters.NumberFilter(
        field_name="total", lookup_expr="lte", label=_("Total to"), max_digits=16, decimal_places=4
    )
    assignee = filters.ModelChoiceFilter(
        label=_("Who works on it"), queryset=lambda request: User.objects.filter(is_active=True).order_by("username")
    )
    late = filters.ChoiceFilter(label=_("Late"), choices=[("yes", _("Should have left by now"))], method="filter_late")

    class Meta:
        model = Order
        fields: list[str] = []

    def filter_returning(self, queryset: QuerySet, name: str, value: list[str]) -> QuerySet:
        """Without `none` it says so in the words of the partial index."""
        condition = Q(returning__in=value)
        return (
            queryset.filter(condition if Returning.NONE in value else condition & ~Q(returning="none"))
            if value
            else queryset
        )

    def filter_location(self, queryset: QuerySet, name: str, value: Location) -> QuerySet:
        here = FulfillmentOrder.objects.filter(order=OuterRef("pk"), location=value).exclude(
            state=FulfillmentState.CANCELLED
        )
        return queryset.filter(Exists(here))

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return with_sku(queryset, value)

    def filter_tag(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(~Q(tags=[]), tags__contains=[value])

    def filter_from(self, queryset: QuerySet, name: str, value: date) -> QuerySet:
        return queryset.filter(placed_at__gte=day_bounds(value, shop_zone())[0])

    def filter_to(self, queryset: QuerySet, name: str, value: date) -> QuerySet:
        return queryset.filter(placed_at__lt=day_bounds(value, shop_zone())[1])

    def filter_late(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(late(timezone.now()))


class PersonChoice(filters.fields.ModelChoiceField):
    """The choice of a person by name."""

    def label_from_instance(self, obj: Any) -> str:
        return Actor.user(obj).label


class PersonFilter(filters.ModelChoiceFilter):
    """One of the people who work here."""

    field_class = PersonChoice


class HoldFilter(filters.FilterSet):
    """Why, who sees to it, and whether all of the order or some lines wait."""

    kind = filters.ChoiceFilter(label=_("Hold"), choices=HoldKind.choices)
    owner = PersonFilter(
        label=_("Who sees to it"), queryset=lambda request: User.objects.filter(is_active=True).order_by("username")
    )
    lines = YesNoFilter(label=_("Some lines only"), field_name="whole", exclude=True)
    ends = YesNoFilter(label=_("Ends by itself"), field_name="until", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Hold
        fields: list[str] = []
