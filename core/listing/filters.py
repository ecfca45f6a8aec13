"""Filters that lists share: days with the browser's date field, and yes-or-no in words."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from core.forms import MomentInput


class DayRangeFilter(filters.DateFromToRangeFilter):
    """From one day to another, both included, in the person's time zone; the address says `name_after` and `name_before`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("widget", filters.widgets.DateRangeWidget(attrs={"type": "date"}))
        super().__init__(*args, **kwargs)


class MomentFilter(filters.DateTimeFilter):
    """A moment to which a list is turned back; it narrows nothing, `ListPage.complete` reads it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("widget", MomentInput())
        super().__init__(*args, **kwargs)

    def filter(self, queryset: QuerySet, value: Any) -> QuerySet:
        return queryset


class YesNoFilter(filters.ChoiceFilter):
    """A yes-or-no column: any, yes, no."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("choices", [("yes", _("Yes")), ("no", _("No"))])
        kwargs.setdefault("empty_label", _("Any"))
        super().__init__(*args, **kwargs)

    def filter(self, queryset: QuerySet, value: str) -> QuerySet:
        return super().filter(queryset, value == "yes" if value else value)
