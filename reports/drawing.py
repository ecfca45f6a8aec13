"""The figures as charts, in the reader's language: which series, which names, how numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal, format_decimal
from django.utils.translation import gettext as _

from core.formats import active_locale
from core.money import ZERO, format_money, quantize
from reports.charts import Chart, Number, Series, bars, lines, rows, top_series
from reports.queries import Figures, UnitsAt

LOCATIONS_SHOWN = 12
#: More days than this are drawn as weeks.
DAYS_APART = 92


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


def steps_of(days: Sequence[date]) -> list[list[date]]:
    """The days one by one, or by weeks from Monday where there are too many to tell apart; every day is in one step."""
    if len(days) <= DAYS_APART:
        return [[day] for day in days]
    return [list(week) for _week, week in groupby(days, key=lambda day: day.isocalendar()[:2])]


def orders_by_day(figures: Figures) -> Chart:
    """Orders a day (or week), stacked by channel."""
    steps = steps_of(figures.range.days)
    by_step = {
        name: {step[0]: sum(days.get(day, 0) for day in step) for step in steps}
        for name, days in figures.by_day_and_channel.items()
    }
    first = [step[0] for step in steps]
    series = top_series(by_step, first, rest=_("Others"))
    daily = len(steps) == len(figures.range.days)
    return bars(
        _("Orders by day") if daily else _("Orders by week"), day_words(first), series or [Series(_("Orders"), [0] * len(steps))],
        words=count_words, axis_words=short_words, corner=_("Day") if daily else _("Week of"),
    )  # fmt: skip


def revenue_by_day(figures: Figures, currency: str) -> Chart:
    """Revenue a day (or week) in one currency."""
    daily, weekly = _("Revenue by day ({currency})"), _("Revenue by week ({currency})")
    return _money_by_day(figures, figures.revenue_by_day.get(currency, {}), currency, daily, weekly)


def total_by_day(figures: Figures) -> Chart:
    """Revenue a day (or week) over all currencies, in the shop's."""
    daily, weekly = _("All revenue by day, in {currency}"), _("All revenue by week, in {currency}")
    return _money_by_day(figures, figures.total.by_day, figures.total.currency, daily, weekly)


def _money_by_day(figures: Figures, revenue: dict[date, Decimal], currency: str, daily: str, weekly: str) -> Chart:
    steps = steps_of(figures.range.days)
    values = [quantize(sum((revenue.get(day, ZERO) for day in step), ZERO), currency) for step in steps]
    by_day = len(steps) == len(figures.range.days)
    return lines(
        (daily if by_day else weekly).format(currency=currency), day_words([step[0] for step in steps]), [Series(_("Revenue"), values)],
        words=money_words(currency), axis_words=short_words, corner=_("Day") if by_day else _("Week of"),
    )  # fmt: skip


def orders_by_channel(figures: Figures) -> Chart:
    """Orders of the range, a row a channel."""
    ranked = sorted(figures.orders_by_channel.items(), key=lambda pair: (-pair[1], pair[0]))
    names = [name for name, _orders in ranked]
    return rows(
        _("Orders by channel"),
        names,
        [Series(_("Orders"), [orders for _name, orders in ranked])],
        words=count_words,
        corner=_("Channel"),
    )


def revenue_by_channel(figures: Figures, currency: str) -> Chart:
    """Revenue of the range in one currency, a row a channel."""
    title = _("Revenue by channel ({currency})").format(currency=currency)
    return _money_by_channel(figures.revenue_by_channel.get(currency, {}), currency, title)


def total_by_channel(figures: Figures) -> Chart:
    """Revenue of the range over all currencies, in the shop's, a row a channel."""
    title = _("All revenue by channel, in {currency}").format(currency=figures.total.currency)
    return _money_by_channel(figures.total.by_channel, figures.total.currency, title)


def _money_by_channel(revenue: dict[str, Decimal], currency: str, title: str) -> Chart:
    ranked = sorted(revenue.items(), key=lambda pair: (-pair[1], pair[0]))
    values = [quantize(amount, currency) for _name, amount in ranked]
    return rows(
        title, [name for name, _amount in ranked], [Series(_("Revenue"), values)], words=money_words(currency), corner=_("Channel")
    )  # fmt: skip


def units_by_location(units: Sequence[UnitsAt]) -> Chart:
    """Units on hand, a row a location: available, reserved, not for sale. Beyond the largest, the others are one row."""
    shown = list(units[:LOCATIONS_SHOWN])
    others = units[LOCATIONS_SHOWN:]
    if others:
        shown.append(
            UnitsAt(
                _("Others"),
                sum(one.available for one in others),
                sum(one.reserved for one in others),
                sum(one.blocked for one in others),
            )
        )
    series = [
        Series(_("Available"), [one.available for one in shown]),
        Series(_("Reserved"), [one.reserved for one in shown]),
        Series(_("Not for sale"), [one.blocked for one in shown]),
    ]
    return rows(
        _("Units by location"), [one.location for one in shown], series, words=count_words, corner=_("Location")
    )
