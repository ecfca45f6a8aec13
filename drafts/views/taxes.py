"""The tax rates of countries."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from drafts.forms import TaxRateForm
from orders.models import TaxRate
from orders.operations.taxes import delete_tax_rate, save_tax_rate
from orders.queries import country_choices


@require("rates.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def tax_rates(request: HttpRequest) -> HttpResponse:
    """Every country with its rate, and one more."""
    return _page(request, None)


@require("rates.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def tax_rate(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one."""
    return _page(request, get_object_or_404(TaxRate, pk=pk))


def _page(request: HttpRequest, found: TaxRate | None) -> HttpResponse:
    form = TaxRateForm(request.POST) if request.method == "POST" else TaxRateForm.of(found) if found else TaxRateForm()
    if form.is_bound and form.is_valid():
        try:
            save_tax_rate(
                rate_id=found.pk if found else None,
                actor=Actor.user(request.user),
                now=timezone.now(),
                **form.cleaned_data,
            )
            messages.success(request, _("Saved."))
            return redirect("tax-rates")
        except Refusal as refusal:
            add_refusal(form, refusal)
    names = dict(country_choices())
    rows = [
        {
            "rate": each,
            "country": names.get(each.country, each.country),
            "percent": f"{(each.rate * 100).normalize():f}",
        }
        for each in TaxRate.objects.all()
    ]
    rows.sort(key=lambda row: str(row["country"]))
    context = {"form": form, "found": found, "rows": rows}
    return render(request, "drafts/tax_rates.html", context, status=422 if form.errors else 200)


@require("rates.edit")
@require_POST
def tax_rate_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one away."""
    delete_tax_rate(rate_id=pk, actor=Actor.user(request.user), now=timezone.now())
    return redirect("tax-rates")
