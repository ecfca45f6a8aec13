"""Times and shares as people read them: relative to now in a list, exact on demand, always in the active zone and language."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_skeleton, format_timedelta
from babel.numbers import format_percent
from django.utils import timezone
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

_FAR = timedelta(days=6)
_NOW = timedelta(seconds=20)


def active_locale() -> str:
    """The active language as a locale name that Babel knows, e.g. ``pl`` or ``en``."""
    return to_locale(get_language() or "en")


def exact(moment: datetime) -> str:
    """Date and time in the active zone, e.g. “21 Nov 2026, 09:14”."""
    return format_datetime(timezone.localtime(moment), "medium", locale=active_locale())


def day(value: date) -> str:
    """A date (a datetime is taken in the active zone), e.g. “21 Nov 2026”."""
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return format_date(value, "medium", locale=active_locale())


def percent(ratio: float | Decimal) -> str:
    """A share in the reader's way, with one decimal at most: 0.975 is “97.5%”, “97,5%” or “%97,5”."""
    locale = active_locale()
    return format_percent(ratio, format=_percent_pattern(locale), locale=locale)


@lru_cache(maxsize=16)
def _percent_pattern(locale: str) -> str:
    """CLDR's pattern of the language, whose number ends in a whole digit, with a decimal behind it."""
    return str(Locale.parse(locale).percent_formats[None].pattern).replace("0", "0.#", 1)


def range_text(first: date | None, last: date) -> str:
    """“Thu, Dec 3 – Sat, Dec 5”, or the one day where it is one or no first day is known."""
    if first is None or first >= last:
        return format_skeleton("MMMEd", last, locale=active_locale())
    return format_interval(first, last, "MMMEd", locale=active_locale())


def relative(moment: datetime, now: datetime, *, locale: str | None = None) -> str:
    """“just now”, “5 minutes ago”, “in 2 days”; beyond six days the date itself. Callers with many moments pass the locale along."""
    locale = locale or active_locale()
    away = moment - now
    if abs(away) < _NOW:
        return _("just now")
    if abs(away) > _FAR:
        return _short_day(timezone.localtime(moment).date(), timezone.localtime(now).year, locale)
    return _ago(int(away.total_seconds()) if abs(away) < timedelta(minutes=1) else _rounded(away), locale)


def _rounded(away: timedelta) -> int:
    """Seconds, in whole minutes below a day and whole hours above, so that the cache of phrases stays small."""
    unit = 60 if abs(away) < timedelta(days=1) else 3600
    return int(away.total_seconds() / unit) * unit


@lru_cache(maxsize=4096)
def _ago(seconds: int, locale: str) -> str:
    return format_timedelta(timedelta(seconds=seconds), add_direction=True, locale=locale, threshold=1.2)


@lru_cache(maxsize=4096)
def _short_day(value: date, this_year: int, locale: str) -> str:
    if value.year == this_year:
        return format_skeleton("MMMd", value, locale=locale)
    return format_date(value, "medium", locale=locale)
