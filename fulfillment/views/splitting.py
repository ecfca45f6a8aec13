"""Splitting a work order by hand, and putting its parts together again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require, require_permission
from core.refusals import Refusal
from fulfillment import queries
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.splitting import join_work, split_work, why_not_split
from fulfillment.splitting_forms import ReasonForm, SplitForm
from fulfillment.views.work import load, posted_version


@require("fulfillment.pack")
@require_http_methods(["GET", "HEAD", "POST"])
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose units that become a work order of their own; sending them from another location needs the right to route."""
    found = load(pk)
    places = queries.split_candidates(found) if request.user.can("orders.route") else []
    form = SplitForm(request.POST or None, found=found, places=places)
    if request.method == "POST" and form.is_valid():
        own = _split(request, found, form)
        if own is not None:
            messages.success(request, _("{number} was made.").format(number=own.number))
            return HttpResponseRedirect(reverse("fulfillment-order", args=[own.pk]))
    context: dict[str, Any] = {"found": found, "order": found.order, "form": form, "why_not": why_not_split(found)}
    return render(request, "fulfillment/split.html", context)


def _split(request: HttpRequest, found: FulfillmentOrder, form: SplitForm) -> FulfillmentOrder | None:
    location_id = form.location_id()
    if location_id is not None:
        require_permission(request.user, "orders.route")
    try:
        return split_work(
            fulfillment_order_id=found.pk, units=form.units(), location_id=location_id, scheduled_for=form.scheduled_for(),
            reason=form.cleaned_data["reason"], actor=Actor.user(request.user), now=timezone.now(),
            expected_version=posted_version(request),
        )  # fmt: skip
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None


@require("fulfillment.pack")
@require_POST
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a work order's units into another one of the same order."""
    found = get_object_or_404(FulfillmentOrder, pk=pk)
    text = request.POST.get("into", "")
    into = get_object_or_404(
        FulfillmentOrder, pk=int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    )
    if into.location_id != found.location_id:
        require_permission(request.user, "orders.route")
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        join_work(
            fulfillment_order_id=pk, into_id=into.pk, reason=reason, actor=Actor.user(request.user), now=timezone.now()
        )
        messages.success(request, _("{one} is part of {two} again.").format(one=found.number, two=into.number))
        pk = into.pk
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(reverse("fulfillment-order", args=[pk]))
