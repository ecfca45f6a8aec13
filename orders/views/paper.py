"""The order on paper."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from core.files import file_response
from core.permissions import require
from core.requests import StaffRequest
from core.shop import shop
from orders.paper import order_pdf
from orders.views.page import find_order


@require("orders.view")
@require_safe
def order_paper(request: StaffRequest, pk: int) -> HttpResponse:
    """A4, in the language of the person; without prices for those who may not see money."""
    order = find_order(pk)
    lines = list(order.lines.order_by("position"))
    data = order_pdf(
        order,
        lines,
        merchant=shop().name,
        language=get_language() or "en",
        with_money=request.user.can("payments.view"),
    )
    return file_response(f"{order.number}.pdf", "application/pdf", data)
