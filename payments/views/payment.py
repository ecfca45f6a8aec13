"""One payment: its calls and messages, capture, release, and asking the gateway."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.money import format_money, quantize
from core.permissions import require
from core.refusals import Refusal
from core.requests import StaffRequest
from orders.models import Order
from payments.forms import AdoptForm, CaptureForm
from payments.models import GatewayAccount, GatewayCall, PaymentIntent
from payments.operations.asking import ask
from payments.operations.calling import ask_for_cancel, ask_for_capture, capturable, new_key, refundable, send
from payments.operations.starting import adopt_payment
from payments.states import HOLDING, OPEN_CALLS, WAITING, CallKind, CallState

_CALLS_SHOWN = 200
_MESSAGES_SHOWN = 100


def _find(pk: int) -> PaymentIntent:
    rows = PaymentIntent.objects.select_related("account", "order").defer("account__credentials")
    return get_object_or_404(rows, pk=pk)


@require("payments.view")
@require_safe
def payment(request: StaffRequest, pk: int) -> HttpResponse:
    """What is held, taken and given back, every call made and every message received."""
    intent = _find(pk)
    calls = list(intent.calls.order_by("-pk")[:_CALLS_SHOWN])
    may = request.user.can("payments.capture")
    context = {
        "intent": intent,
        "order": intent.order,
        "calls": calls,
        "webhooks": intent.webhooks.order_by("-pk")[:_MESSAGES_SHOWN],
        "refundable": refundable(intent),
        "unknown": any(call.state in OPEN_CALLS for call in calls),
        "may_ask": may,
        "may_capture": may and capturable(intent) > 0,
        "may_release": may and intent.state in HOLDING | WAITING,
        "may_refund": request.user.can("payments.refund") and intent.captured > intent.refunded,
    }
    return render(request, "payments/payment.html", context)


@require("payments.capture")
@require_POST
def payment_ask(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask the gateway now."""
    _find(pk)
    try:
        intent = ask(intent_id=pk, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        still = intent.calls.filter(state__in=sorted(OPEN_CALLS)).exists()
        if still:
            messages.warning(
                request, _("The gateway was asked; something is still not known. It is asked again by itself.")
            )
        else:
            messages.success(request, _("The gateway was asked; this is how it stands."))
    return redirect("payment", pk=pk)


@require("payments.capture")
@require_http_methods(["GET", "POST"])
def payment_capture(request: StaffRequest, pk: int) -> HttpResponse:
    """Take what is held, or a part of it."""
    intent = _find(pk)
    most = quantize(min(capturable(intent), intent.order.owed_by_customer), intent.currency)
    form = CaptureForm(request.POST or None, initial={"key": new_key(), "amount": most or None})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            call, new = ask_for_capture(
                intent_id=pk, amount=data["amount"], final=data["final"], key=f"by-hand:{data['key']}",
                actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
            if new:
                call = send(call, now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            _tell(request, call, intent.currency)
            return redirect("payment", pk=pk)
    context = {"order": intent.order, "intent": intent, "form": form, "most": most}
    return render(request, "payments/capture.html", context, status=422 if form.errors else 200)


@require("payments.capture")
@require_POST
def payment_release(request: StaffRequest, pk: int) -> HttpResponse:
    """Let go what is held, or close the page where the customer would pay."""
    _find(pk)
    now = timezone.now()
    try:
        call, new = ask_for_cancel(intent_id=pk, key=new_key(), actor=Actor.user(request.user), now=now)
        if new:
            call = send(call, now=now)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        _tell(request, call, "")
    return redirect("payment", pk=pk)


def _tell(request: StaffRequest, call: GatewayCall, currency: str) -> None:
    """What became of a call, in a sentence."""
    if call.state == CallState.REFUSED:
        messages.error(request, _("The gateway refused: {answer}").format(answer=call.answer))
    elif call.state in OPEN_CALLS:
        messages.warning(
            request, _("The gateway has not answered. It is asked until it is known; nothing is sent twice.")
        )
    elif call.kind == CallKind.CAPTURE:
        amount = format_money(call.amount or Decimal(0), currency)
        messages.success(request, _("{amount} is captured.").format(amount=amount))
    else:
        messages.success(request, _("It is released."))


@require("payments.capture")
@require_safe
def order_capture(request: StaffRequest, pk: int) -> HttpResponse:
    """To the payment of this order that holds money, or to the list of them where there are several."""
    order = get_object_or_404(Order.objects.only("pk", "number"), pk=pk)
    held = list(
        order.payment_intents.filter(state__in=sorted(HOLDING)).order_by("created_at").values_list("pk", flat=True)
    )
    if not held:
        messages.info(
            request,
            _("What is authorised is not held by a gateway of ours: take over its payment first, or record it."),
        )
        return redirect("order", pk=pk)
    return redirect("payment-capture", pk=held[0])


@require("payments.capture")
@require_http_methods(["GET", "POST"])
def order_adopt(request: StaffRequest, pk: int) -> HttpResponse:
    """Take over a payment that began in a shop's own checkout."""
    order = get_object_or_404(Order.objects.defer("search_text", "search"), pk=pk)
    form = AdoptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            intent = adopt_payment(
                order_id=pk, account_id=data["account"].pk, reference=data["reference"], actor=Actor.user(request.user),
                now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The payment is taken over."))
            return redirect("payment", pk=intent.pk)
    context = {
        "order": order,
        "form": form,
        "title": _("Take over a payment for {number}").format(number=order.number),
        "text": _("One that the customer made in a shop's own checkout. From then on it is captured and refunded here.")
        if GatewayAccount.objects.exists()
        else _("There is no account with a gateway yet."),
        "button": _("Take over"),
    }
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)
