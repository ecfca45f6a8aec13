"""The filters of what is owed, of store credit and of statement lines."""

from __future__ import annotations

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.listing.filters import YesNoFilter
from orders.models import Channel, Order
from payments.models import Certainty, CreditAccount, StatementLine


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"})


class _Named(filters.fields.ModelChoiceField):
    def label_from_instance(self, obj: Channel) -> str:
        return obj.name


class _ChannelFilter(filters.ModelChoiceFilter):
    field_class = _Named


class OwedFilter(filters.FilterSet):
    """Currency, customer, channel, payment terms, days on which it is due."""

    currency = filters.CharFilter(label=_("Currency"), max_length=3, method="filter_currency")
    customer = filters.NumberFilter(
        label=_("Customer (number)"), field_name="customer_id", min_value=1, max_value=2**62
    )
    channel = _ChannelFilter(label=_("Channel"), queryset=lambda request: Channel.objects.order_by("name"))
    terms = YesNoFilter(label=_("With payment terms"), method="filter_terms")
    due_from = filters.DateFilter(field_name="due", lookup_expr="gte", label=_("Due from"), widget=_day())
    due_to = filters.DateFilter(field_name="due", lookup_expr="lte", label=_("Due to"), widget=_day())

    class Meta:
        model = Order
        fields: list[str] = []

    def filter_currency(self, queryset: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        return queryset.filter(currency=value.strip().upper())

    def filter_terms(self, queryset: QuerySet[Order], name: str, value: bool | str) -> QuerySet[Order]:
        return queryset.filter(payment_due_on__isnull=not value)


class CreditFilter(filters.FilterSet):
    """Currency; accounts with something in them."""

    currency = filters.CharFilter(label=_("Currency"), max_length=3, method="filter_currency")
    email = filters.CharFilter(label=_("E-mail"), max_length=254, method="filter_email")

    class Meta:
        model = CreditAccount
        fields: list[str] = []

    def filter_currency(self, queryset: QuerySet[CreditAccount], name: str, value: str) -> QuerySet[CreditAccount]:
        return queryset.filter(currency=value.strip().upper())

    def filter_email(self, queryset: QuerySet[CreditAccount], name: str, value: str) -> QuerySet[CreditAccount]:
        return queryset.filter(customer__email=value.strip().lower())


class StatementFilter(filters.FilterSet):
    """Why an order is suggested, and days."""

    certainty = filters.ChoiceFilter(choices=Certainty.choices, label=_("Because of"))
    booked_from = filters.DateFilter(field_name="booked_on", lookup_expr="gte", label=pgettext_lazy("day", "From"), widget=_day())
    booked_to = filters.DateFilter(field_name="booked_on", lookup_expr="lte", label=pgettext_lazy("day", "To"), widget=_day())

    class Meta:
        model = StatementLine
        fields: list[str] = []
