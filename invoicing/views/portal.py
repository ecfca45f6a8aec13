"""What a customer behind the link of an order may have of its documents."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.files import file_response
from customers.portal.frame import behind_link
from invoicing.drawing import pdf_of
from invoicing.models import Document
from orders.models import Order


@require_safe
@behind_link
def customer_file(request: HttpRequest, order: Order, pk: int) -> HttpResponse:
    """The PDF of a document of this very order."""
    document = Document.objects.filter(order=order, pk=pk).first()
    if document is None:
        raise Http404
    file = pdf_of(document)
    return file_response(document.file_name, file.content_type, file.data, inline=True)
