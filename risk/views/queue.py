"""Orders that a person should look at, and the word about one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.forms import add_refusal
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.search import search
from oms.orchestration.screening import decide_risk, screen_orders
from orders.models import Order
from orders.states import Lifecycle
from risk.filters import RiskFilter
from risk.forms import DecideForm, ReasonForm
from risk.models import RiskAssessment
from risk.queries import listed_assessments
from risk.states import Decision, Level
from risk.tables import RiskTable
from risk.telling import tell_findings

#: The most orders that are decided about at once: each is a transaction of its own while the person waits.
MOST = 200


def _decide_each(
    targets: QuerySet[RiskAssessment], *, accept: bool, reason: str, actor: Actor, now: datetime
) -> BulkOutcome:
    outcome = BulkOutcome()
    rows: Sequence[tuple[int, str]] = list(targets.values_list("pk", "order__number"))
    for pk, number in rows:
        try:
            decide_risk(assessment_id=pk, accept=accept, reason=reason, actor=actor, now=now)
        except Refusal as refusal:
            outcome.refuse(number, refusal.message)
        else:
            outcome.done.append(number)
    return outcome


def accept_many(targets: QuerySet[RiskAssessment], *, reason: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Accept each of them."""
    return _decide_each(targets, accept=True, reason=reason, actor=actor, now=now)


def reject_many(targets: QuerySet[RiskAssessment], *, reason: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Reject each of them: what can be cancelled is."""
    return _decide_each(targets, accept=False, reason=reason, actor=actor, now=now)


_OPEN = Q(decision="", order__lifecycle=Lifecycle.OPEN)


class RiskQueue(ListPage):
    """Orders with a score, the highest first."""

    name = "risk"
    title = gettext_lazy("Risk")
    permission = "risk.view"
    export_permission = "orders.export"
    model = RiskAssessment
    table_class = RiskTable
    filter_class = RiskFilter
    sorts = {"score": Sort("score", desc=True), "assessed": Sort("at", desc=True)}
    default_sort = "score"
    search_placeholder = gettext_lazy("Number, name, e-mail, SKU, tracking number")
    tabs = [
        Tab("open", gettext_lazy("To review"), _OPEN),
        Tab("held", gettext_lazy("Held"), _OPEN & Q(level=Level.HOLD)),
        Tab("accepted", gettext_lazy("Accepted"), Q(decision=Decision.ACCEPTED)),
        Tab("rejected", gettext_lazy("Rejected"), Q(decision=Decision.REJECTED)),
        Tab("all", gettext_lazy("All")),
    ]
    bulk_actions = [
        BulkAction("accept", gettext_lazy("Accept"), "risk.edit", run=accept_many, form_class=ReasonForm, icon="check", limit=MOST),
        BulkAction(
            "reject", gettext_lazy("Reject"), "risk.edit", run=reject_many, form_class=ReasonForm, danger=True, limit=MOST,
            confirm=gettext_lazy("Everything of them that has not been picked is cancelled and its stock is given back. This cannot be undone."),
        ),
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("Addresses"), "risk-addresses", "risk.view", icon="pin"),
        PageAction(gettext_lazy("Rules"), "risk-rules", "risk.view", primary=True, icon="gear"),
    ]
    empty = Empty(
        gettext_lazy("No order was flagged"),
        gettext_lazy("Rules look at each new order and add up what speaks against it. Say which."),
        gettext_lazy("Rules"),
        "risk-rules",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[RiskAssessment]:
        return listed_assessments()

    def search(self, queryset: QuerySet[RiskAssessment], q: str) -> QuerySet[RiskAssessment]:
        return queryset.filter(order__in=search(Order.objects.all(), q).values("pk"))


risk_queue = list_view(RiskQueue)


@require("risk.edit")
@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept or reject an order, after seeing what speaks against it."""
    found = get_object_or_404(RiskAssessment.objects.select_related("order"), pk=pk)
    form = DecideForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            accept = form.cleaned_data["decision"] == Decision.ACCEPTED
            try:
                decide_risk(
                    assessment_id=pk,
                    accept=accept,
                    reason=form.cleaned_data["reason"],
                    actor=Actor.user(request.user),
                    now=timezone.now(),
                )
            except Refusal as refusal:
                add_refusal(form, refusal)
                status = refusal.status
            else:
                text = _("Order {number} is accepted.") if accept else _("Order {number} is rejected and cancelled.")
                messages.success(request, text.format(number=found.order.number))
                return redirect("order", pk=found.order_id)
    context: dict[str, Any] = {"found": found, "form": form, "findings": tell_findings(found.findings)}
    return render(request, "risk/decide.html", context, status=status)


@require("risk.edit")
@require_POST
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Look at an order again: its risk and its address."""
    order = get_object_or_404(Order.objects.only("number"), pk=pk)
    screen_orders(order_ids=[order.pk], actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("Risk and address of {number} were looked at again.").format(number=order.number))
    return redirect("order", pk=order.pk)
