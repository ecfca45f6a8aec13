"""How people and the shop want to hear of low stock."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from orders.queries import shop_zone
from replenishment.forms import PreferenceForm, SettingsForm
from replenishment.models import SETTINGS_SUBJECT, AlertPreference
from replenishment.operations.preferences import save_preference, save_settings
from replenishment.operations.telling import default_preference
from replenishment.queries import replenishment_settings


@require("replenishment.view")
@require_http_methods(["GET", "POST"])
def preferences(request: StaffRequest) -> HttpResponse:
    """What this person wants to be mailed about."""
    found = AlertPreference.objects.filter(user=request.user).first() or default_preference(request.user)
    form = PreferenceForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            save_preference(
                user=request.user,
                frequency=form.cleaned_data["frequency"],
                location_ids=[place.pk for place in form.cleaned_data["locations"]],
                back_in_stock=form.cleaned_data["back_in_stock"],
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("alerts")
    context = {"form": form, "address": request.user.email}
    return render(request, "replenishment/preferences.html", context, status=422 if form.errors else 200)


@require("replenishment.edit")
@require_http_methods(["GET", "POST"])
def settings(request: StaffRequest) -> HttpResponse:
    """What the shop decides: pause between mails, hours, automatic drafts."""
    form = SettingsForm(request.POST or None, instance=replenishment_settings())
    if request.method == "POST" and form.is_valid():
        save_settings(values=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        messages.success(request, _("Saved."))
        return redirect("replenishment-settings")
    context = {"form": form, "zone": shop_zone().key, "entries": lines_for(entries_for(SETTINGS_SUBJECT, limit=20))}
    return render(request, "replenishment/settings.html", context, status=422 if form.errors else 200)
