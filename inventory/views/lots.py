"""Lots: the lists, the lots of a stock level, and the way of one lot from receipt to customer and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing import Empty, ListPage, Sort, Tab, list_view
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from fulfillment.tracing import parcels_of_lot
from inventory.models import Lot, LotLevel, StockLevel, StockMovement, Tracking
from inventory.operations.lots import correct_lot, receive_lot, relabel_lot
from inventory.tracing import EXPIRING_WITHIN, expired, expiring, holds_units, listed_lots, lots_here
from inventory.unit_forms import ExpiryForm, LotForm
from inventory.unit_tables import LotFilter, LotTable
from inventory.views.references import Reference, causes_of

#: Rows of each part of a lot's way that its page shows; the list of parcels has the rest.
ROWS_SHOWN = 100
HISTORY_SHOWN = 50
_NEVER = date(9999, 12, 31)


def _today() -> date:
    return timezone.localdate()


class LotList(ListPage):
    """What expires when, and how much of it there is."""

    name = "lots"
    title = gettext_lazy("Lots")
    permission = "inventory.view"
    export_permission = "inventory.export"
    model = Lot
    table_class = LotTable
    filter_class = LotFilter
    sorts = {"expires": Sort("expiry"), "added": Sort("created_at", desc=True), "sku": Sort("variant__sku")}
    default_sort = "expires"
    search_placeholder = gettext_lazy("Lot, SKU, title")
    tabs = [
        Tab("held", gettext_lazy("On hand"), lambda queryset: queryset.filter(holds_units())),
        Tab("expiring", gettext_lazy("Expiring"), lambda queryset: queryset.filter(expiring(_today()))),
        Tab("expired", gettext_lazy("Expired"), lambda queryset: queryset.filter(expired(_today()))),
        Tab("all", gettext_lazy("All")),
    ]
    empty = Empty(
        gettext_lazy("No lots here"),
        gettext_lazy(
            "Lots come with variants that are followed by lot: choose so on the variant, then receive units of a lot."
        ),
        gettext_lazy("Products"),
        "products",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Lot]:
        named = Coalesce(F("expires_on"), Value(_NEVER))
        code = Coalesce(NullIf(F("code"), Value("")), Value("—"))
        return listed_lots().annotate(expiry=named, shown_code=code)

    def search(self, queryset: QuerySet[Lot], q: str) -> QuerySet[Lot]:
        return queryset.filter(Q(code__istartswith=q) | Q(variant__sku__istartswith=q) | Q(variant__title__icontains=q))


lot_list = list_view(LotList)


# ---- one lot ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """Units of a lot that came in, or came back."""

    movement: StockMovement
    cause: Reference


@require("inventory.view")
@require_safe
def lot(request: HttpRequest, pk: int) -> HttpResponse:
    """The way of a lot: received, where it lies, in which parcels, what came back. A fixed number of statements."""
    return _page(request, _find(pk))


def _find(pk: int) -> Lot:
    return get_object_or_404(
        Lot.objects.select_related("variant__product").defer("variant__search", "variant__search_text"), pk=pk
    )


def _page(request: HttpRequest, found: Lot, *, status: int = 200, form: ExpiryForm | None = None) -> HttpResponse:
    arrivals = _arrivals(found)
    parcels = parcels_of_lot(found.pk)
    sent = parcels.filter(line__shipped__gt=0).aggregate(units=Sum("quantity", default=0))["units"]
    levels = list(
        LotLevel.objects.filter(lot=found, on_hand__gt=0).select_related("location").order_by("location__name")
    )
    back = [arrival for arrival in arrivals if arrival.movement.cause.startswith("return:")]
    least = found.variant.min_remaining_days
    return render(
        request,
        "inventory/lot.html",
        {
            "lot": found,
            "spent": found.expires_on is not None and (found.expires_on - _today()).days < least,
            "days_left": (found.expires_on - _today()).days if found.expires_on else None,
            "expiring_within": EXPIRING_WITHIN,
            "received": [arrival for arrival in arrivals if arrival not in back],
            "back": back,
            "levels": _with_keys(found, levels),
            "on_hand": sum(level.on_hand for level in levels),
            "picked": sum(level.picked for level in levels),
            "sent": sent,
            "parcels": list(parcels[:ROWS_SHOWN]),
            "entries": lines_for(entries_for(found.subject, limit=HISTORY_SHOWN)),
            "form": form or ExpiryForm(initial={"expires_on": found.expires_on}),
            "may_edit": request.user.can("inventory.edit"),
            "may_see_customers": request.user.can("customers.view"),
        },
        status=status,
    )


def _with_keys(found: Lot, levels: list[LotLevel]) -> list[tuple[LotLevel, int]]:
    """Each lot level with the key of its stock level, for links."""
    rows = StockLevel.objects.filter(variant=found.variant_id, location__in=[level.location_id for level in levels])
    keys = dict(rows.values_list("location_id", "pk"))
    return [(level, keys[level.location_id]) for level in levels]


def _arrivals(found: Lot) -> list[Arrival]:
    rows = list(
        StockMovement.objects.filter(lot=found, bucket="on_hand", quantity__gt=0)
        .select_related("location")
        .order_by("-id")[:ROWS_SHOWN]
    )
    causes = causes_of(row.cause for row in rows)
    return [Arrival(row, causes[row.cause]) for row in rows]


@require("inventory.edit")
@require_POST
def lot_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the date of a lot right."""
    form = ExpiryForm(request.POST)
    if form.is_valid():
        try:
            correct_lot(
                lot_id=pk,
                expires_on=form.cleaned_data["expires_on"],
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
        except Refusal as refusal:
            if refusal.status == 404:
                raise
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("lot", pk=pk)
    return _page(request, _find(pk), status=422, form=form)


# ---- the lots of a level ---------------------------------------------------------------------------------------------


@require("inventory.view")
@require_http_methods(["GET", "POST"])
def level_lots(request: HttpRequest, pk: int) -> HttpResponse:
    """The lots of a variant at a location; units of a lot come in here, or get the lot that they came without."""
    level = get_object_or_404(StockLevel.objects.select_related("variant", "location"), pk=pk)
    if level.variant.tracking != Tracking.LOT:
        raise Http404
    form = LotForm(request.POST or None)
    if request.method == "POST":
        require_permission(request.user, "inventory.adjust")
        if form.is_valid() and _write(request, level, form):
            return redirect("stock-lots", pk=pk)
    context = {
        "level": level,
        "lots": lots_here(level.variant_id, level.location_id),
        "today": _today(),
        "form": form,
        "may_adjust": request.user.can("inventory.adjust"),
    }
    return render(request, "inventory/lot_level.html", context, status=422 if form.errors else 200)


def _write(request: HttpRequest, level: StockLevel, form: LotForm) -> bool:
    chosen: dict[str, Any] = form.cleaned_data
    what = {
        "variant_id": level.variant_id, "location_id": level.location_id, "code": chosen["code"], "expires_on": chosen["expires_on"],
        "units": chosen["units"], "key": chosen["key"], "actor": Actor.user(request.user), "now": timezone.now(),
    }  # fmt: skip
    try:
        saved = receive_lot(**what, note=chosen["note"]) if chosen["how"] == "received" else relabel_lot(**what)
    except Refusal as refusal:
        refusal.field = "code" if refusal.field == "lot" else refusal.field
        add_refusal(form, refusal)
        return False
    text = ngettext("{n} unit of lot {lot}.", "{n} units of lot {lot}.", chosen["units"])
    messages.success(request, text.format(n=chosen["units"], lot=saved.code))
    return True
