"""What to count next, and counts that are made by themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require, require_permission
from core.refusals import Refusal
from counts.forms import ScheduleForm, SettingsForm
from counts.models import CountSchedule, StockCount
from counts.operations import create_count, create_counts
from counts.operations.creating import CountScope
from counts.operations.scheduling import save_schedule
from counts.queries import bins_of, classes_of
from counts.rules import INTERVALS, rank_bins
from counts.states import CLOSED_STATES, CountKind
from inventory.models import Location

BINS_SHOWN = 200


@require("counts.view")
@require_http_methods(["GET", "HEAD", "POST"])
def next_counts(request: HttpRequest) -> HttpResponse:
    """The bins and classes of a location, what was not counted for the longest first; the ticked ones become counts."""
    places = list(Location.objects.filter(active=True).order_by("name"))
    wanted = request.POST.get("location") or request.GET.get("location") or ""
    place = next((one for one in places if str(one.pk) == wanted), places[0] if places else None)
    form = SettingsForm(request.POST or None)
    if request.method == "POST":
        require_permission(request.user, "counts.count")
        if place is not None and form.is_valid():
            try:
                return _made(request, place, form)
            except Refusal as refusal:
                add_refusal(form, refusal)
    return _plan(request, places, place, form)


def _made(request: HttpRequest, place: Location, form: SettingsForm) -> HttpResponse:
    who: dict[str, Any] = {"settings": form.settings(), "actor": Actor.user(request.user), "now": timezone.now()}
    bins = [name for name in request.POST.getlist("bin") if "\x00" not in name]
    if request.POST.get("each"):
        made = create_counts(location_id=place.pk, bins=bins, **who)
    else:
        made = [create_count(location_id=place.pk, scope=CountScope(CountKind.BINS, bins=bins), **who)]
    if len(made) == 1:
        return redirect("count", pk=made[0].pk)
    messages.success(request, ngettext("{n} count made.", "{n} counts made.", len(made)).format(n=len(made)))
    return redirect("counts")


def _plan(request: HttpRequest, places: list[Location], place: Location | None, form: SettingsForm) -> HttpResponse:
    now = timezone.now()
    ranked = rank_bins(bins_of(place.pk, now=now), now=now) if place else []
    open_counts = StockCount.objects.filter(location=place).exclude(state__in=sorted(CLOSED_STATES))
    taken = set(open_counts.values_list("lines__bin", flat=True).distinct()) if place else set()
    context = {
        "places": places,
        "place": place,
        "bins": [(one, one.facts.bin in taken) for one in ranked[:BINS_SHOWN]],
        "more": max(0, len(ranked) - BINS_SHOWN),
        "due": sum(one.due for one in ranked),
        "classes": classes_of(place.pk, now=now) if place else [],
        "intervals": INTERVALS,
        "form": form,
        "ticked": set(request.POST.getlist("bin")),
        "may_count": request.user.can("counts.count"),
    }
    return render(request, "counts/next.html", context, status=422 if form.errors else 200)


@require("counts.view")
@require_safe
def schedules(request: HttpRequest) -> HttpResponse:
    """Every schedule."""
    rows = CountSchedule.objects.select_related("location", "assigned_to").order_by("location__name", "pk")
    context = {"schedules": rows, "may_edit": request.user.can("counts.post")}
    return render(request, "counts/schedules.html", context)


@require("counts.post")
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_new(request: HttpRequest) -> HttpResponse:
    """Set up counts that are made by themselves."""
    return _form(request, None)


@require("counts.post")
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a schedule, or switch it off."""
    return _form(request, get_object_or_404(CountSchedule, pk=pk))


def _form(request: HttpRequest, found: CountSchedule | None) -> HttpResponse:
    form = ScheduleForm(
        request.POST or None,
        instance=found,
        initial={} if found else {"next_on": timezone.localdate(), "kind": CountKind.BINS},
    )
    if request.method == "POST" and form.is_valid():
        try:
            save_schedule(
                schedule_id=found.pk if found else None, values=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("count-schedules")
    context = {"form": form, "schedule": found}
    return render(request, "counts/schedule.html", context, status=422 if form.errors else 200)
