"""Suppliers: one with its terms, its prices and its orders; the form; the file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Invalid, Refusal
from inventory.codes import variant_of_code
from oms.exchange.starting import supplier_rows
from purchasing.forms import ImportForm, ItemForm, SupplierForm, plain
from purchasing.importing import COLUMNS
from purchasing.jobs import start_supplier_import
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from purchasing.operations import delete_supplier_item, save_supplier, save_supplier_item
from purchasing.states import OPEN_STATES, PurchaseState
from purchasing.views.history import history

ITEMS_SHOWN = 100
ORDERS_SHOWN = 15
MAX_FILE = 50 << 20


@require_safe
@require("purchasing.view")
def supplier_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One supplier."""
    return _page(request, get_object_or_404(Supplier, pk=pk))


def _page(request: HttpRequest, supplier: Supplier, *, form: ItemForm | None = None, status: int = 200) -> HttpResponse:
    items = SupplierItem.objects.filter(supplier=supplier).select_related("variant").order_by("variant__sku")
    orders = PurchaseOrder.objects.filter(supplier=supplier).select_related("location")
    edited = request.GET.get("item", "")
    shown = list(items[: ITEMS_SHOWN + 1])
    context = {
        "supplier": supplier,
        "address": supplier.postal_address,
        "items": shown[:ITEMS_SHOWN],
        "more_items": len(shown) > ITEMS_SHOWN,
        "orders": list(orders.order_by("-id")[:ORDERS_SHOWN]),
        "open_orders": orders.filter(state__in=OPEN_STATES).count(),
        "drafts": orders.filter(state=PurchaseState.DRAFT).count(),
        "item_form": form or _item_form(next((i for i in shown if str(i.pk) == edited), None)),
        "sees_costs": request.user.can("costs.view"),
        "may_edit": request.user.can("purchasing.edit"),
        "entries": history(supplier.subject, sees_costs=request.user.can("costs.view")),
    }
    return render(request, "purchasing/supplier.html", context, status=status)


def _item_form(item: SupplierItem | None) -> ItemForm:
    if item is None:
        return ItemForm()
    names = ("sku", "pack_size", "minimum_quantity", "preferred", "lead_time_days")
    initial = {name: getattr(item, name) for name in names}
    return ItemForm(initial=initial | {"variant_sku": item.variant.sku, "price": plain(item.price)})


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": Actor.user(request.user), "now": timezone.now()}


@require_POST
@require("purchasing.edit")
def item_save(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how it sells one of our SKUs, or change it."""
    supplier = get_object_or_404(Supplier, pk=pk)
    form = ItemForm(request.POST)
    if form.is_valid():
        code = form.cleaned_data["variant_sku"]
        variant = variant_of_code(code)
        if variant is None:
            form.add_error("variant_sku", _("There is no SKU “{code}”.").format(code=code[:40]))
        else:
            try:
                save_supplier_item(supplier_id=pk, variant_id=variant.pk, values=form.values(), **_who(request))
                return HttpResponseRedirect(reverse("supplier", args=[pk]) + "#prices")
            except Refusal as refusal:
                add_refusal(form, refusal)
    return _page(request, supplier, form=form, status=422)


@require_POST
@require("purchasing.edit")
def item_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """It does not sell it any more."""
    item = get_object_or_404(SupplierItem, pk=pk)
    delete_supplier_item(item_id=pk, **_who(request))
    return HttpResponseRedirect(reverse("supplier", args=[item.supplier_id]) + "#prices")


@require_http_methods(["GET", "HEAD", "POST"])
@require("purchasing.edit")
def supplier_new(request: HttpRequest) -> HttpResponse:
    """Write down a supplier."""
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@require("purchasing.edit")
def supplier_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a supplier."""
    return _form(request, get_object_or_404(Supplier, pk=pk))


def _form(request: HttpRequest, supplier: Supplier | None) -> HttpResponse:
    if request.method == "POST":
        form = SupplierForm(request.POST)
        if form.is_valid():
            try:
                saved = save_supplier(
                    supplier_id=supplier.pk if supplier else None, values=form.values(), **_who(request)
                )
                messages.success(request, _("Saved."))
                return redirect("supplier", pk=saved.pk)
            except Refusal as refusal:
                add_refusal(form, refusal)
    else:
        form = SupplierForm.of(supplier) if supplier else SupplierForm(initial={"lead_time_days": 7, "active": True})
    context = {"form": form, "supplier": supplier}
    return render(request, "purchasing/supplier_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require("purchasing.edit")
def supplier_import(request: HttpRequest) -> HttpResponse:
    """Suppliers and prices from a file: read here, written by a job."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = start_supplier_import(rows=_read(file), name=file.name, **_who(request))
            return redirect("job", pk=job.pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    context = {"form": form, "columns": [_(column.name) for column in COLUMNS]}
    return render(request, "purchasing/import.html", context, status=422 if form.errors else 200)


def _read(file: Any) -> list[tuple[int, dict[int, str]]]:
    """The rows of an upload. Raises Invalid, FileRefused."""
    if file.size > MAX_FILE:
        raise Invalid(
            "file_too_large", _("The file is larger than {size} MB.").format(size=MAX_FILE >> 20), field="file"
        )
    return supplier_rows(file.read())
