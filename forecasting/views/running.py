"""Run the forecasts now; how the shop reorders."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from forecasting.forms import SettingsForm
from forecasting.jobs import start_forecasts
from forecasting.operations.saving import SUBJECT, save_forecast_settings
from forecasting.queries import forecast_settings


@require("replenishment.edit")
@require_POST
def forecast_run(request: StaffRequest) -> HttpResponse:
    """Make all forecasts anew in the background; one run at a time."""
    job = start_forecasts(actor=Actor.user(request.user), now=timezone.now())
    return redirect("job", pk=job.pk)


@require("replenishment.view")
@require_http_methods(["GET", "HEAD", "POST"])
def forecast_settings_page(request: StaffRequest) -> HttpResponse:
    """Lead time, review period, cover and service levels; who changed them."""
    if request.method == "POST":
        require_permission(request.user, "replenishment.edit")
    form = SettingsForm.of(forecast_settings(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            save_forecast_settings(values=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved. The next run reckons with it."))
            return redirect("forecast-settings")
    context = {
        "form": form,
        "may_edit": request.user.can("replenishment.edit"),
        "entries": lines_for(entries_for(SUBJECT, limit=30)),
    }
    return render(request, "forecasting/settings.html", context, status=422 if form.errors else 200)
