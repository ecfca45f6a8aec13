"""One series: the plot and its numbers, the back-test of every candidate, the reorder point spelled out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.formats import percent
from core.permissions import require
from core.requests import StaffRequest
from forecasting.engine.reorder import Demand, LeadTime, ReorderPlan, plan_reorder
from forecasting.forms import ServiceForm
from forecasting.limits import FORTNIGHT
from forecasting.models import ENDLESS, ForecastResult, PastForecast, Speed
from forecasting.naming import MODELS
from forecasting.queries import days_without_stock, demand_by_day, forecast_settings, past_forecasts
from forecasting.views.plot import (
    Step,
    history_plot,
    number,
    past_plot,
    steps_of_forecast,
    steps_of_history,
    two_digits,
)

#: Days of history and of forecast that are drawn: by day where it sells on most days, else by week.
BY_DAY, BY_WEEK = (91, 28), (26 * 7, 56)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of the back-test."""

    name: str
    chosen: bool
    baseline: bool
    mase: str
    rmsse: str
    pinball50: str
    pinball90: str
    coverage: str


@require("replenishment.view")
@require_safe
def forecast_one(request: StaffRequest, pk: int) -> HttpResponse:
    """The forecast of one variant at one location, or in total. `?service=` tries another service level."""
    found = get_object_or_404(ForecastResult.objects.select_related("variant", "location"), pk=pk)
    demand = Demand(found.mean_daily, noise_of(found), found.drift)
    form = ServiceForm(request.GET if "service" in request.GET else None, initial={"service": found.service_level})
    asked = form.cleaned_data["service"] if form.is_valid() else None
    settings = forecast_settings()
    plan = _plan(found, demand, asked or found.service_level, settings.cover_days)
    weekly = found.speed != Speed.FAST
    days, ahead = BY_WEEK if weekly else BY_DAY
    each = 7 if weekly else 1
    history = steps_of_history(
        demand_by_day(found, days=days), days_without_stock(found, days=days), until=found.first_day, days=days, each=each
    )  # fmt: skip
    future = steps_of_forecast(found.horizon, demand, first=found.first_day, days=ahead, each=each)
    origins = _origins(found, past_forecasts(found))
    context = {
        "forecast": found,
        "model": MODELS.get(found.model, found.model),
        "plot": history_plot(history, future, weekly=weekly),
        "past": past_plot(origins) if origins else None,
        "candidates": _candidates(found),
        "plan": plan,
        "sentence": reorder_sentence(found, plan, asked or found.service_level, settings.cover_days),
        "spread": spread_sentence(found, demand, plan),
        "service_form": form,
        "tried": asked is not None and abs(asked - found.service_level) > 1e-9,
        "endless": found.days_of_cover >= ENDLESS,
        "cover": number(round(found.days_of_cover)),
        "numbers": {
            name: number(getattr(found, name)) for name in ("mean_daily", "p50_daily", "p90_daily", "lead_time_p90")
        },
        "better": _better(found),
        "others": ForecastResult.objects.filter(variant_id=found.variant_id)
        .exclude(pk=found.pk)
        .select_related("location")
        .order_by("location__name"),
        "may_edit": request.user.can("replenishment.edit"),
    }
    return render(request, "forecasting/one.html", context, status=422 if form.errors else 200)


def noise_of(found: ForecastResult) -> float:
    """φ: a day's variance over its mean."""
    return found.daily_variance / found.mean_daily if found.mean_daily > 0 else 1.0


def _plan(found: ForecastResult, demand: Demand, service: float, cover_days: int) -> ReorderPlan:
    """The plan as it was made, or with another service level."""
    days = found.lead_time_mean + found.review_days
    mean = found.horizon["mean"]
    whole = min(int(days), len(mean))
    expected = sum(mean[:whole]) + (days - whole) * demand.daily
    return plan_reorder(
        demand, LeadTime(found.lead_time_mean, found.lead_time_sd), review_days=found.review_days, cover_days=cover_days,
        service_level=service, expected=expected,
    )  # fmt: skip


def reorder_sentence(found: ForecastResult, plan: ReorderPlan, service: float, cover_days: int) -> str:
    """The reorder point in words, with every number it is made of."""
    return _(
        "Goods take {lead} days (spread {spread}) and somebody orders every {review} days, so an order must last for {days} days. "
        "In them {expected} units are expected; with probability {service} % no more than {point} are asked for. "
        "Order when available and incoming together are at {point} or below, up to {upto}: {cover} days more."
    ).format(
        lead=number(found.lead_time_mean), spread=number(found.lead_time_sd), review=number(found.review_days), days=number(plan.risk_days),
        expected=number(round(plan.expected, 1)), service=number(service * 100), point=number(plan.reorder_point), upto=number(plan.order_up_to),
        cover=number(cover_days),
    )  # fmt: skip


def spread_sentence(found: ForecastResult, demand: Demand, plan: ReorderPlan) -> str:
    """Where the spread comes from."""
    return _(
        "Standard deviation {sd}: from the days {noise}, from the lead time {lead}, from the level of demand itself being a forecast {level}."
    ).format(
        sd=number(round(sqrt(plan.variance), 1)), noise=number(round(sqrt(demand.noise * plan.expected), 1)),
        lead=number(round(demand.daily * found.lead_time_sd, 1)), level=number(round(demand.drift * plan.expected, 1)),
    )  # fmt: skip


def _better(found: ForecastResult) -> str:
    """Its own past error against the seasonal naive forecast's, in words."""
    if not found.tested:
        return _("Too few sales for a back-test of its own: the spread is that of its class.")
    change = round(1 - found.error_ratio, 2)
    covered = percent(round(found.coverage_p90, 2))
    if change >= 0:
        return _("Error {change} lower than the seasonal naive forecast's; {covered} of past fortnights were within P90.").format(
            change=percent(change), covered=covered
        )  # fmt: skip
    return _("Error {change} higher than the seasonal naive forecast's; {covered} of past fortnights were within P90.").format(
        change=percent(-change), covered=covered
    )  # fmt: skip


def _candidates(found: ForecastResult) -> list[Candidate]:
    """The best pinball loss first; baselines among them."""
    rows = sorted(found.backtest.get("candidates", ()), key=lambda row: row["pinball50"] + row["pinball90"])
    return [
        Candidate(
            str(MODELS.get(row["model"], row["model"])), row["model"] == found.model, row["model"] in ("naive", "seasonal_naive"),
            two_digits(row["mase"]), two_digits(row["rmsse"]), two_digits(row["pinball50"]), two_digits(row["pinball90"]), number(round(row["coverage90"] * 100)),
        )
        for row in rows
    ]  # fmt: skip


def _origins(found: ForecastResult, kept: list[PastForecast]) -> list[Step]:
    """What was said of fortnights in the past: by the forecasts of those days where they are kept, before that by the back-test."""
    steps = [
        Step(past.first_day, FORTNIGHT, float(past.actual or 0), past.stockout_days, 0.0, past.p50, past.p90, past=True)
        for past in reversed(kept)
    ]
    first = steps[0].first if steps else found.first_day
    tested = [
        Step(date.fromisoformat(row["from"]), row["days"], row["actual"], 0, row["mean"], row["p50"], row["p90"])
        for row in found.backtest.get("origins", ())
    ]
    return [step for step in tested if step.first + timedelta(days=FORTNIGHT) <= first] + steps
