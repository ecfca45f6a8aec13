"""Template tags of the design system: icons, badges, money, times, progress and form fields."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from django import template
from django.conf import settings
from django.forms import BoundField
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core import badges, formats, money

register = template.Library()

#: Icons that point along the line of text and therefore turn round in right-to-left languages.
_DIRECTED = frozenset({"chevron-start", "chevron-end", "return", "undo", "logout", "truck", "route"})
THEMES = ("auto", "light", "dark")


@register.simple_tag(name="icon")
def icon(name: str) -> SafeString:
    """`{% icon "box" %}`: a decorative icon of static/img/icons.svg (the word beside it carries the meaning)."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        " icon-flip" if name in _DIRECTED else "",
        _sprite_url(),
        name,
    )


@lru_cache(maxsize=1)
def _sprite_url() -> str:
    return static("img/icons.svg")


@register.simple_tag
def badge(tone: str, word: object) -> SafeString:
    """`{% badge "ok" _("Paid") %}`: word, shape and colour."""
    return badges.badge_html(tone if tone in badges.TONES else "neutral", word)


@register.simple_tag
def status(name: str, value: object) -> SafeString:
    """`{% status "order.payment" order.payment_status %}`: the badge of a registered status."""
    return badges.status_html(name, value)


@register.simple_tag(name="money")
def money_tag(amount: Decimal | None, currency: str) -> SafeString:
    """`{% money order.total order.currency %}`: the amount in the reader's language; a dash for none."""
    if amount is None:
        return format_html('<span class="soft">{}</span>', "—")
    return format_html('<bdi class="num">{}</bdi>', money.format_money(amount, currency))


@register.simple_tag
def qty(number: Decimal | int | None) -> SafeString:
    """`{% qty 12408 %}`: a grouped number that keeps its direction; a dash for none."""
    if number is None:
        return format_html('<span class="soft">{}</span>', "—")
    return format_html('<bdi class="num">{}</bdi>', format_decimal(number, locale=formats.active_locale()))


@register.simple_tag
def ago(moment: datetime | None) -> SafeString:
    """`{% ago order.placed_at %}`: relative time, with the exact one on hover; a dash for none."""
    if moment is None:
        return format_html('<span class="soft">{}</span>', "—")
    return time_html(moment, formats.relative(moment, timezone.now()))


@register.simple_tag
def when(moment: datetime | None) -> SafeString:
    """`{% when shipment.shipped_at %}`: exact time in the active zone; a dash for none."""
    if moment is None:
        return format_html('<span class="soft">{}</span>', "—")
    return time_html(moment, formats.exact(moment))


@register.simple_tag
def day(value: date | None) -> SafeString:
    """`{% day order.placed_at %}`: a date, or a moment's date in the active zone; a dash for none."""
    if value is None:
        return format_html('<span class="soft">{}</span>', "—")
    return format_html('<time datetime="{}"><bdi>{}</bdi></time>', value.isoformat(), formats.day(value))


def time_html(moment: datetime, text: str) -> SafeString:
    """A time element: machine form as its value, the exact local time as its title."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(timespec="seconds"), formats.exact(moment), text
    )


@register.inclusion_tag("components/progress.html")
def progress(done: int, total: int | None, label: str = "") -> dict[str, Any]:
    """`{% progress job.done job.total _("Labels") %}`: a bar with “n of m”; without a total it only shows that work goes on."""
    return {"done": done, "total": total, "label": label}


@register.inclusion_tag("components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """`{% field form.sku %}`: label, widget, help and errors next to the field, tied together for screen readers."""
    widget = bound.field.widget
    attrs: dict[str, str | bool] = {}
    described = [f"{bound.auto_id}_help"] if bound.help_text else []
    if bound.errors:
        attrs["aria-invalid"] = "true"
        described.insert(0, f"{bound.auto_id}_errors")
    if described:
        attrs["aria-describedby"] = " ".join(described)
    single_check = getattr(widget, "input_type", "") == "checkbox" and not hasattr(widget, "choices")
    return {"field": bound, "widget": bound.as_widget(attrs=attrs), "single_check": single_check}


@register.inclusion_tag("components/fields.html")
def fields(form: Any) -> dict[str, Any]:
    """`{% fields form %}`: the form's own errors first, hidden inputs, then every visible field."""
    return {"form": form}


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The chosen theme of this browser: light, dark, or auto (as the system says)."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "auto") if request is not None else "auto"
    return chosen if chosen in THEMES else "auto"


@register.simple_tag
def optional_url(name: str, *args: Any) -> str:
    """The address of a named route, or an empty string where this installation has no such route."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def merchant_name() -> str:
    """The shop's name as the installation is configured."""
    return str(settings.MERCHANT_NAME)


@register.simple_tag
def languages() -> list[tuple[str, str]]:
    """(code, name in that language) of every language on offer."""
    return [(code, _native_name(code)) for code, _name in settings.LANGUAGES]


@lru_cache(maxsize=32)
def _native_name(code: str) -> str:
    from babel import Locale

    return (Locale.parse(code.replace("-", "_")).display_name or code).capitalize()


@register.filter
def dash(value: Any) -> Any:
    """The value, or a dash where there is none."""
    return _("—") if value in (None, "") else value
