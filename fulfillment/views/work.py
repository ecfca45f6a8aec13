"""One work order at the desk: what is in it, what can be done with it now, its papers, its parcel and its history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core import formats
from core.actors import Actor
from core.models import TimelineEntry
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.states import Offer
from core.timeline_text import lines_for
from fulfillment import queries
from fulfillment.carriers import registered
from fulfillment.forms import PAPERS, MissingForm, PrintForm, shop_papers
from fulfillment.members import UNCLOSED
from fulfillment.models import FulfillmentOrder, Shipment
from fulfillment.operations.packing import pack_all
from fulfillment.operations.picking import finish_picking, start_picking
from fulfillment.operations.printing import print_now
from fulfillment.operations.shipping import ship_fulfillment_order
from fulfillment.operations.shortages import report_missing
from fulfillment.operations.splitting import UNBEGUN, open_work
from fulfillment.operations.work import is_held, who_did, why_held
from fulfillment.states import ACTIVE_STATES, FULFILLMENT_MACHINE, WORKABLE_STATES, FulfillmentState, Service
from fulfillment.tracing import Contents, contents_of, is_followed

S = FulfillmentState


@dataclass(frozen=True, slots=True)
class Step:
    """A button of the page: its permission is the state machine's, `done` is what is said afterwards."""

    run: Callable[..., Any]
    done: Any


STEPS = {
    "open": Step(open_work, gettext_lazy("{number} can be picked now.")),
    "start_picking": Step(start_picking, gettext_lazy("{number} is yours to pick.")),
    "finish_picking": Step(finish_picking, gettext_lazy("{number} is picked.")),
    "pack": Step(pack_all, gettext_lazy("{number} is packed.")),
    "ship": Step(ship_fulfillment_order, gettext_lazy("{number} is shipped.")),
}

#: How many of the steps are behind a work order in this state.
_PASSED = {S.SCHEDULED: 0, S.PICKING: 2, S.PICKED: 3, S.PACKED: 4}


