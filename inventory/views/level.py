"""One variant at one location: why its numbers are what they are, and how a person changes them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from inventory.forms import AddStockForm, AdjustForm, BinForm
from inventory.models import Bucket, StockLevel, StockMovement, Variant
from inventory.operations.adjusting import Adjustment, adjust_by_hand
from inventory.operations.many_levels import set_bins
from inventory.operations.undoing import undo_adjustment
from inventory.views.level_page import load_level_page, preview, signed
from inventory.views.past import MomentForm, past_of


def find_level(pk: int) -> StockLevel:
    """The level with its variant and location, or 404."""
    return get_object_or_404(
        StockLevel.objects.select_related("variant__product", "location").defer(
            "variant__search", "variant__search_text"
        ),
        pk=pk,
    )


@require("inventory.view")
@require_safe
def level(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a stock level."""
    return show(request, find_level(pk))


def show(request: HttpRequest, found: StockLevel, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page, with a refused form or a preview where one is given."""
    context = {
        "page": load_level_page(found, request),
        "level": found,
        "form": more.get("form") or AdjustForm(),
        "bin_form": more.get("bin_form") or BinForm(initial={"bin_name": found.bin}),
        "preview": more.get("preview", ""),
        "may_adjust": request.user.can("inventory.adjust"),
        "past_form": (past_form := MomentForm(request.GET if {"at", "since"} & request.GET.keys() else None)),
        "past": past_of(found, past_form),
    }
    return render(request, "inventory/level.html", context, status=status)


@require("inventory.adjust")
@require_POST
def adjust(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a count, or (`step` = preview) only say what it would do."""
    found = find_level(pk)
    form = AdjustForm(request.POST)
    if not form.is_valid():
        return show(request, found, status=422, form=form)
    try:
        if request.POST.get("step") == "preview":
            return show(request, found, form=form, preview=preview(found, form.cleaned_data["bucket"], form.amounts()))
        done = _adjust(form, found.variant_id, found.location_id, request)
    except Refusal as refusal:
        refuse(form, refusal)
        return show(request, find_level(pk), status=refusal.status, form=form)
    tell(request, done)
    return redirect("stock-level", pk=pk)


def _adjust(form: AdjustForm, variant_id: int, location_id: int, request: HttpRequest) -> Adjustment:
    chosen = form.cleaned_data
    return adjust_by_hand(
        variant_id=variant_id, location_id=location_id, bucket=chosen["bucket"], **form.amounts(), reason=chosen["reason"],
        note=chosen["note"], key=chosen["key"], actor=Actor.user(request.user), now=timezone.now(),
    )  # fmt: skip


def refuse(form: AdjustForm, refusal: Refusal) -> None:
    """Show a refusal at its field; the operation's two amounts are one field here."""
    refusal.field = "quantity" if refusal.field == "set_to" else refusal.field
    add_refusal(form, refusal)


def tell(request: HttpRequest, done: Adjustment) -> None:
    """What the adjustment did, in a message."""
    movement = done.movement
    if movement is None:
        messages.info(request, _("The count is so already; nothing was changed."))
        return
    change = f"{Bucket(movement.bucket).label} {signed(done.change)}"
    if done.repeated:
        messages.info(
            request, _("This form was sent before: {change}, once. Nothing was changed again.").format(change=change)
        )
    else:
        messages.success(
            request, _("{change}: now {count}.").format(change=change, count=getattr(done.level, movement.bucket))
        )


@require("inventory.adjust")
@require_safe
def adjust_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The sentence that says what the form would do as it stands; for the page while it is filled in."""
    found = find_level(pk)
    form = AdjustForm({"reason": "correction", "key": "0" * 32, **request.GET.dict()})
    text, tone = "", "info"
    if form.is_valid():
        try:
            text = preview(found, form.cleaned_data["bucket"], form.amounts())
        except Refusal as refusal:
            text, tone = refusal.message, "bad"
    return render(request, "inventory/preview.html", {"text": text, "tone": tone})


@require("inventory.adjust")
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back one's own last adjustment of this level."""
    found = find_level(pk)
    movement = request.POST.get("movement", "")
    if not (movement.isascii() and movement.isdigit() and len(movement) < 19):
        raise Http404
    get_object_or_404(
        StockMovement.objects.only("pk"), pk=int(movement), variant=found.variant_id, location=found.location_id
    )
    try:
        undo_adjustment(movement_id=int(movement), actor=Actor.user(request.user), now=timezone.now())
        messages.success(request, _("The adjustment is undone; the ledger shows both."))
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        messages.error(request, refusal.message)
    return redirect("stock-level", pk=found.pk)


@require("inventory.adjust")
@require_POST
def put_in_bin(request: HttpRequest, pk: int) -> HttpResponse:
    """Say where it lies."""
    found = find_level(pk)
    form = BinForm(request.POST)
    if form.is_valid():
        try:
            key = (found.variant_id, found.location_id)
            set_bins(
                keys=[key], bin_name=form.cleaned_data["bin_name"], actor=Actor.user(request.user), now=timezone.now()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("stock-level", pk=pk)
    return show(request, found, status=422, bin_form=form)


@require("inventory.adjust")
@require_http_methods(["GET", "POST"])
def stock_add(request: HttpRequest) -> HttpResponse:
    """Put units of a SKU at a location, also where it never lay before."""
    initial = {name: request.GET[name] for name in ("sku", "location") if request.GET.get(name)}
    form = AddStockForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return _add(request, form)
        except Refusal as refusal:
            refuse(form, refusal)
    return render(request, "inventory/add_stock.html", {"form": form}, status=422 if form.errors else 200)


def _add(request: HttpRequest, form: AddStockForm) -> HttpResponse:
    chosen = form.cleaned_data
    text, place = chosen["sku"].strip(), chosen["location"]
    matches = list(
        Variant.objects.filter(Q(sku=text) | Q(barcode=text) & ~Q(barcode=""))
        .order_by("sku")
        .values_list("pk", "sku")[:10]
    )
    exact = [match for match in matches if match[1] == text] or matches
    if len(exact) != 1:
        skus = ", ".join(sku for _pk, sku in exact)
        message = (
            _("More than one variant has it: {skus}. Write the SKU.").format(skus=skus)
            if exact
            else _("There is no such SKU.")
        )
        form.add_error("sku", message)
        return render(request, "inventory/add_stock.html", {"form": form}, status=422)
    done = _adjust(form, exact[0][0], place.pk, request)
    if chosen["bin_name"]:
        set_bins(
            keys=[(exact[0][0], place.pk)],
            bin_name=chosen["bin_name"],
            actor=Actor.user(request.user),
            now=timezone.now(),
        )
    tell(request, done)
    return redirect(reverse("stock-level", args=[done.level.pk]))
