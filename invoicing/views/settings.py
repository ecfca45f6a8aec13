"""Who issues, when, and under which numbers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from invoicing import queries
from invoicing.forms import SeriesForm, SettingsForm
from invoicing.models import Document, Series, SeriesCounter
from invoicing.operations import save_series, save_settings
from invoicing.operations.numbering import SUBJECT, number_text


@require("settings.edit")
@require_http_methods(["GET", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """The issuer, the rules, the series and their history."""
    form = SettingsForm(request.POST or None, instance=queries.settings())
    if request.method == "POST" and form.is_valid():
        try:
            save_settings(values=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("invoicing-settings")
    counters = SeriesCounter.objects.select_related("series__channel").order_by("series_id", "-period")
    newest = {}
    for counter in counters:
        newest.setdefault(counter.series_id, counter)
    series = [
        (one, number_text(one, counter.period, counter.next) if (counter := newest.get(one.pk)) else "")
        for one in Series.objects.select_related("channel").order_by("kind", "channel__name")
    ]
    context = {"form": form, "series": series, "entries": lines_for(entries_for(SUBJECT, limit=30))}
    return render(request, "invoicing/settings.html", context, status=422 if form.errors else 200)


@require("settings.edit")
@require_http_methods(["GET", "POST"])
def series_page(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A series: new, or how its numbers are written."""
    series = get_object_or_404(Series, pk=pk) if pk is not None else None
    issued = series is not None and Document.objects.filter(series=series).exists()
    names = ("kind", "channel", "prefix", "digits", "first")
    initial = {name: getattr(series, name) for name in names} if series else {}
    form = SeriesForm(request.POST or None, initial=initial, series=series, issued=issued)
    if request.method == "POST" and form.is_valid():
        try:
            save_series(series_id=pk, values=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("invoicing-settings")
    return render(
        request, "invoicing/series.html", {"form": form, "series": series}, status=422 if form.errors else 200
    )
