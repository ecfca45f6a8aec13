"""Home: where the shop stands, and what needs a person now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core.permissions import require
from orders.queries import shop_zone
from replenishment.queries import low_now
from reports import drawing
from reports.queries import Range, figures_for, live_counts, needs_a_person, units_by_location

DAYS = 30


@require("home.view")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Live counts, what waits for somebody, and a month of orders and revenue. The counts ask for themselves every 20 seconds."""
    now, zone = timezone.now(), shop_zone()
    context: dict[str, Any] = {
        "tiles": live_counts(request.user, now=now, zone=zone),
        "waiting": needs_a_person(request.user, now=now),
        "now": now,
        "zone": zone.key,
    }
    if request.htmx and request.htmx.target == "live":
        return render(request, "oms/home_live.html", context)
    if request.user.can("replenishment.view"):
        context["low"] = low_now()
    if request.user.can("reports.view"):
        context["charts"] = _charts(now.astimezone(zone).date())
    return render(request, "oms/home.html", context)


def _charts(today: Any) -> list[Any]:
    figures = figures_for(Range(today - timedelta(days=DAYS - 1), today))
    charts = [drawing.orders_by_day(figures)]
    currencies = figures.currencies(figures.total.currency)
    if currencies:
        several = len(currencies) > 1
        charts.append(drawing.total_by_day(figures) if several else drawing.revenue_by_day(figures, currencies[0]))
    return [*charts, drawing.orders_by_channel(figures), drawing.units_by_location(units_by_location())]
