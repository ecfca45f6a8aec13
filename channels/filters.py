"""The filters of the imports list."""

from __future__ import annotations

import django_filters as filters
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from channels.models import ImportKind, ImportRun
from orders.filters import NamedFilter
from orders.models import Channel


class ImportFilter(filters.FilterSet):
    """By what the file holds and where it came from."""

    kind = filters.ChoiceFilter(choices=ImportKind.choices, label=pgettext_lazy("file", "Holds"))
    channel = NamedFilter(queryset=lambda request: Channel.objects.order_by("name"), label=_("Channel"))

    class Meta:
        model = ImportRun
        fields: list[str] = []
