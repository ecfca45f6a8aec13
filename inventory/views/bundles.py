"""Bundles: what they are made of, changed on a page of its own, and all of them as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from channels.formats.plain.bundles import COLUMNS
from core.actors import Actor
from core.formulas import safe_text
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.bundle_forms import ComponentsForm
from inventory.bundles import components_of, exported_bundles
from inventory.models import Variant
from oms.orchestration.change_bundle import change_bundle

HISTORY_SHOWN = 20


@require("inventory.edit")
@require_http_methods(["GET", "POST"])
def components(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a variant a bundle, or change what it is made of. Sending it twice is the same."""
    found = get_object_or_404(Variant.objects.select_related("product").defer("search", "search_text"), pk=pk)
    form = ComponentsForm(
        request.POST if request.method == "POST" else None, components=components_of([pk]).get(pk, [])
    )
    if request.method == "POST" and form.is_valid():
        try:
            change_bundle(variant_id=pk, components=form.values(), actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("{sku} is sold as a bundle of its components.").format(sku=found.sku))
            return redirect("product", pk=found.product_id)
    context = {
        "form": form,
        "variant": found,
        "entries": lines_for(entries_for(found.subject, limit=HISTORY_SHOWN)),
    }
    return render(request, "inventory/components.html", context, status=422 if form.errors else 200)


@require("inventory.edit")
@require_POST
def unbundle(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a bundle a plain variant again."""
    found = get_object_or_404(Variant.objects.only("sku", "product_id"), pk=pk)
    change_bundle(variant_id=pk, components={}, actor=Actor.user(request.user), now=timezone.now())
    text = _("{sku} is no bundle any more; orders keep what they were sold with.")
    messages.success(request, text.format(sku=found.sku))
    return redirect("product", pk=found.product_id)


@require("inventory.export")
@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every component of every bundle, in the columns that an import of bundles reads."""
    response = StreamingHttpResponse(_lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="bundles.csv"'
    return response


def _lines() -> Iterator[bytes]:
    line = io.StringIO()
    writer = csv.writer(line)
    for row in (COLUMNS, *exported_bundles()):
        writer.writerow([safe_text(cell) if isinstance(cell, str) else cell for cell in row])
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
