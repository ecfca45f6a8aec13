"""Money of an order: recording a payment, giving money back."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.money import format_money, quantize
from core.permissions import require
from core.refusals import Refusal
from orders.amounts import value_of_units
from orders.forms import PaymentForm, RefundForm
from orders.models import Order, OrderLine
from orders.operations import record_payment
from orders.views.page import find_order
from payments.operations.paying_back import AUTO, CREDIT, HAND, PaidBack, pay_back, payments_to_refund


def _key() -> str:
    """Made with the form, sent with it: the same form sent twice is one payment."""
    return uuid.uuid4().hex


@require("payments.record")
@require_http_methods(["GET", "POST"])
def payment(request: HttpRequest, pk: int) -> HttpResponse:
    """Record money that came in another way than through the channel."""
    order = find_order(pk)
    owed = quantize(order.owed_by_customer, order.currency)
    form = PaymentForm(request.POST or None, initial={"key": _key(), "amount": owed})
    if request.method == "POST" and form.is_valid():
        try:
            record_payment(order_id=pk, **form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The payment is recorded."))
            return redirect("order", pk=pk)
    context = {
        "order": order,
        "form": form,
        "title": _("Record a payment for {number}").format(number=order.number),
        "text": _("{amount} is owed.").format(amount=format_money(owed, order.currency)),
        "button": _("Record payment"),
    }
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)


@require("payments.refund")
@require_http_methods(["GET", "POST"])
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    """Give money back, for units of lines or an amount: through the gateway it came by, or by hand."""
    order = find_order(pk)
    lines = list(order.lines.order_by("position"))
    due = quantize(order.owed_to_customer, order.currency)
    key = request.POST.get("key", "").replace("\x00", "")
    if request.method == "POST" and order.refunds.filter(key=key).exists():
        return redirect("order", pk=pk)  # the same form sent twice: it is done
    ways = _ways(order)
    form = GatewayRefundForm(
        request.POST or None, lines=lines, ways=ways, initial={"key": _key(), "amount": due or None, "via": AUTO}
    )
    if request.method == "POST" and form.is_valid():
        units = form.units()
        amount = form.cleaned_data["amount"] or worth(order, lines, units)
        try:
            done = pay_back(
                order_id=pk,
                amount=amount,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                lines=units,
                via=form.cleaned_data.get("via") or AUTO,
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            if _told(request, form, done, order):
                return redirect("order", pk=pk)
    left = order.captured_total - order.refunded_total
    return render(
        request,
        "orders/refund.html",
        {"order": order, "form": form, "due": due, "left": left},
        status=422 if form.errors else 200,
    )


class GatewayRefundForm(RefundForm):
    """The refund form with the ways back, where some of the money came through a gateway."""

    def __init__(self, *args: Any, ways: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if ways:
            self.fields["via"] = forms.ChoiceField(label=_("Pay it back"), choices=ways, required=False)


def _ways(order: Order) -> list[tuple[str, str]]:
    """The ways back that can be chosen; none where there is no other than by hand."""
    payments = payments_to_refund(order)
    credit = [(CREDIT, _("As store credit"))] if order.customer_id else []
    if not payments:
        return [(HAND, _("By hand: it is only recorded here")), *credit] if credit else []
    through = [
        (
            str(intent.pk),
            _("{gateway} {method}: up to {left}").format(
                gateway=intent.account.name, method=intent.method, left=format_money(left, order.currency)
            ),
        )
        for intent, left in payments
    ]
    return [
        (AUTO, _("The way it came, newest payment first")),
        *through,
        (HAND, _("By hand: it is only recorded here")),
        *credit,
    ]


def _told(request: HttpRequest, form: RefundForm, done: PaidBack, order: Order) -> bool:
    """Say what became of it; False when a gateway refused all of it, which the form then says."""
    for call in done.refused:
        text = _("{gateway} refused: {answer}").format(gateway=call.intent.account.name, answer=call.answer)
        if not done.done and not done.waiting:
            form.add_error(None, text)
        else:
            messages.error(request, text)
    if done.done:
        messages.success(request, _("{amount} is refunded.").format(amount=format_money(done.done, order.currency)))
    if done.waiting:
        text = _(
            "{amount} was asked of the gateway, whose answer is not known yet. It is asked until it is; nothing is sent twice."
        )
        messages.warning(request, text.format(amount=format_money(done.waiting, order.currency)))
    return bool(done.done or done.waiting)


def worth(order: Order, lines: list[OrderLine], units: dict[int, int]) -> Decimal:
    """What these units cost, but never more than can go back."""
    value = sum(
        (
            value_of_units(
                line,
                already=line.refunded,
                units=units[line.pk],
                tax_included=order.tax_included,
                currency=order.currency,
            )
            for line in lines
            if line.pk in units
        ),
        Decimal(0),
    )
    return min(value, order.captured_total - order.refunded_total)
