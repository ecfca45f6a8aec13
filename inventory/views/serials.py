"""Serial numbers: the list, those of a stock level, and the way of one unit."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing import Empty, ListPage, Sort, Tab, list_view
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from fulfillment.tracing import parcels_of_serial
from inventory.models import SerialNumber, StockLevel, Tracking
from inventory.operations.serials import receive_serials, receive_units, take_out_units
from inventory.tracing import serials_here
from inventory.unit_forms import GoneForm, SerialsForm
from inventory.unit_tables import SerialFilter, SerialTable
from inventory.views.references import causes_of

#: Serial numbers that the page of a level shows; the list has the rest.
SERIALS_SHOWN = 500
HISTORY_SHOWN = 100


class SerialList(ListPage):
    """Every unit that is told apart."""

    name = "serials"
    title = gettext_lazy("Serial numbers")
    permission = "inventory.view"
    export_permission = "inventory.export"
    model = SerialNumber
    table_class = SerialTable
    filter_class = SerialFilter
    sorts = {"added": Sort("created_at", desc=True), "serial": Sort("serial")}
    default_sort = "added"
    search_placeholder = gettext_lazy("Serial number, SKU")
    tabs = [
        Tab("in-stock", gettext_lazy("In stock"), Q(state="in_stock")),
        Tab("shipped", gettext_lazy("Shipped"), Q(state="shipped")),
        Tab("in-transit", gettext_lazy("In transit"), Q(state="in_transit")),
        Tab("gone", gettext_lazy("Gone"), Q(state="gone")),
        Tab("all", gettext_lazy("All")),
    ]
    empty = Empty(
        gettext_lazy("No serial numbers here"),
        gettext_lazy("They come with variants that are followed by serial number: choose so on the variant."),
        gettext_lazy("Products"),
        "products",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[SerialNumber]:
        rows = SerialNumber.objects.select_related("variant").defer("variant__search", "variant__search_text")
        return rows.annotate(location_name=Coalesce(F("location__name"), Value("")))

    def search(self, queryset: QuerySet[SerialNumber], q: str) -> QuerySet[SerialNumber]:
        return queryset.filter(Q(serial__istartswith=q) | Q(variant__sku__istartswith=q))


serial_list = list_view(SerialList)


@require("inventory.view")
@require_safe
def serial(request: HttpRequest, pk: int) -> HttpResponse:
    """The way of one unit: where it came from, in which parcels it was, what came back. A fixed number of statements."""
    found = get_object_or_404(
        SerialNumber.objects.select_related("variant__product", "location").defer(
            "variant__search", "variant__search_text"
        ),
        pk=pk,
    )
    entries = entries_for(found.subject, limit=HISTORY_SHOWN)
    parcels = list(parcels_of_serial(found.pk))
    causes = causes_of(entry.data.get("cause", "") for entry in entries)
    context = {
        "serial": found,
        "parcels": parcels,
        "way": [
            (line, causes.get(entry.data.get("cause", "")))
            for line, entry in zip(lines_for(entries), entries, strict=True)
        ],
        "may_see_customers": request.user.can("customers.view"),
    }
    return render(request, "inventory/serial.html", context)


@require("inventory.view")
@require_http_methods(["GET", "POST"])
def level_serials(request: HttpRequest, pk: int) -> HttpResponse:
    """The serial numbers of a variant at a location: those that lie there, new ones, and those that are gone."""
    level = get_object_or_404(StockLevel.objects.select_related("variant", "location"), pk=pk)
    if level.variant.tracking != Tracking.SERIAL:
        raise Http404
    units = serials_here(level.variant_id, level.location_id)
    count = units.count()
    shown = list(units[:SERIALS_SHOWN])
    form, gone = SerialsForm(), GoneForm(serials=[])
    if request.method == "POST":
        require_permission(request.user, "inventory.adjust")
        if "gone" in request.POST:
            gone = GoneForm(request.POST, serials=list(units.values_list("serial", flat=True)))
            done = gone.is_valid() and _take_out(request, level, gone)
        else:
            form = SerialsForm(request.POST)
            done = form.is_valid() and _bring_in(request, level, form)
        if done:
            return redirect("stock-serials", pk=pk)
    context = {
        "level": level,
        "units": shown,
        "count": count,
        "more": count > len(shown),
        "without": level.on_hand - count,
        "form": form,
        "gone": gone,
        "may_adjust": request.user.can("inventory.adjust"),
    }
    status = 422 if form.errors or gone.errors else 200
    return render(request, "inventory/serial_level.html", context, status=status)


def _bring_in(request: HttpRequest, level: StockLevel, form: SerialsForm) -> bool:
    chosen = form.cleaned_data
    where: dict[str, Any] = {
        "variant_id": level.variant_id, "location_id": level.location_id, "serials": chosen["all"],
        "actor": Actor.user(request.user), "now": timezone.now(),
    }  # fmt: skip
    try:
        if chosen["how"] == "received":
            units = receive_units(**where, key=chosen["key"], note=chosen["note"])
        else:
            units = len(receive_serials(**where, cause=f"adjustment:{chosen['key']}"))
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    text = ngettext("{n} serial number is registered.", "{n} serial numbers are registered.", units)
    messages.success(request, text.format(n=units))
    return True


def _take_out(request: HttpRequest, level: StockLevel, form: GoneForm) -> bool:
    chosen = form.cleaned_data
    try:
        units = take_out_units(
            variant_id=level.variant_id, location_id=level.location_id, serials=chosen["gone"], reason=chosen["reason"],
            note=chosen["note"], actor=Actor.user(request.user), now=timezone.now(),
        )  # fmt: skip
    except Refusal as refusal:
        refusal.field = "gone" if refusal.field in ("serials", "quantity") else refusal.field
        add_refusal(form, refusal)
        return False
    text = ngettext("{n} unit is written off.", "{n} units are written off.", units)
    messages.success(request, text.format(n=units))
    return True
