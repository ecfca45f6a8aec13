"""Rates in templates."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_percent
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.formats import active_locale

register = template.Library()


@register.simple_tag
def rate(value: Decimal | None) -> SafeString:
    """`{% rate row.rate %}`: a fraction as a percentage; a dash for none."""
    if value is None:
        return format_html('<span class="soft">{}</span>', "–")
    return format_html(
        "<bdi>{}</bdi>", format_percent(value.normalize(), locale=active_locale(), decimal_quantization=False)
    )
