"""The customer's page to pay what an order is owed: no login, only the link. Card data never comes here: the gateway's page takes it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.ratelimit import Limit, client_network, hit
from core.refusals import Refusal
from core.requests import StaffRequest
from core.shop import shop
from customers.portal.frame import behind_link
from orders.models import Order
from orders.states import Lifecycle
from payments.forms import SendLinkForm
from payments.operations.asking import ask
from payments.operations.calling import due_from_customer
from payments.operations.links import pay_url, send_payment_link
from payments.operations.starting import start_payment
from payments.owed.methods import offered_methods
from payments.queries import offered_accounts
from payments.states import HOLDING, WAITING, IntentState

_STARTS = Limit("pay.start", 20, timedelta(minutes=10))
_ASKS = Limit("pay.ask", 60, timedelta(minutes=10))


@require_http_methods(["GET", "POST"])
@behind_link
def pay(request: HttpRequest, order: Order) -> HttpResponse:
    """What is owed and the ways to pay it; choosing one leads to the gateway's own page."""
    refused = ""
    if request.method == "POST":
        try:
            return _begin(request, order)
        except Refusal as refusal:
            refused = str(refusal.message)
    due = due_from_customer(order)
    held = order.payment_intents.filter(state__in=sorted(HOLDING)).exists()
    context = {
        "order": order,
        "due": due if order.lifecycle != Lifecycle.CANCELLED else 0,
        "cancelled": order.lifecycle == Lifecycle.CANCELLED,
        "held": held,
        "accounts": offered_accounts() if due > 0 else [],
        "methods": offered_methods() if due > 0 else [],
        "support_email": shop().support_email,
        "refused": refused,
        "lines": order.lines.order_by("position").only("title", "ordered", "cancelled"),
    }
    return render(request, "payments/pay.html", context, status=409 if refused else 200)


def _begin(request: HttpRequest, order: Order) -> HttpResponse:
    now = timezone.now()
    if not hit(_STARTS, f"{client_network(request)} {order.pk}", now=now):
        raise Refusal("too_often", _("That was tried too often. Wait a few minutes."))
    account = request.POST.get("account", "")
    if not account.isascii() or not account.isdigit() or len(account) > 12:
        raise Refusal("no_account", _("Choose how to pay."))

    def addresses(intent_id: int, what: str) -> str:
        name, args = ("pay-return", [order.token, intent_id]) if what == "return" else ("pay", [order.token])
        return settings.PUBLIC_URL + reverse(name, args=args)

    intent = start_payment(
        order_id=order.pk, account_id=int(account), addresses=addresses, actor=Actor.customer(order.email or "portal"), now=now
    )  # fmt: skip
    return redirect("pay-go", token=order.token, pk=intent.pk)


@require_safe
@behind_link
def pay_go(request: HttpRequest, order: Order, pk: int) -> HttpResponse:
    """On to the gateway: a page of ours in between, because a form of ours may lead to our own addresses only."""
    intent = get_object_or_404(order.payment_intents.select_related("account"), pk=pk)
    if intent.state not in WAITING or not intent.pay_url.startswith("https://"):
        return redirect("pay", token=order.token)
    response = render(request, "payments/pay_go.html", {"order": order, "intent": intent})
    response.headers["Refresh"] = f"0; url={intent.pay_url}"
    return response


@require_safe
@behind_link
def pay_return(request: HttpRequest, order: Order, pk: int) -> HttpResponse:
    """Back from the gateway. What came of it is asked of the gateway: the address the customer comes back to proves nothing."""
    intent = get_object_or_404(order.payment_intents.select_related("account"), pk=pk)
    unknown = False
    if intent.state in WAITING and hit(_ASKS, f"{client_network(request)} {order.pk}", now=timezone.now()):
        try:
            intent = ask(intent_id=pk, now=timezone.now())
        except Refusal:
            unknown = True
    paid = intent.state in HOLDING or intent.state == IntentState.CAPTURED
    context = {
        "order": order,
        "intent": intent,
        "paid": paid,
        "unknown": unknown,
        "failed": intent.state in (IntentState.FAILED, IntentState.CANCELLED),
        "support_email": shop().support_email,
    }
    response = render(request, "payments/pay_return.html", context)
    if not paid and intent.state in WAITING:
        response.headers["Refresh"] = "10"
    return response


@require("payments.record")
@require_http_methods(["GET", "POST"])
def order_payment_link(request: StaffRequest, pk: int) -> HttpResponse:
    """The link to copy, or to mail."""
    order = get_object_or_404(Order.objects.defer("search_text", "search"), pk=pk)
    due = due_from_customer(order)
    form = SendLinkForm(request.POST or None, initial={"email": order.email})
    if request.method == "POST" and form.is_valid():
        try:
            send_payment_link(
                order,
                to=form.cleaned_data["email"],
                note=form.cleaned_data["note"],
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The link is on its way to {email}.").format(email=form.cleaned_data["email"]))
            return redirect("order", pk=pk)
    context = {"order": order, "form": form, "due": due, "url": pay_url(order), "offered": bool(offered_accounts())}
    return render(request, "payments/link.html", context, status=422 if form.errors else 200)
