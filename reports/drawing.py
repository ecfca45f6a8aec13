"""The figures as charts, in the reader's language: which series, which names, how numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal, format_decimal
from django.utils.translation import gettext as _

from core.formats import active_locale
from core.money import ZERO, format_money, quantize
from reports.charts import Chart, Number, Series, bars, lines, rows, top_series
from reports.queries import Figures, UnitsAt

LOCATIONS_SHOWN = 12


def count_words(number: Number) -> str:
    """12,408."""
    return format_decimal(number, locale=active_locale())


def short_words(number: Number) -> str:
    """12K: for an axis."""
    return format_compact_decimal(number, fraction_digits=1, locale=active_locale())


def money_words(currency: str) -> Callable[[Number], str]:
    """€12,408.00."""
    return lambda amount: format_money(quantize(ZERO + amount, currency), currency)


def day_words(days: Sequence[date]) -> list[str]:
    """“22 Nov” of each day."""
    locale = active_locale()
    return [format_skeleton("MMMd", day, locale=locale) for day in days]


def orders_by_day(figures: Figures) -> Chart:
    """Orders a day, stacked by channel."""
    days = figures.range.days
    series = top_series(figures.by_day_and_channel, days, rest=_("Others"))
    return bars(
        _("Orders by day"), day_words(days), series or [Series(_("Orders"), [0] * len(days))],
        words=count_words, axis_words=short_words, corner=_("Day"),
    )  # fmt: skip


def revenue_by_day(figures: Figures, currency: str) -> Chart:
    """Revenue a day in one currency."""
    days = figures.range.days
    revenue = figures.revenue_by_day.get(currency, {})
    values = [quantize(revenue.get(day, ZERO), currency) for day in days]
    return lines(
        _("Revenue by day ({currency})").format(currency=currency), day_words(days), [Series(_("Revenue"), values)],
        words=money_words(currency), axis_words=short_words, corner=_("Day"),
    )  # fmt: skip


def orders_by_channel(figures: Figures) -> Chart:
    """Orders of the range, a row a channel."""
    ranked = sorted(figures.orders_by_channel.items(), key=lambda pair: (-pair[1], pair[0]))
    names = [name for name, _orders in ranked]
    return rows(_("Orders by channel"), names, [Series(_("Orders"), [orders for _name, orders in ranked])], words=count_words, corner=_("Channel"))


def revenue_by_channel(figures: Figures, currency: str) -> Chart:
    """Revenue of the range in one currency, a row a channel."""
    ranked = sorted(figures.revenue_by_channel.get(currency, {}).items(), key=lambda pair: (-pair[1], pair[0]))
    values = [quantize(amount, currency) for _name, amount in ranked]
    return rows(
        _("Revenue by channel ({currency})").format(currency=currency), [name for name, _amount in ranked], [Series(_("Revenue"), values)],
        words=money_words(currency), corner=_("Channel"),
    )  # fmt: skip


def units_by_location(units: Sequence[UnitsAt]) -> Chart:
    """Units on hand, a row a location: available, reserved, not for sale. Beyond the largest, the others are one row."""
    shown = list(units[:LOCATIONS_SHOWN])
    others = units[LOCATIONS_SHOWN:]
    if others:
        shown.append(
            UnitsAt(_("Others"), sum(one.available for one in others), sum(one.reserved for one in others), sum(one.blocked for one in others))
        )
    series = [
        Series(_("Available"), [one.available for one in shown]),
        Series(_("Reserved"), [one.reserved for one in shown]),
        Series(_("Not for sale"), [one.blocked for one in shown]),
    ]
    return rows(_("Units by location"), [one.location for one in shown], series, words=count_words, corner=_("Location"))
