"""How right the stock was: posted counts in numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from babel.dates import format_skeleton
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from core.formats import active_locale, percent
from core.permissions import require
from counts.queries import Accuracy
from counts.queries import accuracy as figures_by
from inventory.models import Location
from inventory.queries import shop_currency
from orders.queries import shop_zone
from reports.charts import Chart, Series, bars, rows

RANGES = {"30": gettext_lazy("30 days"), "90": gettext_lazy("90 days"), "365": gettext_lazy("A year")}
USUAL = "365"
LOCATIONS_SHOWN = 20


@require("counts.view")
@require_safe
def accuracy(request: HttpRequest) -> HttpResponse:
    """Exact lines, units and value off: by month, location, class and count; each chart with its numbers."""
    word = request.GET.get("days", USUAL)
    word = word if word in RANGES else USUAL
    places = list(Location.objects.order_by("name").values_list("pk", "name"))
    wanted = request.GET.get("location", "")
    place = next((pk for pk, _name in places if str(pk) == wanted), None)
    zone = shop_zone()
    today = timezone.now().astimezone(zone).date()
    since = datetime.combine(today - timedelta(days=int(word) - 1), time(), tzinfo=zone)
    until = datetime.combine(today + timedelta(days=1), time(), tzinfo=zone)
    asked: dict[str, Any] = {"since": since, "until": until, "zone": zone.key, "location_id": place}
    months, by_place = figures_by("month", **asked), figures_by("location", **asked)
    context = {
        "ranges": RANGES.items(),
        "chosen": word,
        "places": places,
        "place": place,
        "currency": shop_currency(),
        "may_see_value": request.user.can("costs.view"),
        "total": _total(months),
        "months": _exact(_("Exact lines by month"), months, _month_words, bars, _("Month")),
        "locations": _exact(_("Exact lines by location"), _worst(by_place), str, rows, _("Location")),
        "tables": [
            (_("By month"), [(_month_words(one.name), one) for one in months]),
            (_("By location"), [(one.name, one) for one in by_place]),
            (_("By ABC class"), [(one.name or "—", one) for one in figures_by("abc", **asked)]),
            (_("By count"), [(one.name, one) for one in figures_by("count", **asked)]),
        ],
    }
    return render(request, "counts/accuracy.html", context)


def _month_words(name: str) -> str:
    month = datetime.strptime(f"{name}-01", "%Y-%m-%d").date()  # noqa: DTZ007 - a month of the shop's zone already
    return format_skeleton("yMMM", month, locale=active_locale())


def _worst(figures: list[Accuracy]) -> list[Accuracy]:
    return sorted(figures, key=lambda one: (one.percent, one.name))[:LOCATIONS_SHOWN]


def _exact(
    title: str, figures: list[Accuracy], name: Callable[[str], str], draw: Callable[..., Chart], corner: str
) -> Chart:
    series = [Series(_("Exact lines, percent"), [one.percent for one in figures])]
    return draw(
        title, [name(one.name) for one in figures], series, words=lambda number: percent(number / 100), corner=corner
    )


def _total(figures: list[Accuracy]) -> Accuracy:
    return Accuracy(
        "", sum(one.lines for one in figures), sum(one.exact for one in figures), sum(one.units_net for one in figures),
        sum(one.units_off for one in figures), sum((one.value_net for one in figures), Decimal(0)), sum((one.value_off for one in figures), Decimal(0)),
    )  # fmt: skip
