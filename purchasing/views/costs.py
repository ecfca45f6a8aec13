"""What goods cost: cost of goods sold by day and by SKU, what stock is worth and where, one SKU with its layers."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.formulas import safe_text
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.shop import shop
from inventory.models import Variant
from purchasing.forms import CostForm, MethodForm, PeriodForm
from purchasing.models import CostEntry, CostLayer, CostMethod, VariantCost
from purchasing.operations import set_cost_method, set_stock_cost
from purchasing.queries import CostOfGoods, cost_method, cost_of_goods_sold, stock_value, unit_costs

SHOWN = 50
DAYS = 30


@require_safe
@require("costs.view")
def report(request: HttpRequest) -> HttpResponse:
    """Cost of goods sold of a period, and what stock is worth now."""
    first, last, form = _period(request)
    by = "sku" if request.GET.get("by") == "sku" else "day"
    asked = request.GET.get("method", "")
    method = asked if asked in CostMethod.values else cost_method()
    found = cost_of_goods_sold(first, last, by=by, method=method, limit=10_000 if "export" in request.GET else 400)
    if request.GET.get("export") == "csv":
        return _csv(found, by)
    context = {
        "found": found,
        "by": by,
        "form": form,
        "method": method,
        "method_label": dict(CostMethod.choices)[method],
        "own_method": cost_method(),
        "methods": CostMethod.choices,
        "stock": stock_value(method=method),
        "query": f"first={first}&last={last}",
        "may_set": request.user.can("settings.edit"),
        "method_form": MethodForm(initial={"method": cost_method()}),
    }
    return render(request, "purchasing/costs.html", context)


def _period(request: HttpRequest) -> tuple[date, date, PeriodForm]:
    """The days that were asked for, else the last thirty."""
    today = timezone.localdate()
    form = PeriodForm(request.GET)
    given = form.cleaned_data if form.is_valid() else {}
    last = given.get("last") or today
    first = given.get("first") or last - timedelta(days=DAYS - 1)
    first, last = min(first, last), max(first, last)
    return first, last, PeriodForm(initial={"first": first, "last": last})


def _csv(found: CostOfGoods, by: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="cost-of-goods-{found.first}-{found.last}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow([by, "units", "cost", "losses", "currency"])
    for row in found.rows:
        writer.writerow([safe_text(row.key), row.units, f"{row.cost:f}", f"{row.losses:f}", found.currency])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@require("costs.view")
def variant_cost(request: HttpRequest, pk: int) -> HttpResponse:
    """One SKU: what a unit costs and why, its layers, and everything that came and went."""
    variant = get_object_or_404(Variant.objects.select_related("product"), pk=pk)
    form = CostForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        require_permission(request.user, "purchasing.edit")
        if form.is_valid():
            try:
                set_stock_cost(variant_id=pk, **form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
                return HttpResponseRedirect(reverse("variant-cost", args=[pk]))
            except Refusal as refusal:
                add_refusal(form, refusal)
    method = cost_method()
    context: dict[str, Any] = {
        "variant": variant,
        "pool": VariantCost.objects.filter(pk=pk).first(),
        "unit_cost": unit_costs([pk], method=method).get(pk),
        "method": method,
        "method_label": dict(CostMethod.choices)[method],
        "layers": list(CostLayer.objects.filter(variant_id=pk, remaining__gt=0).order_by("id")[:SHOWN]),
        "rows": list(CostEntry.objects.filter(variant_id=pk).select_related("location").order_by("-id")[:SHOWN]),
        "currency": shop().currency,
        "form": form,
        "may_set": request.user.can("purchasing.edit"),
    }
    return render(request, "purchasing/variant_cost.html", context, status=422 if form.errors else 200)


@require_POST
@require("settings.edit")
def method(request: HttpRequest) -> HttpResponse:
    """Choose how costs are read."""
    form = MethodForm(request.POST)
    if form.is_valid():
        set_cost_method(method=form.cleaned_data["method"], actor=Actor.user(request.user), now=timezone.now())
    return HttpResponseRedirect(reverse("costs"))
