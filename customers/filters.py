"""The filters of the customers list."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.models import Customer


class CustomerFilter(filters.FilterSet):
    """By e-mail address, language and consent."""

    email = filters.CharFilter(label=_("E-mail"), max_length=254, method="filter_email")
    language = filters.ChoiceFilter(label=_("Language"), choices=settings.LANGUAGES)
    news = filters.ChoiceFilter(
        field_name="accepts_marketing", label=_("Wants news"), choices=[("True", _("Yes")), ("False", _("No"))]
    )

    class Meta:
        model = Customer
        fields: list[str] = []

    def filter_email(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The whole address: it is unique, so an index answers."""
        return queryset.filter(email=value.strip().lower())
