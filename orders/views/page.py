"""The page of one order, and the short acts on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from fulfillment.models import DocumentKind
from oms.orchestration.route_order import route_order
from orders.forms import AssignForm, NoteForm, TagForm
from orders.models import Order
from orders.operations import add_note, archive_order, assign_order, change_tags
from orders.views.bulk import print_documents
from orders.views.page_data import load_page
from routing.models import RoutingDecision


def _shown() -> QuerySet[Order]:
    return Order.objects.select_related("channel", "customer", "assignee").defer("search_text", "search")


def find_order(pk: int) -> Order:
    """The order with what its header shows; 404 when there is none."""
    return get_object_or_404(_shown(), pk=pk)


@require("orders.view")
@require_safe
def order_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one order and what can be done with it now."""
    return show(request, find_order(pk))


def show(request: HttpRequest, order: Order, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page, with a refused note or tag form where one is given."""
    page = load_page(order, request.user)
    context = {
        "page": page,
        "order": order,
        "note_form": forms.get("note_form") or NoteForm(),
        "assignee": Actor.user(order.assignee).label if order.assignee else "",
        "tag_form": forms.get("tag_form") or TagForm(initial={"add": ""}),
        "may_note": request.user.can("orders.note"),
        "may_tag": request.user.can("orders.tag"),
        "may_release": request.user.can("orders.hold"),
        "tracking_url": request.build_absolute_uri(reverse("tracking", args=[order.token])),
    }
    return render(request, "orders/order.html", context, status=status)


@require("routing.view")
@require_safe
def receipt(request: HttpRequest, pk: int, decision: int) -> JsonResponse:
    """The receipt of one routing run, for programs."""
    found = get_object_or_404(RoutingDecision, pk=decision, order_id=pk)
    head = {
        "order_id": pk,
        "at": found.at.isoformat(),
        "cause": found.cause,
        "rule_set_version": found.rule_set_version,
    }
    return JsonResponse({**head, "receipt": found.receipt}, json_dumps_params={"indent": 2, "ensure_ascii": False})


@require("orders.route")
@require_POST
def route(request: HttpRequest, pk: int) -> HttpResponse:
    """Route the units that have no place."""
    plan = route_order(order_id=pk, cause="rerouted", actor=Actor.user(request.user), now=timezone.now())
    if plan is None:
        messages.info(request, _("Every unit has its place."))
    elif plan.allocations:
        messages.success(
            request, _("Routed: {n} units have a place now.").format(n=sum(part.quantity for part in plan.allocations))
        )
    else:
        messages.warning(request, _("No location can ship any of it now. The receipt says why."))
    return redirect("order", pk=pk)


@require("orders.assign")
@require_http_methods(["GET", "POST"])
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who works on the order."""
    order = find_order(pk)
    form = AssignForm(request.POST or None, initial={"person": order.assignee_id})
    if request.method == "POST" and form.is_valid():
        person = form.cleaned_data["person"]
        try:
            assign_order(
                order_id=pk, person_id=person.pk if person else None, actor=Actor.user(request.user), now=timezone.now()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("order", pk=pk)
    context = {
        "order": order,
        "form": form,
        "title": _("Who works on order {number}").format(number=order.number),
        "button": _("Assign"),
    }
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)


@require("orders.archive")
@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the order away, or take it out again."""
    order = find_order(pk)
    try:
        archive_order(order_id=pk, archived=not order.archived, actor=Actor.user(request.user), now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("order", pk=pk)


@require("orders.tag")
@require_POST
def tags(request: HttpRequest, pk: int) -> HttpResponse:
    """Add and remove tags."""
    form = TagForm(request.POST)
    if form.is_valid():
        try:
            outcome = change_tags(
                order_ids=[pk], **form.cleaned_data, actor=Actor.user(request.user), now=timezone.now()
            )
        except Refusal as refusal:
            form.add_error("add", refusal.message)
        else:
            for _number, reason in outcome.refused:
                messages.error(request, reason)
            return redirect("order", pk=pk)
    return show(request, find_order(pk), status=422, tag_form=form)


@require("orders.note")
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note."""
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            add_note(order_id=pk, text=form.cleaned_data["text"], user=request.user, now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("order", pk=pk)
    return show(request, find_order(pk), status=422, note_form=form)


@require("fulfillment.print")
@require_POST
def print_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Labels and slips of the order's work."""
    find_order(pk)
    kinds = [DocumentKind.LABEL_PDF, DocumentKind.SLIP_A4]
    outcome = print_documents(Order.objects.filter(pk=pk), kinds, actor=Actor.user(request.user), now=timezone.now())
    return redirect("job", pk=outcome.job.pk)
