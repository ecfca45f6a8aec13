"""Write an order down: by phone, at the counter, from a letter."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.permissions import require
from core.refusals import Refusal
from inventory.models import Variant
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder, NewPayment
from orders.forms import NewLines, NewOrderForm
from orders.models import ChannelKind

_LINE_FIELD = re.compile(r"lines\[(\d+)\]\.(\w+)")
_ADDRESS_FIELD = re.compile(r"shipping_address\.(\w+)")


@require("orders.create")
@require_http_methods(["GET", "POST"])
def order_new(request: HttpRequest) -> HttpResponse:
    """Customer, address and lines; placed like every other order: routed, reserved, with its work orders."""
    form = NewOrderForm(request.POST or None, initial={"key": uuid.uuid4().hex})
    lines = NewLines(request.POST or None, prefix="lines")
    if request.method == "GET":
        phone = form.fields["channel"].queryset.filter(kind=ChannelKind.PHONE).first()
        form.initial |= {"channel": phone}
    elif form.is_valid() & lines.is_valid():
        try:
            placed = place_order(_request(form, lines), actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            _add(form, lines, refusal)
        else:
            messages.success(request, _("Order {number} is placed.").format(number=placed.number))
            return redirect("order", pk=placed.order_id)
    refused = bool(form.errors or lines.total_error_count())
    return render(request, "orders/new.html", {"form": form, "lines": lines}, status=422 if refused else 200)


def _request(form: NewOrderForm, forms: NewLines) -> NewOrder:
    given = form.cleaned_data
    prices = _prices([line.cleaned_data["sku"] for line in forms.filled()])
    lines = tuple(_line(line.cleaned_data, prices) for line in forms.filled())
    total = sum((line.unit_price * line.quantity for line in lines), given["shipping_total"])
    paid = (NewPayment(amount=total, method=_("Put in by hand"), key=given["key"]),) if given["paid"] and total else ()
    return NewOrder(
        channel_id=given["channel"].pk,
        external_id=f"form-{given['key']}",
        placed_at=timezone.now(),
        currency=given["channel"].currency,
        email=given["email"],
        customer_name=given["customer_name"],
        phone=given["phone"],
        shipping_address=form.address(),
        shipping_method=given["shipping_method"],
        shipping_total=given["shipping_total"],
        lines=lines,
        payments=paid,
        note=given["note"],
    )


def _prices(skus: list[str]) -> dict[str, Decimal]:
    return dict(Variant.objects.filter(sku__in=skus).values_list("sku", "price"))


def _line(given: dict[str, object], prices: dict[str, Decimal]) -> NewLine:
    price = given["unit_price"]
    sku = str(given["sku"])
    return NewLine(
        sku=sku, quantity=given["quantity"], unit_price=prices.get(sku, Decimal(0)) if price is None else price
    )


def _add(form: NewOrderForm, lines: NewLines, refusal: Refusal) -> None:
    """Show the refusal at the field it names: of a line, of the address, of the order; else above the form."""
    field = refusal.field or ""
    if (at := _LINE_FIELD.fullmatch(field)) and int(at[1]) < len(lines.filled()):
        line = lines.filled()[int(at[1])]
        line.add_error(at[2] if at[2] in line.fields else None, refusal.message)
        return
    if part := _ADDRESS_FIELD.fullmatch(field):
        field = part[1]
    form.add_error(field if field in form.fields else None, refusal.message)
