"""Holds: placing and releasing them on an order, and the list of all that are open."""

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
from core.listing import BulkAction, Empty, ListPage, Sort, Tab, list_view
from core.models import User
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.search import search
from oms.orchestration.hold_order import hold_order, release_hold
from orders.filters import HoldFilter
from orders.forms import LineHoldForm, OwnerForm
from orders.models import Hold, Order
from orders.operations import assign_hold
from orders.queries import listed_holds
from orders.states import HoldKind
from orders.tables import HoldTable
from orders.views.page import find_order

#: The most holds one act takes: each is a transaction of its own while the person waits.
MOST = 500


@require("orders.hold")
@require_http_methods(["GET", "POST"])
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Place a hold on the order, or on some of its lines."""
    order = find_order(pk)
    form = LineHoldForm(request.POST or None, lines=list(order.lines.order_by("position")))
    if request.method == "POST" and form.is_valid():
        try:
            hold_order(order_id=pk, **form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Order {number} is on hold.").format(number=order.number))
            return redirect("order", pk=pk)
    context = {
        "order": order,
        "form": form,
        "title": _("Hold order {number}").format(number=order.number),
        "button": _("Place the hold"),
    }
    context["text"] = _("Nothing of it is picked or shipped until the hold is released. Its stock stays reserved.")
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)


@require("orders.hold")
@require_POST
def release(request: HttpRequest, pk: int, hold: int) -> HttpResponse:
    """Release one hold of this order."""
    get_object_or_404(Hold.objects.only("pk"), pk=hold, order_id=pk)
    release_hold(hold_id=hold, actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("The hold is released."))
    return redirect("order", pk=pk)


def _each(targets: QuerySet[Hold], act: Callable[[int], Any]) -> BulkOutcome:
    """Do it to each hold in a transaction of its own; what is refused is listed and the rest is done."""
    outcome = BulkOutcome()
    for hold_id, number in list(targets.values_list("pk", "order__number")):
        try:
            act(hold_id)
        except Refusal as refusal:
            outcome.refuse(number, refusal.message)
        else:
            outcome.done.append(number)
    return outcome


def release_many(targets: QuerySet[Hold], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Release each of them."""
    return _each(targets, lambda hold_id: release_hold(hold_id=hold_id, actor=actor, now=now))


def assign_many(targets: QuerySet[Hold], *, owner: User | None, actor: Actor, now: datetime) -> BulkOutcome:
    """Give each of them to a person, or to nobody."""
    return _each(targets, lambda hold_id: assign_hold(hold_id=hold_id, owner=owner, actor=actor, now=now))


class HoldList(ListPage):
    """Every open hold of an open order: why, who sees to it, since when and until when."""

    name = "holds"
    title = gettext_lazy("Holds")
    permission = "orders.view"
    export_permission = "orders.export"
    model = Hold
    table_class = HoldTable
    filter_class = HoldFilter
    sorts = {"since": Sort("at", desc=True)}
    default_sort = "since"
    search_placeholder = gettext_lazy("Number, name, e-mail, SKU, tracking number")
    tabs = [
        Tab("all", gettext_lazy("All")),
        Tab("fraud", HoldKind.FRAUD.label, Q(kind=HoldKind.FRAUD)),
        Tab("address", HoldKind.ADDRESS.label, Q(kind=HoldKind.ADDRESS)),
        Tab("payment", HoldKind.PAYMENT.label, Q(kind=HoldKind.PAYMENT)),
        Tab("nobody", gettext_lazy("Nobody sees to it"), Q(owner__isnull=True)),
    ]
    bulk_actions = [
        BulkAction("release", gettext_lazy("Release"), "orders.hold", run=release_many, icon="unlock", limit=MOST),
        BulkAction(
            "assign", gettext_lazy("Assign"), "orders.hold", run=assign_many, form_class=OwnerForm, icon="user", limit=MOST
        ),
    ]  # fmt: skip
    empty = Empty(
        gettext_lazy("Nothing is on hold"),
        gettext_lazy("An order is held on its page, by a rule, or until it is paid."),
        gettext_lazy("Orders"),
        "orders",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Hold]:
        return listed_holds()

    def search(self, queryset: QuerySet[Hold], q: str) -> QuerySet[Hold]:
        return queryset.filter(order__in=search(Order.objects.filter(on_hold=True), q).values("pk"))


hold_list = list_view(HoldList)
