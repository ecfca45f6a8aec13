"""Locations: the list, one location with what it holds and has to do, and its form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import DateField, DateTimeField, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce, Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from fulfillment.models import FulfillmentOrder
from fulfillment.states import ACTIVE_STATES
from inventory.filters import LocationFilter
from inventory.forms import LocationForm
from inventory.models import Location, LocationDay
from inventory.operations.locations import save_location
from inventory.queries import contents_of, taken_today
from inventory.tables import LocationTable
from orders.models import Channel
from orders.queries import country_choices

HISTORY_SHOWN = 50


class LocationList(ListPage):
    """Every place that holds or ships goods."""

    name = "locations"
    title = gettext_lazy("Locations")
    permission = "inventory.view"
    model = Location
    table_class = LocationTable
    filter_class = LocationFilter
    sorts = {"name": Sort("name"), "rank": Sort("rank", "name")}
    default_sort = "name"
    search_placeholder = gettext_lazy("Name or code")
    tabs = [
        Tab("active", gettext_lazy("Active"), Q(active=True)),
        Tab("off", gettext_lazy("Switched off"), Q(active=False)),
        Tab("all", gettext_lazy("All")),
    ]
    page_actions = [
        PageAction(gettext_lazy("New location"), "location-new", "locations.edit", primary=True, icon="plus")
    ]
    empty = Empty(
        gettext_lazy("No locations yet"), gettext_lazy("Orders are routed to locations: warehouses, stores, partners, suppliers."),
        gettext_lazy("New location"), "location-new",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[Location]:
        """With `taken_today`: orders of the day that it is there now."""
        there = Func(OuterRef("time_zone"), Now(), function="timezone", output_field=DateTimeField())
        today = LocationDay.objects.filter(location=OuterRef("pk"), day=Cast(there, DateField())).values("assigned")
        return Location.objects.annotate(taken_today=Coalesce(Subquery(today, output_field=IntegerField()), 0))

    def search(self, queryset: QuerySet[Location], q: str) -> QuerySet[Location]:
        return queryset.filter(Q(name__icontains=q) | Q(code__istartswith=q) | Q(address__city__icontains=q))


location_list = list_view(LocationList)


@require("inventory.view")
@require_safe
def location(request: HttpRequest, pk: int) -> HttpResponse:
    """One location: what it holds, what it has to do, what it does and for whom."""
    found = get_object_or_404(Location, pk=pk)
    countries = dict(country_choices())
    channels = Channel.objects.filter(pk__in=found.channel_ids).order_by("name").values_list("name", flat=True)
    context = {
        "location": found,
        "held": contents_of(pk),
        "work": _open_work(pk),
        "taken": taken_today([found], now=timezone.now())[pk],
        "address": found.postal_address,
        "ships_to": [countries.get(code, code) for code in found.ships_to],
        "channels": list(channels),
        "entries": lines_for(entries_for(found.subject, limit=HISTORY_SHOWN)),
        "may_edit": request.user.can("locations.edit"),
    }
    return render(request, "inventory/location.html", context)


def _open_work(location_id: int) -> int:
    """Work orders whose units are still in the building."""
    return FulfillmentOrder.objects.filter(location_id=location_id, state__in=ACTIVE_STATES).count()


@require("locations.edit")
@require_http_methods(["GET", "POST"])
def location_new(request: HttpRequest) -> HttpResponse:
    """Write down a location."""
    return _form(request, None)


@require("locations.edit")
@require_http_methods(["GET", "POST"])
def location_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a location; to switch off one that is in use asks first."""
    return _form(request, get_object_or_404(Location, pk=pk))


def _form(request: HttpRequest, found: Location | None) -> HttpResponse:
    context: dict[str, Any] = {"location": found, "location_name": found.name if found else ""}
    form = LocationForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_location(
                location_id=found.pk if found else None, values=form.values(), confirmed=request.POST.get("confirmed") == "yes",
                actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            if found and refusal.code == "location_in_use":
                context |= {"in_use": refusal.message, "open_work": _open_work(found.pk)}
                return render(request, "inventory/location_form.html", context | {"form": form}, status=409)
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            if saved.latitude is None:
                messages.warning(
                    request,
                    _(
                        "Its place is not known: give coordinates, or a city that is on the map, so that routing can tell what is near."
                    ),
                )
            return redirect("location", pk=saved.pk)
    return render(request, "inventory/location_form.html", context | {"form": form}, status=422 if form.errors else 200)
