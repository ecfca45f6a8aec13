"""The filters of invoicing's lists."""

from __future__ import annotations

import django_filters as filters
from django import forms
from django.utils.translation import gettext_lazy as _

from core.listing.filters import YesNoFilter
from invoicing.models import Document, DocumentTax, Series
from orders.filters import NamedFilter
from orders.models import Channel, Order


class _DayFilter(filters.DateFilter):
    """A day, by the browser's field."""

    def __init__(self, field: str, lookup: str, label: object) -> None:
        super().__init__(
            field_name=field, lookup_expr=lookup, label=label, widget=forms.DateInput(attrs={"type": "date"})
        )


class _SeriesChoice(filters.fields.ModelChoiceField):
    def label_from_instance(self, obj: Series) -> str:
        return f"{obj.get_kind_display()} · {obj.prefix}"


class _SeriesFilter(filters.ModelChoiceFilter):
    field_class = _SeriesChoice


class DocumentFilter(filters.FilterSet):
    """Days, series, channel, currency, country."""

    issued_from = _DayFilter("issued_on", "gte", _("Issued from"))
    issued_to = _DayFilter("issued_on", "lte", _("Issued to"))
    series = _SeriesFilter(queryset=lambda request: Series.objects.order_by("kind", "prefix"), label=_("Series"))
    channel = NamedFilter(
        field_name="order__channel", queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel")
    )
    currency = filters.CharFilter(label=_("Currency"), max_length=3, lookup_expr="iexact")
    country = filters.CharFilter(field_name="buyer_country", label=_("Country"), max_length=2, lookup_expr="iexact")
    settled = YesNoFilter(field_name="settled", label=_("Paid when issued"))

    class Meta:
        model = Document
        fields: list[str] = []


class TaxFilter(filters.FilterSet):
    """Days, currency, country."""

    issued_from = _DayFilter("document__issued_on", "gte", _("Issued from"))
    issued_to = _DayFilter("document__issued_on", "lte", _("Issued to"))
    currency = filters.CharFilter(
        field_name="document__currency", label=_("Currency"), max_length=3, lookup_expr="iexact"
    )
    country = filters.CharFilter(
        field_name="document__buyer_country", label=_("Country"), max_length=2, lookup_expr="iexact"
    )

    class Meta:
        model = DocumentTax
        fields: list[str] = []


class ToBillFilter(filters.FilterSet):
    """Days and channel."""

    placed_from = _DayFilter("placed_at", "date__gte", _("Placed from"))
    placed_to = _DayFilter("placed_at", "date__lte", _("Placed to"))
    channel = NamedFilter(queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel"))

    class Meta:
        model = Order
        fields: list[str] = []
