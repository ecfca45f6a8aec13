"""Days of delivery in words of the active language."""

from __future__ import annotations

from datetime import date

from babel.dates import format_interval, format_skeleton

from core.formats import active_locale


def range_text(first: date | None, last: date) -> str:
    """“Thu, Dec 3 – Sat, Dec 5”, or the one day where it is one or no first day is known."""
    if first is None or first >= last:
        return format_skeleton("MMMEd", last, locale=active_locale())
    return format_interval(first, last, "MMMEd", locale=active_locale())
