"""Addresses that are not in order: the list, taking a suggestion, shipping as it is."""

from __future__ import annotations

from collections.abc import Callable
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
from oms.orchestration.screening import accept_suggestion, ship_as_is
from orders.models import Order
from orders.states import Lifecycle
from risk.filters import AddressFilter
from risk.forms import ReasonForm
from risk.models import AddressCheck
from risk.queries import listed_checks
from risk.states import AddressState
from risk.tables import AddressTable
from risk.telling import tell_problems

MOST = 200


def _each(targets: QuerySet[AddressCheck], act: Callable[[int], Any]) -> BulkOutcome:
    outcome = BulkOutcome()
    for pk, number in list(targets.values_list("pk", "order__number")):
        try:
            act(pk)
        except Refusal as refusal:
            outcome.refuse(number, refusal.message)
        else:
            outcome.done.append(number)
    return outcome


def accept_many(targets: QuerySet[AddressCheck], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take each suggestion."""
    return _each(targets, lambda pk: accept_suggestion(check_id=pk, actor=actor, now=now))


def as_is_many(targets: QuerySet[AddressCheck], *, reason: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Ship each as it is written."""
    return _each(targets, lambda pk: ship_as_is(check_id=pk, reason=reason, actor=actor, now=now))


_OPEN = Q(settled="", order__lifecycle=Lifecycle.OPEN)


class AddressList(ListPage):
    """Shipping addresses that are wrong or could be written better."""

    name = "risk-addresses"
    title = gettext_lazy("Addresses")
    permission = "risk.view"
    export_permission = "orders.export"
    model = AddressCheck
    table_class = AddressTable
    filter_class = AddressFilter
    sorts = {"checked": Sort("at", desc=True)}
    default_sort = "checked"
    search_placeholder = gettext_lazy("Number, name, e-mail, SKU, tracking number")
    tabs = [
        Tab("wrong", gettext_lazy("Wrong"), _OPEN & Q(state=AddressState.PROBLEM)),
        Tab("suggested", gettext_lazy("Better written otherwise"), _OPEN & Q(state=AddressState.SUGGESTION)),
        Tab("settled", gettext_lazy("Decided"), ~Q(settled="")),
        Tab("all", gettext_lazy("All")),
    ]
    bulk_actions = [
        BulkAction("accept", gettext_lazy("Take the suggestion"), "orders.edit", run=accept_many, icon="check", limit=MOST),
        BulkAction(
            "as_is", gettext_lazy("Ship as it is"), "orders.edit", run=as_is_many, form_class=ReasonForm, icon="truck", limit=MOST
        ),
    ]  # fmt: skip
    page_actions = [PageAction(gettext_lazy("Risk"), "risk", "risk.view", icon="alert")]
    empty = Empty(
        gettext_lazy("Every address is in order"),
        gettext_lazy("Addresses of new orders are compared with what the post of their country wants."),
    )

    def queryset(self, request: HttpRequest) -> QuerySet[AddressCheck]:
        return listed_checks()

    def search(self, queryset: QuerySet[AddressCheck], q: str) -> QuerySet[AddressCheck]:
        return queryset.filter(order__in=search(Order.objects.all(), q).values("pk"))


address_list = list_view(AddressList)


@require("orders.edit")
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Write the suggested form into the order."""
    check = get_object_or_404(AddressCheck.objects.only("order_id"), pk=pk)
    accept_suggestion(check_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("The address is written in its right form."))
    return redirect("order", pk=check.order_id)


@require("orders.edit")
@require_http_methods(["GET", "POST"])
def as_is(request: HttpRequest, pk: int) -> HttpResponse:
    """Ship to the address as it is written, with a reason."""
    check = get_object_or_404(AddressCheck.objects.select_related("order"), pk=pk)
    form = ReasonForm(request.POST or None)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            ship_as_is(
                check_id=pk, reason=form.cleaned_data["reason"], actor=Actor.user(request.user), now=timezone.now()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, _("It ships to the address as it is written."))
            return redirect("order", pk=check.order_id)
    context = {"order": check.order, "form": form, "problems": tell_problems(check.problems)}
    return render(request, "risk/as_is.html", context, status=status)
