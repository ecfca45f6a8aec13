"""One return at the desk: what was asked for, what can be done now, and the history."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.forms import add_refusal
from core.money import quantize
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from fulfillment.models import Document, DocumentKind
from oms.orchestration.settle_return import settle_return
from orders.models import Order
from returns.forms import ApproveForm, DeclineForm, ResolveForm, ReturnForm
from returns.models import Return
from returns.operations import (
    approve_return,
    cancel_return,
    decline_return,
    finish_inspection,
    keep_goods,
    mark_in_transit,
    request_return,
)
from returns.queries import LineWorth, line_worths, most_refundable, proposed_refund, return_window, returnable_lines
from returns.states import CLOSED_STATES, RETURN_MACHINE, ReturnState

#: Actions that need no more than a press.
_PRESSED = ("send", "finish", "keep", "cancel")


def load(pk: int) -> Return:
    """The return with what its page shows; 404 when there is none."""
    found = Return.objects.select_related("order__channel", "location", "shipment", "refund")
    return get_object_or_404(
        found.prefetch_related("lines__order_line", "lines__inspections", "shipment__packages"), pk=pk
    )


@require_safe
@require("returns.view")
def return_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one return."""
    return _page(request, load(pk))


def _page(request: HttpRequest, found: Return, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page; `forms` are bound ones that were refused."""
    offers = {offer.name: offer for offer in RETURN_MACHINE.offers(found, request.user)}
    context: dict[str, Any] = {
        "return": found,
        "lines": sorted(found.lines.all(), key=lambda line: line.order_line.position),
        "offers": [offers[name] for name in _PRESSED],
        "offer": offers,
        "timeline": lines_for(entries_for(found.subject)),
        "tracking_numbers": [package.tracking_number for package in found.shipment.packages.all()]
        if found.shipment
        else [],
        "has_label": _label_of(found) is not None,
        "closed": found.state in CLOSED_STATES,
        "most": most_refundable(found.order),
        **forms,
    }
    if found.state == ReturnState.REQUESTED:
        context.setdefault("approve_form", ApproveForm(initial={"version": found.version}, prefix="approve"))
        context.setdefault("decline_form", DeclineForm(initial={"version": found.version}, prefix="decline"))
    if found.state == ReturnState.INSPECTED:
        context.setdefault("resolve_form", _resolve_form(found))
    return render(request, "returns/return.html", context, status=status)


def _label_of(found: Return) -> Document | None:
    """The label, without its bytes."""
    if found.shipment is None:
        return None
    return Document.objects.filter(kind=DocumentKind.RETURN_LABEL_PDF, shipment=found.shipment).defer("data").first()


def _to(pk: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("return", args=[pk]))


@require_POST
@require("returns.approve")
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Say yes."""
    found = load(pk)
    form = ApproveForm(request.POST, prefix="approve")
    if form.is_valid():
        data = form.cleaned_data
        try:
            approve_return(
                return_id=pk,
                answer=data["answer"],
                location_id=data["location"].pk if data["location"] else None,
                keep=data["keep"],
                actor=Actor.user(request.user),
                now=timezone.now(),
                version=data["version"],
            )
            messages.success(request, _("{number} is approved; the customer is told.").format(number=found.number))
            return _to(pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, approve_form=form)


@require_POST
@require("returns.approve")
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Say no, and why."""
    found = load(pk)
    form = DeclineForm(request.POST, prefix="decline")
    if form.is_valid():
        data = form.cleaned_data
        try:
            decline_return(
                return_id=pk,
                answer=data["answer"],
                actor=Actor.user(request.user),
                now=timezone.now(),
                version=data["version"],
            )
            messages.success(request, _("{number} is declined; the customer is told.").format(number=found.number))
            return _to(pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, decline_form=form)


@require_POST
@require("returns.view")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions that need no more than a press; each has a right of its own (returns.states)."""
    found = load(pk)
    name = request.POST.get("action", "")
    if name not in _PRESSED:
        return _page(request, found, status=422)
    require_permission(request.user, RETURN_MACHINE.actions[name].permission or "returns.receive")
    run = {"send": mark_in_transit, "finish": finish_inspection, "keep": keep_goods, "cancel": cancel_return}[name]
    try:
        run(return_id=pk, actor=Actor.user(request.user), now=timezone.now())
    except Refusal as refusal:
        return _page(request, load(pk), status=refusal.status, refusal=refusal)
    return _to(pk)


def _resolve_form(found: Return, data: Any = None) -> ResolveForm:
    """The refund form with a proposal: the worth of all that was inspected, or of the units that were typed."""
    worths = line_worths(found)
    initial = {"version": found.version, "amount": _proposal(found, worths)}
    return ResolveForm(data, worths=worths, initial=initial)


def _proposal(found: Return, worths: list[LineWorth]) -> Decimal:
    """The proposed refund as it is typed: with the decimals of its currency."""
    return quantize(proposed_refund(found, worths), found.order.currency)


@require_POST
@require("payments.refund")
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Refund and close; `recalculate` only works out the amount for the units that were typed."""
    found = load(pk)
    form = _resolve_form(found, request.POST)
    valid = form.is_valid()
    if "recalculate" in request.POST:
        return _page(request, found, resolve_form=_recalculated(found, form))
    if valid:
        try:
            settled = settle_return(
                return_id=pk,
                amount=form.cleaned_data["amount"],
                units=form.units(),
                reason=form.cleaned_data["reason"],
                to_credit=form.cleaned_data["to_credit"],
                actor=Actor.user(request.user),
                now=timezone.now(),
                version=form.cleaned_data["version"],
            )
            if not settled:
                text = _(
                    "The refund was asked of the gateway, whose answer is not known yet. The return closes by itself once it is."
                )
                messages.warning(request, text)
            return _to(pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, resolve_form=form)


def _recalculated(found: Return, form: ResolveForm) -> ResolveForm:
    worths = line_worths(found, units=form.units())
    data = {name: form.data.get(name, "") for name in form.fields} | {"amount": _proposal(found, worths)}
    return ResolveForm(data, worths=worths) if form.errors else ResolveForm(worths=worths, initial=data)


@require_safe
@require("returns.view")
def label(request: HttpRequest, pk: int) -> HttpResponse:
    """The return label as PDF."""
    found = load(pk)
    document = get_object_or_404(Document, kind=DocumentKind.RETURN_LABEL_PDF, shipment_id=found.shipment_id or 0)
    return file_response(f"{found.number}.pdf", "application/pdf", bytes(document.data), inline=True)


@require_http_methods(["GET", "HEAD", "POST"])
@require("returns.approve")
def new(request: HttpRequest, order_pk: int) -> HttpResponse:
    """Ask for a return in a customer's name; the window is shown and may be passed."""
    order = get_object_or_404(Order.objects.select_related("channel"), pk=order_pk)
    items = returnable_lines(order, window=return_window(), now=timezone.now())
    form = ReturnForm(request.POST if request.method == "POST" else None, items=items, beyond_window=True)
    if form.is_bound and form.is_valid():
        try:
            made = request_return(
                order_id=order.pk,
                lines=form.wanted(),
                customer_note=form.cleaned_data["customer_note"],
                request_key=form.cleaned_data["request_key"],
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
            return _to(made.pk)
        except Refusal as refusal:
            form.refuse(refusal)
    return render(request, "returns/new.html", {"order": order, "form": form}, status=422 if form.is_bound else 200)
