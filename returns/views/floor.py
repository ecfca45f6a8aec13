"""Returns at the receiving desk: scan the parcel, say what is in it, decide what happens to each unit. Made for gloves."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from returns.forms import FindForm, InspectForm, ReceiveForm
from returns.models import Return
from returns.operations import finish_inspection, inspect_return, receive_return
from returns.operations.goods import read_unit
from returns.states import EXPECTED_STATES, RETURN_MACHINE, Disposition, ReturnState
from returns.views.desk import load


@require_safe
@require("returns.receive")
def scan(request: HttpRequest) -> HttpResponse:
    """The scan field: an RMA or tracking number leads to its return; anything else is answered with what to do."""
    form = FindForm(request.GET if "code" in request.GET else None)
    found = None
    if form.is_bound and form.is_valid():
        found = find(form.cleaned_data["code"])
        if found is not None:
            return HttpResponseRedirect(reverse("return-floor", args=[found]))
    waiting = Return.objects.filter(state=ReturnState.RECEIVED).exclude(state__in=["resolved", "declined", "cancelled"])
    page = {
        "form": form,
        "code": form.data.get("code", "")[:80] if form.is_bound else "",
        "waiting": waiting.select_related("order", "location").order_by("-requested_at", "-id")[:20],
    }
    return render(request, "returns/scan.html", page, status=404 if form.is_bound else 200)


def find(code: str) -> int | None:
    """The return with this RMA number, or on whose label this tracking number is."""
    wanted = code.strip().upper()
    known = Q(number=wanted) | Q(shipment__packages__tracking_number=wanted)
    return Return.objects.filter(known).values_list("pk", flat=True).first()


@require_safe
@require("returns.receive")
def floor(request: HttpRequest, pk: int) -> HttpResponse:
    """One return: what is expected, and what arrived and must be looked at."""
    return _page(request, load(pk), answer=_answer(request))


def _answer(request: HttpRequest) -> dict[str, str] | None:
    """What the last scan did, after the redirect: the SKU of the unit that was counted."""
    done = request.GET.get("done", "")
    return {"tone": "right", "text": done[:80]} if done else None


def _page(request: HttpRequest, found: Return, *, status: int = 200, **extra: Any) -> HttpResponse:
    lines = sorted(found.lines.all(), key=lambda line: line.order_line.position)
    offers = {offer.name: offer for offer in RETURN_MACHINE.offers(found, request.user)}
    context = {
        "return": found,
        "expected": found.state in EXPECTED_STATES,
        "to_inspect": [line for line in lines if line.received > line.inspected],
        "decided": [line for line in lines if line.inspected],
        "receive": offers["receive"],
        "finish": offers["finish"],
        "form": ReceiveForm(lines=lines, location=found.location),
        "dispositions": [choice for choice in Disposition.choices if choice[0] != Disposition.KEEP_IT],
        **extra,
    }
    return render(request, "returns/floor.html", context, status=status)


def _back(pk: int, done: str = "") -> HttpResponse:
    query = f"?{urlencode({'done': done})}" if done else ""
    return HttpResponseRedirect(reverse("return-floor", args=[pk]) + query)


@require_POST
@require("returns.receive")
def receive(request: HttpRequest, pk: int) -> HttpResponse:
    """What the form says has arrived."""
    found = load(pk)
    form = ReceiveForm(request.POST, lines=list(found.lines.all()), location=found.location)
    if form.is_valid():
        try:
            receive_return(
                return_id=pk,
                lines=form.received(),
                location_id=form.cleaned_data["location"].pk,
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
            return _back(pk, _("Received"))
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, form=form)


@require_POST
@require("returns.receive")
def scan_unit(request: HttpRequest, pk: int) -> HttpResponse:
    """A unit was scanned by SKU or barcode, GS1 code, lot or serial number: one more of it has arrived."""
    found = load(pk)
    code = request.POST.get("code", "").strip()
    scanned = read_unit(found.lines.select_related("order_line__variant"), code, now=timezone.now())
    if scanned is None:
        wrong = {"tone": "wrong", "text": _("{code} is not part of this return.").format(code=code[:80])}
        return _page(request, found, status=422, answer=wrong)
    line, received = scanned
    try:
        receive_return(return_id=pk, lines=[received], actor=Actor.user(request.user), now=timezone.now())
    except Refusal as refusal:
        return _page(request, load(pk), status=refusal.status, answer={"tone": "wrong", "text": refusal.message})
    return _back(pk, line.order_line.sku)


@require_POST
@require("returns.receive")
def inspect(request: HttpRequest, pk: int) -> HttpResponse:
    """So many units of a line get a disposition."""
    form = InspectForm(request.POST)
    if form.is_valid():
        try:
            inspect_return(return_id=pk, verdicts=[form.verdict()], actor=Actor.user(request.user), now=timezone.now())
            return _back(pk, str(Disposition(form.cleaned_data["disposition"]).label))
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, inspect_form=form, answer={"tone": "wrong", "text": _first_error(form)})


def _first_error(form: InspectForm) -> str:
    return str(next(iter(form.errors.values()))[0])


@require_POST
@require("returns.receive")
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing more will come."""
    try:
        finish_inspection(return_id=pk, actor=Actor.user(request.user), now=timezone.now())
    except Refusal as refusal:
        return _page(request, load(pk), status=refusal.status, answer={"tone": "wrong", "text": refusal.message})
    return HttpResponseRedirect(reverse("return-scan"))
