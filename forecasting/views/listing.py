"""The list of forecasts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from forecasting.filters import ForecastFilter
from forecasting.models import ForecastResult
from forecasting.tables import ForecastTable
from inventory.queries import find_levels

_SHOWN = (
    "location__name", "variant__sku", "variant__title", "speed", "pattern", "model", "mean_daily", "p90_daily", "position",
    "days_of_cover", "reorder_point", "order_up_to", "error_ratio", "tested", "coverage_p90", "made_at",
)  # fmt: skip


class ForecastList(ListPage):
    """What will be asked for of every variant, and how well that was known."""

    name = "forecast"
    title = _("Forecast")
    permission = "replenishment.view"
    model = ForecastResult
    table_class = ForecastTable
    filter_class = ForecastFilter
    template_name = "forecasting/list.html"
    sorts = {
        "mean": Sort("mean_daily", desc=True),
        "cover": Sort("days_of_cover"),
        "error": Sort("error_ratio", desc=True),
        "p90": Sort("p90_daily", desc=True),
    }
    default_sort = "mean"
    search_placeholder = _("SKU, barcode, title")
    tabs = [
        Tab("all", _("All")),
        Tab("total", _("All locations"), Q(location__isnull=True)),
        Tab("places", _("By location"), Q(location__isnull=False)),
    ]
    page_actions = [PageAction(_("How it reorders"), "forecast-settings", "replenishment.view", icon="gear")]
    empty = Empty(
        _("No forecasts yet"),
        _("They are made every night from the demand of each day. “Run now” makes them at once."),
    )

    def queryset(self, request: HttpRequest) -> QuerySet[ForecastResult]:
        return ForecastResult.objects.select_related("variant", "location").only(*_SHOWN)

    def search(self, queryset: QuerySet[ForecastResult], q: str) -> QuerySet[ForecastResult]:
        return find_levels(queryset, q)  # type: ignore[arg-type, return-value]  # any rows with a variant will do

    def context(self, request: HttpRequest) -> dict[str, Any]:
        return {"may_run": request.user.can("replenishment.edit")}  # type: ignore[union-attr]


forecast_list = list_view(ForecastList)
