"""Reorder points: the list, one of them, many in a grid, and files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.formulas import safe_text
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from forecasting.models import ForecastResult
from forecasting.queries import reorder_basis
from inventory.models import ReorderPolicy, Variant
from replenishment.filters import PolicyFilter
from replenishment.forms import GridForm, NewPolicyForm, OverForm, PolicyFileForm, PolicyNumbersForm
from replenishment.import_job import COLUMNS, policy_lines, start_import
from replenishment.operations.forecasts import apply_forecast
from replenishment.operations.policies import PolicyWish, clear_policies, set_policies, set_policy
from replenishment.queries import find_by_variant, listed_policies
from replenishment.tables import PolicyTable

#: The most rows one act changes, and the most that stand in the grid.
MOST, GRID_ROWS = 5_000, 200
HISTORY_SHOWN = 30


def _subjects(targets: QuerySet[ReorderPolicy]) -> list[tuple[int, int | None]]:
    return list(targets.order_by().values_list("variant_id", "location_id"))


def set_many(
    targets: QuerySet[ReorderPolicy], *, reorder_point: int, order_up_to: int, alert: bool, actor: Actor, now: datetime
) -> BulkOutcome:
    """The same numbers for each."""
    wishes = [PolicyWish(v, place, reorder_point, order_up_to, alert) for v, place in _subjects(targets)]
    return set_policies(wishes=wishes, actor=actor, now=now)


def edit_many(targets: QuerySet[ReorderPolicy], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Lead on to the grid."""
    ids = list(targets.values_list("pk", flat=True))
    return BulkOutcome(next_url=f"{reverse('policy-grid')}?{urlencode({'id': ids}, doseq=True)}")


def accept_forecast(targets: QuerySet[ReorderPolicy], *, over_manual: bool, actor: Actor, now: datetime) -> BulkOutcome:
    """Take over what the forecast says."""
    return apply_forecast(_subjects(targets), over_manual=over_manual, actor=actor, now=now)


