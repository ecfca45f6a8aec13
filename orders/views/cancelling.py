"""Cancel an order, whole or in part, after seeing what comes back."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.money import format_money
from core.permissions import require
from core.refusals import Refusal, Stale
from fulfillment.models import FulfillmentLine
from fulfillment.states import ACTIVE_STATES
from oms.orchestration.cancel_order import cancel_order
from orders.amounts import cancelled_value
from orders.forms import CancelForm
from orders.models import Order, OrderLine
from orders.views.page import find_order


@dataclass(frozen=True, slots=True)
class Back:
    """What a cancellation gives back. stock: (location, SKU, units) that can be promised again; waiting: units that had none."""

    stock: list[tuple[str, str, int]]
    waiting: int
    value: Decimal
    refund_due: Decimal


def preview(
    order: Order, lines: Sequence[OrderLine], work: Sequence[FulfillmentLine], units: Mapping[int, int]
) -> Back:
    """What would come back; the same order of things as in oms.orchestration.cancel_order: what waits first, then the newest work.

    work: lines of active work orders, newest first. Nothing is changed.
    """
    stock: dict[tuple[str, str], int] = defaultdict(int)
    waiting = 0
    after = [copy.copy(line) for line in lines]
    for line in after:
        wanted = units.get(line.pk, 0)
        without = min(wanted, line.to_place + line.backordered)
        waiting += without
        left = wanted - without
        for one in work:
            if one.order_line_id == line.pk and left:
                taken = min(left, one.quantity - one.picked)
                left -= taken
                if taken:
                    stock[one.fulfillment_order.location.name, line.sku] += taken
        line.cancelled += wanted
    value = cancelled_value(order, after) - order.cancelled_total
    due = max(Decimal(0), order.captured_total - order.refunded_total - (order.current_total - value))
    return Back([(*key, n) for key, n in stock.items()], waiting, value, due)


def _work(order: Order) -> list[FulfillmentLine]:
    return list(
        FulfillmentLine.objects.filter(fulfillment_order__order=order, fulfillment_order__state__in=ACTIVE_STATES)
        .select_related("fulfillment_order__location")
        .order_by("-fulfillment_order_id", "id")
    )


@require("orders.cancel")
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose units, see what comes back, cancel. Only the button of the last step changes anything."""
    order = find_order(pk)
    lines = list(order.lines.select_related("bundle").order_by("position"))
    form = CancelForm(request.POST or None, lines=lines, initial={"version": order.version})
    units = {line.pk: line.cancellable for line in lines}
    status = 200
    if request.method == "POST":
        status = 200 if form.is_valid() else 422
        units = form.units()
        if form.is_valid() and request.POST.get("step") == "cancel":
            try:
                return _cancelled(request, order, form)
            except Stale as stale:
                form, status = _anew(request, order, lines, stale), 409
            except Refusal as refusal:
                add_refusal(form, refusal)
                status = refusal.status
    context = {"order": order, "form": form, "back": preview(order, lines, _work(order), units)}
    return render(request, "orders/cancel.html", context, status=status)


def _cancelled(request: HttpRequest, order: Order, form: CancelForm) -> HttpResponse:
    done = cancel_order(
        order_id=order.pk,
        units=form.units(),
        reason=form.cleaned_data["reason"],
        version=form.cleaned_data["version"],
        actor=Actor.user(request.user),
        now=timezone.now(),
    )
    text = _("{n} units of {number} are cancelled.").format(n=sum(done.units.values()), number=order.number)
    if done.refund_due > 0:
        text += " " + _("{amount} is to be refunded.").format(amount=format_money(done.refund_due, order.currency))
    messages.success(request, text)
    return redirect("order", pk=order.pk)


def _anew(request: HttpRequest, order: Order, lines: Sequence[OrderLine], stale: Stale) -> CancelForm:
    """The form with what the person had put in, for the order as it is now: sending it again is a decision with open eyes."""
    data = request.POST.copy()
    data["version"] = str(order.version)
    form = CancelForm(data, lines=list(lines))
    form.is_valid()
    add_refusal(form, stale)
    return form
