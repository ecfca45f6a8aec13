"""Receiving at the dock: scan the transfer, scan what is in it, say why it differs, put it into stock. Keyboard alone, or gloves."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.floor import Answer, FormRefused, first_error, go, keep, told
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from transfers.forms import PostForm, SettleForm
from transfers.models import Transfer, TransferLine
from transfers.operations import clear_counts, count_scanned, receive_counted, set_counts, settle_missing
from transfers.queries import bins_at, listed_transfers
from transfers.states import TransferState
from transfers.views.page import load

WAITING_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@require("transfers.edit")
def scan(request: HttpRequest) -> HttpResponse:
    """Where receiving begins: scan the number on the slip."""
    if request.method == "POST":
        code = request.POST.get("code", "").strip()
        found = _by_number(code)
        if found is not None:
            return go(request, reverse("transfer-floor", args=[found]))
        keep(request, Answer("wrong", _("There is no transfer {code}.").format(code=code[:40])))
        return go(request, reverse("transfer-scan"))
    waiting = listed_transfers().filter(state=TransferState.IN_TRANSIT).order_by("-created_at", "-id")[:WAITING_SHOWN]
    return render(request, "transfers/scan.html", {"waiting": list(waiting), "answer": told(request)})


@require_http_methods(["GET", "HEAD", "POST"])
@require("transfers.edit")
def floor(request: HttpRequest, pk: int) -> HttpResponse:
    """One transfer at the dock."""
    if request.method != "POST":
        return render(request, "transfers/floor.html", _context(load(pk)) | {"answer": told(request)})
    code = request.POST.get("code", "").strip()
    other = _by_number(code)
    if other is not None and other != pk:
        return go(request, reverse("transfer-floor", args=[other]))
    found, forms = load(pk), {}
    try:
        answer = _do(request, found, code)
    except FormRefused as refused:
        answer, forms = refused.answer, refused.forms
    except Refusal as refusal:
        answer = Answer("wrong", refusal.message)
    if request.htmx:
        return render(request, "transfers/floor_task.html", _context(load(pk), **forms) | {"answer": answer})
    if forms:
        return render(request, "transfers/floor.html", _context(load(pk), **forms) | {"answer": answer}, status=422)
    keep(request, answer)
    return HttpResponseRedirect(reverse("transfer-floor", args=[pk]))


def _do(request: HttpRequest, found: Transfer, code: str) -> Answer:
    match request.POST.get("action", "scan"):
        case "count":
            return _count(request, found)
        case "clear":
            clear_counts(transfer_id=found.pk)
            return Answer("right", _("Count again."))
        case "post":
            return _post(request, found)
        case "close":
            return _close(request, found)
        case _:
            return _scanned(found.pk, code, damaged=bool(request.POST.get("damaged")))


def _scanned(pk: int, code: str, *, damaged: bool) -> Answer:
    counted = count_scanned(transfer_id=pk, code=code, damaged=damaged)
    text = _("{sku}: {count} of {expected}").format(sku=counted.sku, count=counted.count, expected=counted.expected)
    if counted.over:
        more = _("{over} more than was on its way").format(over=counted.over)
        return Answer("wrong", f"{text}. {more}.")
    if damaged:
        return Answer("right", f"{text}. {_('Damaged')}.")
    return Answer("done", f"{text}. {_('Everything is counted.')}") if counted.complete else Answer("right", text)


def _count(request: HttpRequest, found: Transfer) -> Answer:
    """Counts typed instead of scanned."""
    form = PostForm(request.POST, lines=_expected(found))
    if form.is_valid():
        try:
            set_counts(transfer_id=found.pk, counts=form.counts())
            return Answer("right", _("The counts are kept."))
        except Refusal as refusal:
            add_refusal(form, refusal)
    raise FormRefused(first_error(form), post_form=form)


def _post(request: HttpRequest, found: Transfer) -> Answer:
    """Put into stock what is counted, with the reasons that were given."""
    form = PostForm(request.POST, lines=_expected(found))
    if form.is_valid():
        try:
            if counts := form.counts():
                set_counts(transfer_id=found.pk, counts=counts)
            done = receive_counted(
                transfer_id=found.pk, reasons=form.reasons(), key=form.cleaned_data["key"], actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
            if done.outstanding:
                return Answer("done", _("In stock. Units still on their way: {units}.").format(units=done.outstanding))
            return Answer("done", _("In stock. {number} is complete.").format(number=done.number))
        except Refusal as refusal:
            add_refusal(form, refusal)
    raise FormRefused(first_error(form), post_form=form)


def _close(request: HttpRequest, found: Transfer) -> Answer:
    """Nothing more will come: what is missing gets its reason."""
    form = SettleForm(request.POST, lines=list(found.lines.all()))
    if form.is_valid():
        try:
            done = settle_missing(
                transfer_id=found.pk, settled=form.settled(), version=form.cleaned_data["version"], actor=Actor.user(request.user),
                now=timezone.now(),
            )  # fmt: skip
            if done.outstanding:
                return Answer("right", _("Units still on their way: {units}.").format(units=done.outstanding))
            return Answer("done", _("{number} is closed.").format(number=done.number))
        except Refusal as refusal:
            add_refusal(form, refusal)
    raise FormRefused(first_error(form), settle_form=form)


def _expected(found: Transfer) -> list[TransferLine]:
    """Lines of which something left."""
    return [line for line in found.lines.all() if line.shipped]


def _context(
    found: Transfer, *, post_form: PostForm | None = None, settle_form: SettleForm | None = None
) -> dict[str, Any]:
    lines = _expected(found)
    open_now = found.state == TransferState.IN_TRANSIT
    if post_form is not None:  # refused: shown with its errors against the counts as they are now
        post_form.lines = lines
    form = post_form or PostForm(lines=lines)
    bins = bins_at(found.destination_id, [line.variant_id for line in lines])
    rows = [{"row": row, "bin": bins.get(row.line.variant_id, "")} for row in form.rows()]
    counted = sum(line.counted for line in lines)
    differs = any(line.counted > line.outstanding or line.counted_damaged for line in lines)
    return {
        "transfer": found,
        "rows": rows,
        "form": form,
        "open": open_now,
        "counted": counted,
        "outstanding": found.outstanding,
        "at_once": bool(counted) and not differs,
        "settle_form": settle_form or (SettleForm(lines=lines, initial={"version": found.version}) if open_now and not counted else None),
    }  # fmt: skip


def _by_number(code: str) -> int | None:
    word = code.strip().upper()
    if not word.startswith("TR-") or len(word) > 24 or "\x00" in word:
        return None
    return Transfer.objects.filter(number=word).values_list("pk", flat=True).first()
