"""One SKU: who waits, what is on its way, and who would get what is here."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from backorders.forms import FillingForm
from backorders.models import LinePromise, PromisePart
from backorders.operations import filling_settings, save_settings
from backorders.operations.promising import recompute
from backorders.operations.settings import SUBJECT
from backorders.queries import incoming_for, stock_waited_for
from backorders.wording import source_text, source_url
from core.actors import Actor
from core.permissions import require
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.models import Variant
from oms.orchestration.filling import MOST_PLANNED, fill_as_shown, plan_filling

#: Waiting lines on the page; the list has them all.
MOST_SHOWN = 100


@require("backorders.view")
@require_safe
def variant(request: StaffRequest, pk: int) -> HttpResponse:
    """Who waits and for what; where goods are here, the shares of each strategy side by side."""
    found = get_object_or_404(Variant.objects.only("pk", "sku", "title", "released_on", "awaits_release"), pk=pk)
    how, here = filling_settings(), stock_waited_for([pk]).get(pk, 0)
    plans = plan_filling(pk, now=timezone.now()) if here else []
    plans.sort(key=lambda plan: plan.strategy != how.strategy)
    context: dict[str, Any] = {
        "variant": found,
        "sku": found.sku,
        "how": how,
        "here": here,
        "incoming": [(one, source_url(one.source, one.document)) for one in incoming_for(pk)],
        "waiting": _waiting(pk),
        "most_shown": MOST_SHOWN,
        "plans": plans,
        "most_planned": MOST_PLANNED,
        "may_fill": request.user.can("backorders.fill"),
        "entries": lines_for(entries_for(found.subject, limit=10)),
    }
    return render(request, "backorders/variant.html", context)


def _waiting(variant_id: int) -> list[tuple[LinePromise, list[tuple[PromisePart, str, str]]]]:
    rows = LinePromise.objects.filter(variant_id=variant_id).select_related("order", "line")
    rows = rows.defer("order__search", "order__search_text").order_by("due_on", "waiting_since", "pk")[:MOST_SHOWN]
    shown = list(rows.prefetch_related("parts"))
    return [
        (row, [(part, source_text(part.source, part.number), source_url(part.source, part.document)) for part in row.parts.all()])
        for row in shown
    ]  # fmt: skip


@require("backorders.fill")
@require_POST
def fill(request: StaffRequest, pk: int) -> HttpResponse:
    """Give the goods as they were shown."""
    get_object_or_404(Variant.objects.only("pk"), pk=pk)
    now = timezone.now()
    filled = fill_as_shown(
        variant_id=pk,
        strategy=request.POST.get("strategy", ""),
        digest=request.POST.get("digest", ""),
        actor=Actor.user(request.user),
        now=now,
    )
    recompute([pk], now=now)
    text = ngettext("{units} units given to {n} order.", "{units} units given to {n} orders.", filled.orders)
    messages.success(request, text.format(units=filled.units, n=filled.orders))
    if filled.missed:
        names = ", ".join(filled.missed[:20])
        messages.warning(request, _("Somebody was faster; these got nothing: {numbers}").format(numbers=names))
    return redirect("backorder", pk=pk)


@require("backorders.fill")
@require_http_methods(["GET", "POST"])
def settings(request: StaffRequest) -> HttpResponse:
    """Who is served first."""
    form = FillingForm(request.POST or None, instance=filling_settings())
    if request.method == "POST" and form.is_valid():
        save_settings(values=form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        messages.success(request, _("Saved."))
        return redirect("backorder-settings")
    context = {"form": form, "entries": lines_for(entries_for(SUBJECT, limit=20))}
    return render(request, "backorders/settings.html", context, status=422 if form.errors else 200)