def clear_many(targets: QuerySet[ReorderPolicy], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take them away."""
    return clear_policies(subjects=_subjects(targets), actor=actor, now=now)


def _differing(queryset: QuerySet[ReorderPolicy]) -> QuerySet[ReorderPolicy]:
    """Policies of which the forecast says something else."""
    return queryset.filter(
        Exists(
            ForecastResult.objects.alias(place=Coalesce(F("location_id"), 0))
            .filter(variant_id=OuterRef("variant_id"), place=Coalesce(OuterRef("location_id"), 0))
            .exclude(reorder_point=OuterRef("reorder_point"), order_up_to=OuterRef("order_up_to"))
        )
    )


class PolicyList(ListPage):
    """When and up to how much what is restocked."""

    name = "policies"
    title = gettext_lazy("Reorder points")
    permission = "replenishment.view"
    export_permission = "inventory.export"
    model = ReorderPolicy
    table_class = PolicyTable
    filter_class = PolicyFilter
    sorts = {"sku": Sort("variant__sku"), "changed": Sort("updated_at", desc=True), "reorder_point": Sort("reorder_point", desc=True)}  # fmt: skip
    default_sort = "sku"
    search_placeholder = gettext_lazy("SKU, barcode, title")
    tabs = [
        Tab("all", gettext_lazy("All")),
        Tab("manual", gettext_lazy("Set by hand"), Q(source="manual")),
        Tab("forecast", gettext_lazy("From the forecast"), Q(source="forecast")),
        Tab("differs", gettext_lazy("Forecast differs"), _differing, fixed=True),
    ]
    bulk_actions = [
        BulkAction("edit", gettext_lazy("Edit in a grid"), "replenishment.edit", run=edit_many, icon="edit", limit=GRID_ROWS),
        BulkAction("set", gettext_lazy("Set"), "replenishment.edit", run=set_many, form_class=PolicyNumbersForm, limit=MOST),
        BulkAction("forecast", gettext_lazy("Accept the forecast"), "replenishment.edit", run=accept_forecast, form_class=OverForm, icon="chart", limit=MOST),
        BulkAction(
            "clear", gettext_lazy("Take away"), "replenishment.edit", run=clear_many, danger=True, limit=MOST,
            confirm=gettext_lazy("Their alerts resolve, and nothing is suggested for them any more."),
        ),
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("Import"), "policies-import", "replenishment.edit", icon="download"),
        PageAction(gettext_lazy("File to import again"), "policies-file", "inventory.export"),
        PageAction(gettext_lazy("New reorder point"), "policy-new", "replenishment.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        gettext_lazy("No reorder points yet"),
        gettext_lazy("Set them one by one, from the stock list for many, from a file, or take over what the forecast says."),
        gettext_lazy("New reorder point"),
        "policy-new",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[ReorderPolicy]:
        return listed_policies()

    def search(self, queryset: QuerySet[ReorderPolicy], q: str) -> QuerySet[ReorderPolicy]:
        return find_by_variant(queryset, q, path="variant_id")


policy_list = list_view(PolicyList)


@require("replenishment.edit")
@require_http_methods(["GET", "POST"])
def policy_new(request: HttpRequest) -> HttpResponse:
    """Set a reorder point of a variant at a location or in total."""
    form = NewPolicyForm(request.POST or None, initial={"sku": request.GET.get("sku", "")[:64], "alert": True})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        place = data["location"].pk if data["location"] else None
        if _set(request, form, data["sku"], place):
            return redirect("policies")
    return render(request, "replenishment/policy.html", {"form": form}, status=422 if form.errors else 200)


@require("replenishment.edit")
@require_http_methods(["GET", "POST"])
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one, beside what the forecast says and its history."""
    found = get_object_or_404(ReorderPolicy.objects.select_related("variant", "location"), pk=pk)
    initial = {name: getattr(found, name) for name in ("reorder_point", "order_up_to", "alert")}
    form = PolicyNumbersForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _set(request, form, found.variant, found.location_id):
        return redirect("policies")
    subject = (found.variant_id, found.location_id)
    context = {
        "form": form,
        "policy": found,
        "basis": reorder_basis([subject]).get(subject),
        "entries": lines_for(entries_for(found.variant.subject, limit=HISTORY_SHOWN)),
    }
    return render(request, "replenishment/policy.html", context, status=422 if form.errors else 200)


def _set(request: HttpRequest, form: Any, variant: Variant, location_id: int | None) -> bool:
    data = form.cleaned_data
    try:
        set_policy(
            variant_id=variant.pk, location_id=location_id, reorder_point=data["reorder_point"],
            order_up_to=data["order_up_to"], alert=data["alert"], actor=Actor.user(request.user), now=timezone.now(),
        )  # fmt: skip
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    messages.success(request, _("The reorder point of {sku} is set.").format(sku=variant.sku))
    return True


@require("replenishment.edit")
@require_POST
def policy_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one away, or accept the forecast's figures for it."""
    found = get_object_or_404(ReorderPolicy.objects.select_related("variant"), pk=pk)
    subject, actor, now = (found.variant_id, found.location_id), Actor.user(request.user), timezone.now()
    if request.POST.get("action") == "forecast":
        outcome = apply_forecast([subject], over_manual=True, actor=actor, now=now)
    else:
        outcome = clear_policies(subjects=[subject], actor=actor, now=now)
    for _label, reason in outcome.refused:
        messages.warning(request, reason)
    if outcome.done:
        messages.success(request, _("Saved."))
    return redirect("policies")


@require("replenishment.edit")
@require_http_methods(["GET", "POST"])
def policy_grid(request: HttpRequest) -> HttpResponse:
    """Many reorder points at once, each with its own numbers; all are saved or none."""
    asked = (request.POST if request.method == "POST" else request.GET).getlist("id")
    ids = [int(text) for text in asked[:GRID_ROWS] if text.isascii() and text.isdecimal() and len(text) < 19]
    policies = list(
        ReorderPolicy.objects.filter(pk__in=ids).select_related("variant", "location").order_by("variant__sku", "pk")
    )
    grid = GridForm(policies, request.POST if request.method == "POST" else None)
    if request.method == "POST" and not grid.faulty:
        outcome = set_policies(wishes=grid.changed, actor=Actor.user(request.user), now=timezone.now())
        for label, reason in outcome.refused:
            messages.warning(request, f"{label}: {reason}")
        messages.success(request, _("{n} changed.").format(n=len(outcome.done)))
        return redirect("policies")
    return render(request, "replenishment/grid.html", {"grid": grid}, status=422 if grid.faulty else 200)


@require("replenishment.edit")
@require_http_methods(["GET", "POST"])
def policies_import(request: HttpRequest) -> HttpResponse:
    """Bring in a file of reorder points."""
    form = PolicyFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            job = start_import(name=upload.name, data=upload.read(), actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("job", pk=job.pk)
    context = {"form": form, "columns": COLUMNS}
    return render(request, "replenishment/import.html", context, status=422 if form.errors else 200)


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


@require("inventory.export")
@require_safe
def policies_file(request: HttpRequest) -> StreamingHttpResponse:
    """All reorder points in the columns that an import reads."""
    rows = ReorderPolicy.objects.select_related("variant", "location").order_by("variant__sku", "pk")
    chosen = rows.only("reorder_point", "order_up_to", "variant__sku", "location__code")

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(COLUMNS)
        for sku, code, point, up_to in policy_lines(chosen.iterator(chunk_size=2_000)):
            yield writer.writerow([safe_text(sku), safe_text(code), point, up_to])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="reorder-points.csv"'
    return response
