"""Template tags of the customer's pages."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_skeleton
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.formats import active_locale, range_text

register = template.Library()


def weekday_text(value: date) -> str:
    """A day as people say it, e.g. “Fri, Nov 27”; with the year where it is not this one. Moments are taken in the active zone."""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    if value.year != timezone.localdate().year:
        return format_date(value, "medium", locale=active_locale())
    return format_skeleton("MMMEd", value, locale=active_locale())


@register.simple_tag
def between(first: date | None, last: date) -> SafeString:
    """`{% between parcel.expected_from parcel.expected_on %}`: the days between which something comes."""
    return format_html("<bdi>{}</bdi>", range_text(first, last))


@register.simple_tag
def weekday(value: date | None) -> SafeString:
    """`{% weekday parcel.expected_on %}`: a day with its name; nothing for none."""
    if value is None:
        return SafeString("")
    return format_html('<time datetime="{}"><bdi>{}</bdi></time>', value.isoformat(), weekday_text(value))
