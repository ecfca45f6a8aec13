"""The reports."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from core.formulas import safe_text
from core.permissions import require
from orders.queries import shop_zone
from reports import drawing
from reports.queries import Figures, Range, figures_for, units_by_location

RANGES = {
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "365": gettext_lazy("A year"),
}
USUAL = "30"


def range_of(word: str) -> Range:
    """So many days up to today, in the shop's zone; an unknown word is the usual range."""
    days = int(word if word in RANGES else USUAL)
    today = timezone.now().astimezone(shop_zone()).date()
    return Range(today - timedelta(days=days - 1), today)


@require("reports.view")
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """Orders and revenue by day and by channel, units by location; the same numbers as a file.

    Where there are several currencies, what they come to in the shop's own stands before each of them.
    """
    word = request.GET.get("days", USUAL)
    figures = figures_for(range_of(word))
    if request.GET.get("export") == "csv":
        return _file(figures)
    currencies = figures.currencies(figures.total.currency)
    several = currencies not in ([], [figures.total.currency])
    context = {
        "ranges": RANGES.items(),
        "chosen": word if word in RANGES else USUAL,
        "figures": figures,
        "zone": shop_zone().key,
        "orders": drawing.orders_by_day(figures),
        "channels": drawing.orders_by_channel(figures),
        "totals": [drawing.total_by_day(figures), drawing.total_by_channel(figures)] if several else [],
        "unrated": [(currency, orders, amount) for currency, (orders, amount) in sorted(figures.unrated.items())],
        "revenues": [
            (
                currency,
                figures.revenue[currency],
                figures.refunded[currency],
                drawing.revenue_by_day(figures, currency),
                drawing.revenue_by_channel(figures, currency),
            )
            for currency in currencies
        ],
        "units": drawing.units_by_location(units_by_location()),
    }
    return render(request, "reports/reports.html", context)


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def _file(figures: Figures) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_csv_lines(figures), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="figures-{figures.range.first}-{figures.range.last}.csv"'
    return response


def _csv_lines(figures: Figures) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(
        [
            _("Day"), _("Channel"), _("Currency"), _("Orders"), _("Cancelled"), _("Revenue"), _("Refunded"),
            _("Revenue in {currency}").format(currency=figures.total.currency),
            _("Refunded in {currency}").format(currency=figures.total.currency), _("Orders without a rate"),
        ]
    )  # fmt: skip
    for day, channel, *numbers in figures.rows:
        yield writer.writerow([day.isoformat(), safe_text(channel), *numbers])