@require("fulfillment.view")
@require_safe
def work_order(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one work order."""
    found = load(pk)
    bins = queries.bins_of([found])
    shipments = (
        Shipment.objects.filter(fulfillment_order=found).prefetch_related("packages", "tracking").order_by("-id")
    )
    entries = TimelineEntry.objects.filter(subject=found.order.subject, data__fulfillment_order_id=found.pk).order_by(
        "-id"
    )[:100]
    held = is_held(found.order, found, found.lines.all())
    return render(
        request,
        "fulfillment/work_order.html",
        {
            "found": found,
            "order": found.order,
            "lines": queries.lines_in_walk_order(found, bins),
            "contents": _contents(found),
            "offers": _offers_ahead(found, request.user),
            "ended": who_did(found) if found.state not in ACTIVE_STATES else "",
            "service": dict(Service.choices).get(found.service, found.service),
            "expected": formats.day(found.expected_on) if found.expected_on else "",
            "late": found.state in WORKABLE_STATES and found.ship_by < timezone.now(),
            "why_held": why_held(found.order, found.lines.all()) if held else "",
            "workable": found.state in WORKABLE_STATES and not held,
            "parcels": [_parcel(shipment) for shipment in shipments],
            "history": lines_for(entries),
            "print_form": PrintForm(),
            "papers": _papers(found),
            "may_print": request.user.can("fulfillment.print"),
            "may_pick": request.user.can("fulfillment.pick"),
            **_arrangement(found, request.user),
        },
    )


def _arrangement(found: FulfillmentOrder, user: Any) -> dict[str, Any]:
    """With whom it shares its parcel, and what it can be merged with, split into or put back into."""
    free = found.state in UNBEGUN and found.consolidation_id is None
    mates = queries.mates_of([found]).get(found.pk, [])
    return {
        "mates": mates,
        "leads": bool(mates) and mates[0].lead_id == found.pk,
        "may_pack": user.can("fulfillment.pack"),
        "may_merge": found.state == S.OPEN,
        "may_split": free,
        "may_undo": bool(mates) and found.state in UNCLOSED,
        "siblings": queries.siblings(found) if free else [],
    }


def _contents(found: FulfillmentOrder) -> list[tuple[str, Contents]]:
    """(SKU, lots and serial numbers) of the lines whose units are told apart."""
    lines = [line for line in found.lines.all() if is_followed(line)]
    contents = contents_of(lines)
    return [(line.order_line.sku, contents[line.pk]) for line in lines if contents[line.pk]]


def _parcel(shipment: Shipment) -> dict[str, Any]:
    """A shipment with its carrier and service in words and its reports, the newest first."""
    known = registered().get(shipment.carrier)
    reports = sorted(shipment.tracking.all(), key=lambda report: (report.at, report.pk), reverse=True)
    return {
        "shipment": shipment,
        "carrier": known.name if known else shipment.carrier,
        "service": dict(Service.choices).get(shipment.service, shipment.service),
        "numbers": [package.tracking_number for package in shipment.packages.all()],
        "reports": [
            (_(report.description) if report.description else report.code, report.place, report.at)
            for report in reports
        ],
    }


def _offers_ahead(found: FulfillmentOrder, user: Any) -> list[Offer]:
    """The steps that are still to come, with why not; what is behind it is left out."""
    offers = {offer.name: offer for offer in FULFILLMENT_MACHINE.offers(found, user)}
    ahead = list(STEPS)[_PASSED.get(S(found.state), 1) :]
    return [offers[name] for name in ahead]


def load(pk: int) -> FulfillmentOrder:
    """A work order with its lines, or 404."""
    found = queries.with_lines([pk])
    if not found:
        raise Http404
    return found[0]


def _papers(found: FulfillmentOrder) -> list[tuple[str, str]]:
    """(address, label) of the papers that can be opened now."""
    papers = [("slip_a4", _("Packing slip A4")), ("slip_4x6", _("Packing slip 4 × 6 in"))]
    if found.has_label:
        papers = [("label_pdf", _("Label (PDF)")), ("label_zpl", _("Label (ZPL)")), *papers]
    return [(reverse("fulfillment-paper", args=[found.pk, kind]), label) for kind, label in papers]


@require("fulfillment.view")
@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do one of STEPS; what is refused is said on the page."""
    found = get_object_or_404(FulfillmentOrder, pk=pk)
    name = request.POST.get("action", "")
    if name not in STEPS:
        raise Http404
    require_permission(request.user, FULFILLMENT_MACHINE.actions[name].permission or "")
    try:
        STEPS[name].run(
            fulfillment_order_id=pk, actor=Actor.user(request.user), now=timezone.now(),
            expected_version=posted_version(request),
        )  # fmt: skip
        messages.success(request, str(STEPS[name].done).format(number=found.number))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(reverse("fulfillment-order", args=[pk]))


def posted_version(request: HttpRequest) -> int | None:
    """The version that the page showed, where it was posted."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


@require("fulfillment.print")
@require_POST
def print_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Buy the label if it has none, draw the papers, and come back to where they can be opened."""
    found = get_object_or_404(FulfillmentOrder, pk=pk)
    what = request.POST.get("what") or shop_papers()
    if what not in PAPERS:
        raise Http404
    try:
        print_now(fulfillment_order_id=pk, kinds=PAPERS[what][1], actor=Actor.user(request.user), now=timezone.now())
        messages.success(request, _("The papers of {number} are ready.").format(number=found.number))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(reverse("fulfillment-order", args=[pk]))


@require("fulfillment.pick")
@require_POST
def missing(request: HttpRequest, pk: int) -> HttpResponse:
    """Report units that are not where they should be."""
    found = get_object_or_404(FulfillmentOrder, pk=pk)
    form = MissingForm(request.POST)
    try:
        if form.is_valid():
            report_missing(
                fulfillment_order_id=pk, line_id=form.cleaned_data["line"], units=form.cleaned_data["units"],
                actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
            messages.warning(
                request, _("Noted. The missing units of {number} are routed again.").format(number=found.number)
            )
        else:
            messages.error(request, _("How many units were not found?"))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(
        reverse("pick" if request.POST.get("back") == "pick" else "fulfillment-order", args=[pk])
    )
