"""Products: the list, one product with its variants and where they lie, and the forms that write them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from core.permissions import require
from core.refusals import Refusal
from core.search import search
from core.text import fold
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.bundles import bundle_views, bundles_with
from inventory.filters import ProductFilter
from inventory.forms import ProductForm, VariantForm
from inventory.gtin import expected_check_digit
from inventory.models import Product, Variant
from inventory.operations.catalog import delete_variant, is_used, save_product
from inventory.operations.lots import save_followed_variant
from inventory.queries import VariantRow, levels_of_product, listed_products, shop_currency, variant_rows
from inventory.tables import ProductTable
from purchasing.queries import unit_costs

#: Levels that a product's page shows; the stock list has the rest.
LEVELS_SHOWN = 200
HISTORY_SHOWN = 50


class ProductList(ListPage):
    """What is sold."""

    name = "products"
    title = gettext_lazy("Products")
    permission = "inventory.view"
    export_permission = "inventory.export"
    model = Product
    table_class = ProductTable
    filter_class = ProductFilter
    sorts = {"title": Sort("title"), "changed": Sort("updated_at", desc=True)}
    default_sort = "title"
    search_placeholder = gettext_lazy("Title, SKU, barcode")
    tabs = [
        Tab("active", gettext_lazy("Active"), Q(active=True)),
        Tab("bundles", gettext_lazy("Bundles"), Q(pk__in=Variant.objects.filter(is_bundle=True).values("product"))),
        Tab("off", gettext_lazy("Switched off"), Q(active=False)),
        Tab("all", gettext_lazy("All")),
    ]
    page_actions = [
        PageAction(gettext_lazy("Export bundles"), "bundles-export", "inventory.export", icon="download"),
        PageAction(gettext_lazy("New product"), "product-new", "inventory.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        gettext_lazy("No products yet"),
        gettext_lazy("They come in by a file of your shop, or are written down here."),
        gettext_lazy("Imports"),
        "imports",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return listed_products()

    def search(self, queryset: QuerySet[Product], q: str) -> QuerySet[Product]:
        by_variant = search(Variant.objects.all(), q).values("product_id")
        handle = slugify(fold(q), allow_unicode=True)
        return queryset.filter(Q(pk__in=by_variant) | (Q(handle__startswith=handle) if handle else Q(handle=q)))


product_list = list_view(ProductList)


@require("inventory.view")
@require_safe
def product(request: HttpRequest, pk: int) -> HttpResponse:
    """One product: its variants with price and measures, where they lie, and what was changed."""
    found = get_object_or_404(Product, pk=pk)
    rows = variant_rows(found)
    levels = levels_of_product(found, limit=LEVELS_SHOWN + 1)
    subjects = [found.subject, *(row.variant.subject for row in rows)]
    sees_costs = request.user.can("costs.view")
    costs = unit_costs([row.variant.pk for row in rows]) if sees_costs else {}
    context = {
        "product": found,
        "rows": [(row, expected_check_digit(row.variant.barcode), costs.get(row.variant.pk)) for row in rows],
        "sees_costs": sees_costs,
        "totals": _totals(rows),
        "levels": levels[:LEVELS_SHOWN],
        "more_levels": len(levels) > LEVELS_SHOWN,
        "bundles": bundle_views([(row.variant, row.bundle) for row in rows if row.bundle]),
        "used_in": _used_in(rows),
        "stocked": any(row.bundle is None for row in rows),
        "currency": shop_currency(),
        "entries": lines_for(entries_for(*subjects, limit=HISTORY_SHOWN)),
        "may_edit": request.user.can("inventory.edit"),
        "may_adjust": request.user.can("inventory.adjust"),
    }
    return render(request, "inventory/product.html", context)


def _used_in(rows: list[VariantRow]) -> list[tuple[str, Variant, int]]:
    """(SKU, the bundle it is part of, units in one)."""
    found = bundles_with([row.variant.pk for row in rows])
    return [(row.variant.sku, bundle, units) for row in rows for bundle, units in found.get(row.variant.pk, ())]


def _totals(rows: list[VariantRow]) -> dict[str, int]:
    return {name: sum(getattr(row, name) for row in rows) for name in ("on_hand", "reserved", "available", "incoming")}


@require("inventory.edit")
@require_http_methods(["GET", "POST"])
def product_new(request: HttpRequest) -> HttpResponse:
    """Write down a product; its first variant follows."""
    return _product_form(request, None)


@require("inventory.edit")
@require_http_methods(["GET", "POST"])
def product_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a product."""
    return _product_form(request, get_object_or_404(Product, pk=pk))


def _product_form(request: HttpRequest, found: Product | None) -> HttpResponse:
    title = found.title if found else ""
    form = ProductForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_product(
                product_id=found.pk if found else None,
                values=form.cleaned_data,
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved.") if found else _("Now say what of it can be bought: its variants."))
            return redirect("product", pk=saved.pk) if found else redirect("variant-new", pk=saved.pk)
    context = {"form": form, "product": found, "product_title": title}
    return render(request, "inventory/product_form.html", context, status=422 if form.errors else 200)


@require("inventory.edit")
@require_POST
def product_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a product on or off: the address asked for says which, so sending it twice is the same."""
    active = request.POST.get("active") == "yes"
    saved = save_product(product_id=pk, values={"active": active}, actor=Actor.user(request.user), now=timezone.now())
    text = _("{title} is active.") if active else _("{title} is switched off.")
    messages.success(request, text.format(title=saved.title))
    return redirect("product", pk=pk)


@require("inventory.edit")
@require_http_methods(["GET", "POST"])
def variant_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a variant to a product."""
    return _variant_form(request, get_object_or_404(Product, pk=pk), None)


@require("inventory.edit")
@require_http_methods(["GET", "POST"])
def variant(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a variant; beside it its history."""
    found = get_object_or_404(Variant.objects.select_related("product").defer("search", "search_text"), pk=pk)
    return _variant_form(request, found.product, found)


def _variant_form(request: HttpRequest, of_product: Product, found: Variant | None) -> HttpResponse:
    sku = found.sku if found else ""
    form = VariantForm(request.POST or None, instance=found, currency=shop_currency())
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_followed_variant(
                variant_id=found.pk if found else None, product_id=of_product.pk, values=form.cleaned_data,
                tracking=form.cleaned_data["tracking"], merge=form.cleaned_data["merge"], actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("{sku} is saved.").format(sku=saved.sku))
            _warn_of_barcode(request, saved)
            return redirect("variant-new" if "another" in request.POST else "product", pk=of_product.pk)
    context: dict[str, Any] = {"form": form, "product": of_product, "variant": found, "sku": sku}
    if found:
        context["entries"] = lines_for(entries_for(found.subject, limit=HISTORY_SHOWN))
        context["used"] = is_used(found)
    return render(request, "inventory/variant_form.html", context, status=422 if form.errors else 200)


def _warn_of_barcode(request: HttpRequest, saved: Variant) -> None:
    """A wrong check digit is a warning: the label on the goods may be as wrong, and scanners must find it."""
    if digit := expected_check_digit(saved.barcode):
        text = _(
            "The barcode {barcode} looks like a GTIN, but its check digit would be {digit}. It is kept as you wrote it."
        )
        messages.warning(request, text.format(barcode=saved.barcode, digit=digit))


@require("inventory.edit")
@require_POST
def variant_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take away a variant that nothing speaks of."""
    found = get_object_or_404(Variant.objects.only("sku", "product_id"), pk=pk)
    delete_variant(variant_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("{sku} is deleted.").format(sku=found.sku))
    return redirect("product", pk=found.product_id)
