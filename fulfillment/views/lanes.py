"""Lanes: how long parcels take from where to where, beside how long they took."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from fulfillment.delivery import changing
from fulfillment.delivery.forms import (
    CarrierDaysForm,
    ClosedForm,
    HolidayForm,
    LaneFileForm,
    LaneForm,
    LocationDaysForm,
)
from fulfillment.delivery.tables import LaneTable
from fulfillment.models import CarrierCalendar, CarrierHoliday, ClosedDay, Lane, LanePerformance, LocationCalendar
from inventory.models import Location

#: Days to come that the page of calendars shows of each kind.
MOST_SHOWN = 200


def delete_lanes(targets: QuerySet[Lane], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take the chosen lanes away."""
    return BulkOutcome(done=changing.delete_lanes(lane_ids=targets.values_list("pk", flat=True), actor=actor, now=now))


class LaneList(ListPage):
    """Every lane with what its parcels really took."""

    name = "delivery-lanes"
    title = gettext_lazy("Lanes")
    permission = "fulfillment.view"
    model = Lane
    table_class = LaneTable
    sorts = {"lane": Sort("from_country", "to_country", "postal_prefix"), "most": Sort("max_days", desc=True)}
    default_sort = "lane"
    search_placeholder = gettext_lazy("Country code, postal code")
    bulk_actions = [
        BulkAction("delete", gettext_lazy("Delete"), "locations.edit", run=delete_lanes, danger=True, icon="trash",
                   confirm=gettext_lazy("The usual days of the service count again for these lanes.")),
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("New lane"), "delivery-lane-new", "locations.edit", primary=True, icon="plus"),
        PageAction(gettext_lazy("Import"), "delivery-lanes-import", "locations.edit", icon="download"),
        PageAction(gettext_lazy("Calendars"), "delivery-calendars", "fulfillment.view", icon="clock"),
    ]
    empty = Empty(
        gettext_lazy("No lanes yet"),
        gettext_lazy("Parcels are promised by the usual days of their service until you say how long a lane takes."),
        gettext_lazy("New lane"),
        "delivery-lane-new",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        same = {name: OuterRef(name) for name in ("carrier", "service", "from_country", "to_country")}
        measured = LanePerformance.objects.filter(**same)
        taken = {name: Subquery(measured.values(name)[:1]) for name in ("parcels", "half", "nine_tenths")}
        return Lane.objects.annotate(ends=Concat(F("from_country"), Value(" → "), F("to_country")), **taken)

    def search(self, queryset: QuerySet[Lane], q: str) -> QuerySet[Lane]:
        word = q.strip().upper()
        return queryset.filter(Q(from_country=word) | Q(to_country=word) | Q(postal_prefix__startswith=word))


lane_list = list_view(LaneList)


@require("locations.edit")
@require_http_methods(["GET", "POST"])
def lane_new(request: StaffRequest) -> HttpResponse:
    """Write down a lane."""
    return _lane_form(request, None)


@require("locations.edit")
@require_http_methods(["GET", "POST"])
def lane(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a lane, or take it away."""
    return _lane_form(request, get_object_or_404(Lane, pk=pk))


def _lane_form(request: StaffRequest, found: Lane | None) -> HttpResponse:
    actor, now = Actor.user(request.user), timezone.now()
    if found is not None and request.POST.get("action") == "delete":
        changing.delete_lanes(lane_ids=[found.pk], actor=actor, now=now)
        messages.success(request, _("Deleted."))
        return redirect("delivery-lanes")
    form = LaneForm(request.POST or None, lane=found)
    if request.method == "POST" and form.is_valid():
        try:
            changing.save_lane(lane_id=found.pk if found else None, values=form.cleaned_data, actor=actor, now=now)
            messages.success(request, _("Saved. Parcels promised from now on follow it."))
            return redirect("delivery-lanes")
        except Refusal as refusal:
            add_refusal(form, refusal)
    name = changing.lane_text(found) if found else ""
    context = {"form": form, "lane": found, "name": name}
    return render(request, "fulfillment/lane.html", context, status=422 if form.errors else 200)


@require("locations.edit")
@require_http_methods(["GET", "POST"])
def lanes_import(request: StaffRequest) -> HttpResponse:
    """Bring in lanes; what is wrong is said line by line."""
    form = LaneFileForm(request.POST or None, request.FILES or None)
    done: changing.Imported | None = None
    if request.method == "POST" and form.is_valid():
        try:
            data = form.cleaned_data["file"].read(changing.MOST_FILE + 1)
            done = changing.import_lanes(data=data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            text = ngettext("{n} lane saved.", "{n} lanes saved.", done.saved).format(n=done.saved)
            messages.success(request, text)
            if not done.refused:
                return redirect("delivery-lanes")
    refused = done.refused[:100] if done else []
    context = {"form": form, "refused": refused}
    return render(request, "fulfillment/lanes_import.html", context, status=422 if form.errors or refused else 200)


@require("fulfillment.view")
@require_http_methods(["GET", "POST"])
def calendars(request: StaffRequest) -> HttpResponse:
    """Who works on which days. `section` of a form says which of them was sent."""
    section = request.POST.get("section", "") if request.method == "POST" else ""
    forms = _forms(request, section)
    if section:
        answer = _change(request, section, forms)
        if answer is not None:
            return answer
    today = timezone.localdate()
    context: dict[str, Any] = {
        **forms,
        "closed_days": ClosedDay.objects.filter(day__gte=today).select_related("location").order_by("day", "pk")[:MOST_SHOWN],
        "holidays": CarrierHoliday.objects.filter(day__gte=today).order_by("day", "pk")[:MOST_SHOWN],
        "may_edit": request.user.can("locations.edit"),
        "entries": lines_for(entries_for(changing.SUBJECT, limit=20)),
    }  # fmt: skip
    bad = any(form.is_bound and form.errors for form in forms.values())
    return render(request, "fulfillment/calendars.html", context, status=422 if bad else 200)


def _forms(request: StaffRequest, section: str) -> dict[str, Any]:
    def sent(name: str) -> Any:
        return request.POST if section == name else None

    places = list(Location.objects.filter(active=True).order_by("name").values_list("pk", "name"))
    week = list(range(7))
    at = {row.location_id: row.working_days for row in LocationCalendar.objects.all()}
    by = {row.carrier: row for row in CarrierCalendar.objects.all()}
    carrier_days = {}
    for code, row in by.items():
        carrier_days |= {f"pickup-{code}": row.pickup_days, f"delivery-{code}": row.delivery_days}
    carriers = CarrierDaysForm(sent("carriers"), initial=carrier_days)
    for name, field in carriers.fields.items():
        field.initial = carrier_days.get(name, week)
    return {
        "locations": LocationDaysForm(sent("locations"), places=places, initial={f"days-{pk}": at.get(pk, week) for pk, _n in places}),
        "carriers": carriers,
        "closed": ClosedForm(sent("closed"), prefix="closed"),
        "holiday": HolidayForm(sent("holiday"), prefix="holiday"),
    }  # fmt: skip


def _change(request: StaffRequest, section: str, forms: dict[str, Any]) -> HttpResponse | None:
    """Do what a form asks for; None where it has mistakes."""
    if not request.user.can("locations.edit"):
        return HttpResponse(status=403)
    who = {"actor": Actor.user(request.user), "now": timezone.now()}
    if section == "remove":
        kind, _dash, pk = request.POST.get("day", "").partition("-")
        if kind in ("closed", "holiday") and pk.isascii() and pk.isdigit() and len(pk) < 18:
            changing.remove_day(kind=kind, pk=int(pk), **who)
        return redirect("delivery-calendars")
    form = forms.get(section)
    if form is None or not form.is_valid():
        return None
    try:
        _save(section, form, who)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None
    messages.success(request, _("Saved. Parcels promised from now on follow it."))
    return redirect("delivery-calendars")


def _save(section: str, form: Any, who: dict[str, Any]) -> None:
    if section == "locations":
        changing.set_working_days(days=form.days(), **who)
    elif section == "carriers":
        changing.set_carrier_days(days=form.days(), **who)
    elif section == "closed":
        days = changing.parse_days(form.cleaned_data["days"])
        changing.add_closed_days(location_id=form.cleaned_data["location"], days=days, **who)
    else:
        days = changing.parse_days(form.cleaned_data["days"])
        cleaned = form.cleaned_data
        changing.add_carrier_holidays(carrier=cleaned["carrier"], country=cleaned["country"], days=days, **who)
