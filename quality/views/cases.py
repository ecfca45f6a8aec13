"""One nonconformance: opened, shown, decided about; its photos; the merchant's reasons."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.forms import add_refusal
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from drafts.queries import drafts_of_owners
from inventory.models import Bucket, StockLevel, StockMovement
from orders.models import OrderLine
from quality.forms import CaseForm, PhotosForm, ReasonForm, ResolveForm
from quality.models import CasePhoto, NonConformance
from quality.operations import add_photos, adopt_rest, open_nonconformance, resolve_nonconformance, save_reason
from quality.operations.opening import NotFree
from quality.operations.reasons import drop_reason, reason_choices
from quality.queries import explained
from quality.states import CASE_MACHINE

HISTORY_SHOWN = 50
MOVEMENTS_SHOWN = 50
_FROM_ADDRESS = ("sku", "location", "kind", "quantity", "adopt", "source", "reason")


def find_case(pk: int) -> NonConformance:
    """The case with what its page names, or 404."""
    return get_object_or_404(
        NonConformance.objects.select_related("variant", "location", "reason", "lot", "split_from").defer(
            "variant__search", "variant__search_text"
        ),
        pk=pk,
    )


@require("quality.view")
@require_safe
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a case."""
    return show(request, find_case(pk))


def show(request: HttpRequest, found: NonConformance, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page, with a refused form where one is given."""
    offers = {offer.name: offer for offer in CASE_MACHINE.offers(found, request.user)}
    level = StockLevel.objects.filter(variant=found.variant_id, location=found.location_id).first()
    held = getattr(level, found.bucket) if level else 0
    context = {
        "case": found,
        "level": level,
        "lacking": max(0, explained((found.variant_id, found.location_id)).get(found.bucket, 0) - held),
        "resolve": offers["resolve"],
        "form": ResolveForm(initial={"quantity": found.open_quantity}),
        "photos_form": PhotosForm(),
        "photos": list(found.photos.order_by("pk").values_list("pk", flat=True)),
        "decisions": found.decisions.order_by("pk"),
        "parts": found.parts.order_by("pk").values_list("pk", "number", "quantity"),
        "movements": [
            (row, Bucket(row.bucket).label)
            for row in StockMovement.objects.filter(cause=found.subject).order_by("id")[:MOVEMENTS_SHOWN]
        ],
        "history": lines_for(entries_for(found.subject, limit=HISTORY_SHOWN)),
        "may_edit": request.user.can("quality.edit"),
        **more,
    }
    return render(request, "quality/case.html", context, status=status)


@require("quality.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def case_new(request: HttpRequest) -> HttpResponse:
    """Set units aside."""
    known = {name: request.GET[name] for name in _FROM_ADDRESS if request.GET.get(name)}
    form = CaseForm(request.POST or None, request.FILES or None, initial=known)
    holders: list[tuple[str, str, int]] = []
    if request.method == "POST" and form.is_valid():
        try:
            made = _open(request, form)
        except NotFree as refusal:
            add_refusal(form, refusal)
            holders = _orders_of(refusal.holders)
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("{number} is open.").format(number=made.number))
            return redirect("nonconformance", pk=made.pk)
    context = {"form": form, "holders": holders}
    return render(request, "quality/new.html", context, status=422 if form.errors else 200)


def _open(request: HttpRequest, form: CaseForm) -> NonConformance:
    chosen = form.cleaned_data
    fields: dict[str, Any] = {
        "variant_id": chosen["sku"].pk, "location_id": chosen["location"].pk, "kind": chosen["kind"], "quantity": chosen["quantity"],
        "reason": chosen["reason"], "note": chosen["note"], "source": chosen["source"], "photos": chosen["photos"],
        "request_key": f"form:{chosen['key']}", "actor": Actor.user(request.user), "now": timezone.now(),
    }  # fmt: skip
    return adopt_rest(**fields) if chosen["adopt"] else open_nonconformance(lot_id=chosen["lot_id"], **fields)


def _orders_of(holders: list[tuple[str, int]]) -> list[tuple[str, str, int]]:
    """(order number, its address, units) of each holder; others by their reference."""
    ids = [int(owner.partition(":")[2]) for owner, _units in holders if owner.startswith("order_line:")]
    orders = {
        f"order_line:{pk}": (number, reverse("order", args=[order_id]))
        for pk, order_id, number in OrderLine.objects.filter(pk__in=ids).values_list("pk", "order_id", "order__number")
    }
    orders |= drafts_of_owners(owner for owner, _units in holders)
    return [(*orders.get(owner, (owner, "")), units) for owner, units in holders]


@require("quality.edit")
@require_POST
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Decide about some units."""
    form = ResolveForm(request.POST)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            resolve_nonconformance(
                case_id=pk, resolution=chosen["resolution"], quantity=chosen["quantity"], kind=chosen["kind"], note=chosen["note"],
                key=f"form:{chosen['key']}", actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
            return redirect("nonconformance", pk=pk)
        except Refusal as refusal:
            if refusal.status == 404:
                raise
            add_refusal(form, refusal)
    return show(request, find_case(pk), status=422, form=form)


@require("quality.edit")
@require_POST
def photos(request: HttpRequest, pk: int) -> HttpResponse:
    """More photos."""
    found = find_case(pk)
    form = PhotosForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            add_photos(
                case_id=pk, photos=form.cleaned_data["photos"], actor=Actor.user(request.user), now=timezone.now()
            )
            return redirect("nonconformance", pk=pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return show(request, found, status=422, photos_form=form)


@require("quality.view")
@require_safe
def photo(request: HttpRequest, pk: int, photo: int) -> HttpResponse:
    """A photo: always a JPEG that was drawn here, so it may be shown in the page."""
    found = get_object_or_404(CasePhoto.objects.select_related("file"), pk=photo, case=pk)
    return file_response(found.file.name, "image/jpeg", found.file.data, inline=True)


@require("quality.view")
@require_http_methods(["GET", "HEAD", "POST"])
def reasons(request: HttpRequest) -> HttpResponse:
    """The merchant's reasons: add one, rename one, switch one off."""
    form = ReasonForm()
    if request.method == "POST":
        require_permission(request.user, "inventory.edit")
        who: dict[str, Any] = {"actor": Actor.user(request.user), "now": timezone.now()}
        if drop := request.POST.get("drop"):
            drop_reason(code=drop, **who)
            return redirect("quality-reasons")
        form = ReasonForm(request.POST)
        if form.is_valid():
            try:
                save_reason(code=form.cleaned_data["code"], name=form.cleaned_data["name"], **who)
                return redirect("quality-reasons")
            except Refusal as refusal:
                add_refusal(form, refusal)
    context = {"reasons": reason_choices(), "form": form, "may_edit": request.user.can("inventory.edit")}
    return render(request, "quality/reasons.html", context, status=422 if form.errors else 200)
