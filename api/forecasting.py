"""Forecasts over the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from api.schemas import Problem
from core.listing.keyset import Keyset
from core.permissions import require_permission
from core.refusals import Invalid, NotFound
from forecasting.models import ENDLESS, ForecastResult
from inventory.models import Location

router = Router(tags=["Forecasts"])
IN_ORDER = Keyset(("variant_id", "id"))
TOTAL = "total"


class ForecastOut(Schema):
    id: int
    sku: str
    location: str | None = Field(description="null: the total over all locations")
    made_at: datetime
    first_day: date = Field(description="the day from which on it is a forecast, in the shop's zone")
    model: str
    speed: str = Field(description="fast, slow or intermittent")
    pattern: str = Field(description="smooth, erratic, intermittent, lumpy, or new where there is little history")
    mean_daily: float
    p50_daily: float
    p90_daily: float
    lead_time_days: float
    lead_time_p90: float
    review_days: int
    service_level: float
    lead_demand_p50: float = Field(description="over lead time and review period")
    lead_demand_p90: float
    reorder_point: int = Field(description="of available and incoming units together")
    order_up_to: int
    days_of_cover: float | None = Field(description="null: nothing is asked for")
    tested: bool = Field(description="back-tested on its own past; the errors are 0 where not")
    error: float = Field(description="MASE of fortnights")
    naive_error: float
    seasonal_naive_error: float
    coverage_p90: float


class ForecastDay(Schema):
    day: date
    mean: float
    p50: float
    p90: float


class CandidateOut(Schema):
    model: str
    mase: float
    rmsse: float
    pinball50: float
    pinball90: float
    coverage90: float


class ForecastFull(ForecastOut):
    days: list[ForecastDay]
    candidates: list[CandidateOut]


class ForecastList(Schema):
    items: list[ForecastOut]
    next: str | None


@router.get("/forecasts", response={200: ForecastList, 422: Problem}, summary="Forecasts")
def list_forecasts(
    request: HttpRequest,
    sku: str = Query("", max_length=64),
    location: str = Query("", max_length=120, description="name or code; “total” for the total over all locations"),
    limit: int = Query(100, ge=1, le=500),
    cursor: str = Query("", max_length=1000),
) -> dict[str, Any]:
    require_permission(request.api_token, "replenishment.view")  # type: ignore[attr-defined]
    found = ForecastResult.objects.select_related("variant", "location").defer("horizon", "backtest")
    if sku:
        found = found.none() if "\x00" in sku else found.filter(variant__sku=sku)
    if location == TOTAL:
        found = found.filter(location__isnull=True)
    elif location:
        found = found.filter(location_id=_location(location))
    page = IN_ORDER.page(found, size=limit, after=cursor or None)
    return {"items": [_row(forecast) for forecast in page.rows], "next": page.next}


@router.get("/forecasts/{forecast_id}", response={200: ForecastFull, 404: Problem}, summary="One forecast, day by day")
def get_forecast(request: HttpRequest, forecast_id: int) -> dict[str, Any]:
    """Every day of the horizon, and the back-test of every model that competed."""
    require_permission(request.api_token, "replenishment.view")  # type: ignore[attr-defined]
    found = (
        ForecastResult.objects.select_related("variant", "location").filter(pk=forecast_id).first()
        if 0 < forecast_id < 2**63
        else None
    )
    if found is None:
        raise NotFound("no_such_forecast", "There is no such forecast.")
    days = zip(found.horizon["mean"], found.horizon["p50"], found.horizon["p90"], strict=True)
    first = found.first_day.toordinal()
    return _row(found) | {
        "days": [
            {"day": date.fromordinal(first + n), "mean": mean, "p50": p50, "p90": p90}
            for n, (mean, p50, p90) in enumerate(days)
        ],
        "candidates": found.backtest.get("candidates", []),
    }


_COPIED = (
    "id", "made_at", "first_day", "model", "speed", "pattern", "mean_daily", "p50_daily", "p90_daily", "lead_time_p90", "review_days",
    "service_level", "lead_demand_p50", "lead_demand_p90", "reorder_point", "order_up_to", "tested", "error", "naive_error",
    "seasonal_naive_error", "coverage_p90",
)  # fmt: skip


def _row(found: ForecastResult) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _COPIED} | {
        "sku": found.variant.sku,
        "location": found.location.name if found.location else None,
        "lead_time_days": found.lead_time_mean,
        "days_of_cover": None if found.days_of_cover >= ENDLESS else found.days_of_cover,
    }


def _location(name: str) -> int:
    found = (
        None
        if "\x00" in name
        else Location.objects.filter(Q(name=name) | Q(code=name)).values_list("pk", flat=True).first()
    )
    if found is None:
        raise Invalid("unknown_location", f"There is no location “{name}”.", field="location")
    return found
