"""Merging: what could travel as one parcel, merging it, and taking it apart again."""

from __future__ import annotations

from datetime import datetime

import django_filters as filters
import django_tables2 as tables
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, Sort, list_view
from core.listing import columns as c
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from fulfillment import queries
from fulfillment.models import FulfillmentOrder, ShipTogether
from fulfillment.operations.consolidating import MOST, ship_separately, ship_together, ship_together_many
from fulfillment.splitting_forms import ReasonForm
from fulfillment.states import ACTIVE_STATES, FulfillmentState, Service
from fulfillment.tables import ServiceColumn
from fulfillment.views.work import load
from inventory.models import Location
from orders.models import Order

S = FulfillmentState
COUNT_KEPT = 60  # seconds
_COUNT_KEY = "fulfillment.together"


def count_together() -> dict[str, int]:
    """How many parcels could be made of others, and how many fewer that would be; asked at most once a minute."""
    found: dict[str, int] | None = cache.get(_COUNT_KEY)
    if found is None:
        sums = ShipTogether.objects.aggregate(groups=Count("id"), saved=Sum("saved"))
        found = {name: value or 0 for name, value in sums.items()}
        cache.set(_COUNT_KEY, found, COUNT_KEPT)
    return found


class TogetherTable(tables.Table):
    """A parcel that could be made of several."""

    number = c.LinkColumn("fulfillment-merge", verbose_name=gettext_lazy("Work order"))
    customer = c.TextColumn(accessor="customer_name", verbose_name=gettext_lazy("Customer"))
    orders = c.TagsColumn(accessor="order_numbers", verbose_name=gettext_lazy("Orders"))
    location = c.TextColumn(accessor="location.name", verbose_name=gettext_lazy("Location"))
    service = ServiceColumn(verbose_name=gettext_lazy("Service"), soft=True)
    parcels = c.NumberColumn(verbose_name=gettext_lazy("Parcels now"))
    saved = c.NumberColumn(verbose_name=gettext_lazy("Saved"))
    units = c.NumberColumn(verbose_name=gettext_lazy("Units"))
    due = c.TimeColumn(accessor="ship_by", verbose_name=gettext_lazy("Ship by"))


class TogetherFilter(filters.FilterSet):
    """Where, and how fast."""

    location = filters.ModelChoiceFilter(
        queryset=lambda request: Location.objects.order_by("name"), label=gettext_lazy("Location")
    )
    service = filters.ChoiceFilter(choices=Service.choices, label=gettext_lazy("Service"))

    class Meta:
        model = ShipTogether
        fields: list[str] = []


def merge_chosen(targets: QuerySet[ShipTogether], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Let each chosen group travel as one parcel."""
    cache.delete(_COUNT_KEY)
    return ship_together_many(groups=[row.ids[:MOST] for row in targets], actor=actor, now=now)


class TogetherList(ListPage):
    """Open work orders of one customer to one address, by what they would save."""

    name = "ship-together"
    title = gettext_lazy("Ship together")
    permission = "fulfillment.view"
    model = ShipTogether
    table_class = TogetherTable
    filter_class = TogetherFilter
    sorts = {"due": Sort("ship_by"), "saved": Sort("saved", desc=True), "units": Sort("units", desc=True)}
    default_sort = "due"
    search_placeholder = gettext_lazy("Number, order, name")
    bulk_actions = [
        BulkAction(
            "together", gettext_lazy("Ship together"), "fulfillment.pack", run=merge_chosen, icon="box",
            confirm=gettext_lazy("Each group travels as one parcel with one label. Orders, invoices and returns stay separate."),
        ),
    ]  # fmt: skip
    empty = Empty(
        gettext_lazy("Nothing travels together"),
        gettext_lazy("Orders of one customer to one address appear here while both are ready to pick at one location."),
        gettext_lazy("Fulfillment"),
        "fulfillment",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[ShipTogether]:
        return ShipTogether.objects.select_related("location")

    def search(self, queryset: QuerySet[ShipTogether], q: str) -> QuerySet[ShipTogether]:
        words = q.strip()
        return queryset.filter(
            Q(customer_name__icontains=words) | Q(order_numbers__contains=[words]) | Q(number__iexact=words)
        )


together_list = list_view(TogetherList)


@require("fulfillment.pack")
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """What else of the same customer waits, and why some of it cannot come along; the chosen ones travel as one parcel."""
    found = load(pk)
    if request.method == "POST":
        return _merge(request, found)
    waiting = queries.mergeable_with(found)
    return render(
        request,
        "fulfillment/merge.html",
        {
            "found": found,
            "order": found.order,
            "can": [one.fulfillment_order for one in waiting if not one.why_not],
            "cannot": [one for one in waiting if one.why_not],
            "why_not": "" if found.state == S.OPEN else _("Only work that is ready to pick can travel with others."),
        },
    )


def _merge(request: HttpRequest, found: FulfillmentOrder) -> HttpResponse:
    chosen = [int(text) for text in request.POST.getlist("id") if text.isascii() and text.isdigit() and len(text) < 19]
    try:
        merged = ship_together(
            fulfillment_order_ids=[found.pk, *chosen], actor=Actor.user(request.user), now=timezone.now()
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(reverse("fulfillment-merge", args=[found.pk]))
    cache.delete(_COUNT_KEY)
    messages.success(request, _("They travel as one parcel, as {number}.").format(number=merged.lead.number))
    return HttpResponseRedirect(reverse("fulfillment-order", args=[found.pk]))


@require("fulfillment.pack")
@require_POST
def unmerge(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a parcel apart, or this one out of it (`only`)."""
    get_object_or_404(FulfillmentOrder, pk=pk)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        numbers = ship_separately(
            fulfillment_order_id=pk, reason=reason, only="only" in request.POST, actor=Actor.user(request.user),
            now=timezone.now(),
        )  # fmt: skip
        messages.success(request, _("{numbers}: each travels by itself again.").format(numbers=", ".join(numbers)))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(reverse("fulfillment-order", args=[pk]))


@require("fulfillment.pack")
@require_safe
def order_work(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """From an order to the work order that is merged or split: at once where there is one, else they are listed."""
    order = get_object_or_404(Order, pk=pk)
    found = (
        FulfillmentOrder.objects.filter(order=order, state__in=ACTIVE_STATES).select_related("location").order_by("id")
    )
    works = list(found)
    fitting = [one for one in works if one.state in (S.OPEN, S.SCHEDULED, S.ON_HOLD)]
    if len(fitting) == 1:
        return HttpResponseRedirect(reverse(f"fulfillment-{act}", args=[fitting[0].pk]))
    return render(request, "fulfillment/order_works.html", {"order": order, "works": works, "act": act})
