"""One transfer at the desk: what it moves, what can be done now, what arrived and what did not, its slip and its history."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.forms import add_refusal
from core.paper.weasy import PdfUnavailable
from core.permissions import require
from core.refusals import Invalid, Refusal, Unavailable
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.operations.serials import read_serials
from transfers.forms import DispatchForm, FindForm, SettleForm
from transfers.models import Transfer
from transfers.operations import (
    NotEnoughAtOrigin,
    cancel_transfer,
    dispatch_transfer,
    find_again,
    make_ready,
    revise_transfer,
    settle_missing,
    undo_arrival,
)
from transfers.operations.serials import follows
from transfers.queries import levels_at, with_lines
from transfers.slips import slips_of, slips_pdf
from transfers.states import TRANSFER_MACHINE, TransferState

#: Actions that need no more than a press.
PRESSED = ("ready", "revise", "cancel")
S = TransferState


def load(pk: int) -> Transfer:
    """The transfer with what its page shows; 404 when there is none."""
    return get_object_or_404(with_lines(Transfer.objects.all()), pk=pk)


@require_safe
@require("transfers.view")
def transfer_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one transfer."""
    return _page(request, load(pk))


def _page(request: HttpRequest, found: Transfer, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page; `more` are bound forms that were refused, or the refusal itself."""
    offers = {offer.name: offer for offer in TRANSFER_MACHINE.offers(found, request.user)}
    lines = list(found.lines.all())
    levels = levels_at(found.origin_id, [line.variant_id for line in lines]) if found.state == S.DRAFT else {}
    context: dict[str, Any] = {
        "transfer": found,
        "rows": [_row(line, levels) for line in lines],
        "offer": offers,
        "offers": [offers[name] for name in PRESSED if found.state in TRANSFER_MACHINE.actions[name].sources],
        "left": found.state in (S.IN_TRANSIT, S.RECEIVED),
        "can_undo": offers["undo"].allowed,
        "timeline": lines_for(entries_for(found.subject)),
        **more,
    }
    version = {"version": found.version}
    if offers["dispatch"].allowed:
        context.setdefault("dispatch_form", DispatchForm(lines=lines, initial=version))
    if offers["settle"].allowed:
        context.setdefault("settle_form", SettleForm(lines=lines, initial=version))
    return render(request, "transfers/transfer.html", context, status=status)


def _row(line: Any, levels: dict[int, Any]) -> dict[str, Any]:
    """A line with what its origin can promise, and its newest receipt, which is the one that can be taken back."""
    level = levels.get(line.variant_id)
    live = [arrival.pk for arrival in line.arrivals.all() if arrival.undone_at is None]
    available = max(0, level.available) if level else 0
    return {
        "line": line,
        "available": available,
        "scarce": available < line.quantity,
        "undoable": live[-1] if live else None,
        "serials": follows(line),
    }


def _to(pk: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("transfer", args=[pk]))


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": Actor.user(request.user), "now": timezone.now()}


def _version(request: HttpRequest) -> int | None:
    """The version of the page that was looked at. Raises Invalid for what is none."""
    text = request.POST.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("bad_version", _("Open the page anew and try again."))
    return int(text)


@require_POST
@require("transfers.edit")
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions that need no more than a press; `reduce` sends what there is where the origin lacks something."""
    found, name = load(pk), request.POST.get("action", "")
    if name not in PRESSED:
        return _page(request, found, status=422)
    try:
        who = _who(request) | {"transfer_id": pk, "version": _version(request)}
        if name == "ready":
            make_ready(reduce="reduce" in request.POST, **who)
        elif name == "revise":
            revise_transfer(**who)
        else:
            cancel_transfer(reason=request.POST.get("reason", "").strip()[:200], **who)
    except NotEnoughAtOrigin as lacking:
        return _page(request, load(pk), status=lacking.status, refusal=lacking, lacking=lacking.lines)
    except Refusal as refusal:
        return _page(request, load(pk), status=refusal.status, refusal=refusal)
    return _to(pk)


@require_POST
@require("transfers.edit")
def dispatch(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it leave, whole or less than planned."""
    found = load(pk)
    form = DispatchForm(request.POST, lines=list(found.lines.all()))
    if form.is_valid():
        data = form.cleaned_data
        try:
            dispatch_transfer(
                transfer_id=pk,
                units=form.units(),
                serials=form.serials(),
                keep_rest=data["keep_rest"],
                version=data["version"],
                **_who(request),
            )
            messages.success(request, _("{number} is on its way.").format(number=found.number))
            return _to(pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, dispatch_form=form)


@require_POST
@require("transfers.edit")
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what became of what is missing."""
    form = SettleForm(request.POST, lines=list(load(pk).lines.all()))
    if form.is_valid():
        try:
            settle_missing(
                transfer_id=pk, settled=form.settled(), version=form.cleaned_data["version"], **_who(request)
            )
            return _to(pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(pk), status=422, settle_form=form)


@require_POST
@require("transfers.edit")
def find(request: HttpRequest, pk: int) -> HttpResponse:
    """What was given up has turned up."""
    form = FindForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            find_again(
                transfer_id=pk, line_id=data["line"], quantity=data["quantity"], place=data["place"], note=data["note"],
                serials=read_serials(data["serials"]), version=data["version"], **_who(request),
            )  # fmt: skip
            return _to(pk)
        except Refusal as refusal:
            return _page(request, load(pk), status=refusal.status, refusal=refusal)
    wrong = Invalid("bad_input", str(next(iter(form.errors.values()))[0]))
    return _page(request, load(pk), status=422, refusal=wrong)


@require_POST
@require("transfers.edit")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a mistaken receipt of a line back."""
    found = load(pk)
    text = request.POST.get("arrival", "")
    known = {str(arrival.pk): arrival.pk for line in found.lines.all() for arrival in line.arrivals.all()}
    try:
        if text not in known:
            raise Invalid("no_such_arrival", _("There is no such receipt."))
        undo_arrival(arrival_id=known[text], version=_version(request), **_who(request))
    except Refusal as refusal:
        return _page(request, load(pk), status=refusal.status, refusal=refusal)
    return _to(pk)


@require_safe
@require("transfers.view")
def slip(request: HttpRequest, pk: int) -> HttpResponse:
    """The slip as PDF."""
    found = get_object_or_404(Transfer.objects.only("number"), pk=pk)
    try:
        data = slips_pdf(slips_of([pk]), language=get_language() or "en")
    except PdfUnavailable as off:
        raise Unavailable("pdf_off", str(off)) from off
    return file_response(f"{found.number}.pdf", "application/pdf", data, inline=True)
