"""Labels and slips as files, and the slip as a page for printers of machines that cannot make PDF."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.files import file_response
from core.permissions import require
from fulfillment import queries
from fulfillment.documents.merge import merge
from fulfillment.models import DocumentKind, FulfillmentOrder
from fulfillment.operations.printing import PRINTABLE_KINDS, paper, with_mates
from fulfillment.views.work import load

K = DocumentKind


@require("fulfillment.print")
@require_safe
def document(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """One paper of a work order; `label_and_slip` is both in one file, as they are laid into the parcel: a slip of each order."""
    found = get_object_or_404(FulfillmentOrder, pk=pk)
    if kind == "label_and_slip":
        data = merge([paper(pk, K.LABEL_PDF), *(paper(mate, K.SLIP_4X6) for mate in with_mates([pk]))])
        return file_response(f"{found.number}.pdf", "application/pdf", data, inline=True)
    if kind not in PRINTABLE_KINDS:
        raise Http404
    if kind == K.LABEL_ZPL:
        return file_response(f"{found.number}.zpl", "text/plain; charset=us-ascii", paper(pk, kind))
    return file_response(
        f"{found.number}-{kind.replace('_', '-')}.pdf", "application/pdf", paper(pk, kind), inline=True
    )


@require("fulfillment.view")
@require_safe
def slip_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The packing slip as a page that any browser prints, without PDF."""
    found = load(pk)
    return render(request, "fulfillment/slip_page.html", {"found": found, "slip": queries.slips_for([found])[pk]})
