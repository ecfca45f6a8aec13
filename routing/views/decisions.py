"""The receipt of a routing run that was stored, for people."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.permissions import require
from core.requests import StaffRequest
from routing.models import RoutingDecision
from routing.reading import read_receipts


@require_safe
@require("routing.view")
def decision_page(request: StaffRequest, pk: int) -> HttpResponse:
    """What was asked, what each location could offer, what decided; with the order's other runs."""
    found = get_object_or_404(
        RoutingDecision.objects.select_related("order__channel").defer("order__search_text", "order__search"), pk=pk
    )
    others = RoutingDecision.objects.filter(order=found.order_id).exclude(pk=pk).defer("receipt").order_by("-id")[:20]
    reading = read_receipts([found.receipt], found.order.lines.all())[0]
    return render(
        request,
        "routing/decision.html",
        {"decision": found, "order": found.order, "reading": reading, "others": others},
    )
