"""Import and export: every kind of file with its columns in words, an example of it, and the way in and out."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.permissions import require, require_permission
from oms.exchange.exporting import csv_bytes, start_export
from oms.exchange.kinds import BY_SLUG, EXCHANGES, Exchange


@require("inventory.view")
@require_safe
def exchange(request: HttpRequest) -> HttpResponse:
    """Every kind."""
    return render(request, "oms/exchange.html", {"kinds": [_shown(one, request) for one in EXCHANGES]})


def _shown(one: Exchange, request: HttpRequest) -> dict[str, Any]:
    may = one.import_permission, "imports.run" if one.route == "import-new" else one.import_permission
    return {
        "slug": one.slug,
        "title": one.title,
        "text": one.text,
        "columns": one.columns,
        "import_url": reverse(one.route) + one.query if all(request.user.can(right) for right in may) else "",
        "may_export": request.user.can(one.export_permission),
    }


@require("inventory.view")
@require_safe
def example(request: HttpRequest, slug: str) -> HttpResponse:
    """A file with the columns of a kind and rows that show what stands in them."""
    one = _found(slug)
    data = b"\xef\xbb\xbf" + csv_bytes(one.example)
    return file_response(_("example-{kind}.csv").format(kind=one.slug), "text/csv", data)


@require("inventory.view")
@require_POST
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """Start the export of a kind; its file is on the job's page."""
    one = _found(slug)
    require_permission(request.user, one.export_permission)
    job = start_export(exchange=one, actor=Actor.user(request.user), now=timezone.now())
    return redirect("job", pk=job.pk)


def _found(slug: str) -> Exchange:
    if slug not in BY_SLUG:
        raise Http404(slug)
    return BY_SLUG[slug]
