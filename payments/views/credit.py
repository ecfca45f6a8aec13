"""Store credit: who has how much, the ledger of one account, granting, taking back, spending on an order, money back as credit."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.listing import Empty, ListPage, PageAction, Sort, Tab, list_view
from core.money import format_money, quantize
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.shop import shop
from customers.models import Customer
from customers.operations import clean_email
from orders.models import Order
from payments.credit import usable_credit
from payments.models import CreditAccount
from payments.operations.credit import grant_credit, refund_to_credit, spend_credit, withdraw_credit
from payments.owed.filters import CreditFilter
from payments.owed.forms import CreditRefundForm, GrantForm, SpendForm, WithdrawForm
from payments.owed.tables import CreditTable
from payments.views.receivables import today

ENTRIES_SHOWN = 200


class CreditList(ListPage):
    """Customers with store credit."""

    name = "store-credit"
    title = gettext_lazy("Store credit")
    permission = "payments.view"
    model = CreditAccount
    table_class = CreditTable
    filter_class = CreditFilter
    sorts = {"changed": Sort("changed_at", desc=True), "balance": Sort("balance", desc=True)}
    default_sort = "changed"
    search_placeholder = gettext_lazy("E-mail or name")
    lead_column = "customer"
    tabs = [
        Tab("open", gettext_lazy("With credit"), lambda accounts: accounts.filter(balance__gt=0), fixed=True),
        Tab("all", gettext_lazy("All"), counted=False),
    ]
    page_actions = [
        PageAction(gettext_lazy("Grant credit"), "credit-grant", "payments.refund", primary=True, icon="plus")
    ]
    empty = Empty(
        gettext_lazy("Nobody has store credit"),
        gettext_lazy("Credit is granted by hand, or given back instead of money; it pays for orders in its currency."),
        gettext_lazy("Grant credit"), "credit-grant",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[CreditAccount]:
        name = Coalesce(NullIf("customer__name", Value("")), "customer__email", Value(_("Without a name")))
        return CreditAccount.objects.select_related("customer").annotate(shown_name=name)

    def search(self, queryset: QuerySet[CreditAccount], q: str) -> QuerySet[CreditAccount]:
        text = q.strip()
        return queryset.filter(customer__email=text.lower()) | queryset.filter(customer__name__icontains=text)


credit_list = list_view(CreditList)


def _key() -> str:
    return uuid.uuid4().hex


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": Actor.user(request.user), "now": timezone.now()}


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.refund")
def credit_grant(request: HttpRequest) -> HttpResponse:
    """Give a customer credit."""
    initial = {"key": _key(), "currency": shop().currency, "email": request.GET.get("email", "")[:254]}
    form = GrantForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        customer = Customer.objects.filter(email=clean_email(values.pop("email"))).first()
        if customer is None:
            form.add_error("email", _("No customer has this address."))
        else:
            try:
                entry = grant_credit(customer_id=customer.pk, **values, **_who(request))
                return redirect("credit-account", pk=entry.account_id)
            except Refusal as refusal:
                add_refusal(form, refusal)
    context = {"form": form, "title": _("Grant store credit"), "button": _("Grant"), "back": "store-credit"}
    return render(request, "payments/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.view")
def credit_account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account with its ledger; taking back."""
    account = get_object_or_404(CreditAccount.objects.select_related("customer"), pk=pk)
    form = WithdrawForm(request.POST or None, initial={"key": _key()})
    if request.method == "POST":
        require_permission(request.user, "payments.refund")
        if form.is_valid():
            try:
                withdraw_credit(account_id=pk, **form.cleaned_data, **_who(request))
                return redirect("credit-account", pk=pk)
            except Refusal as refusal:
                add_refusal(form, refusal)
    context = {
        "account": account,
        "entries": list(account.entries.select_related("order", "grant").order_by("-pk")[:ENTRIES_SHOWN]),
        "usable": usable_credit(account.customer_id, account.currency, today=today()),
        "form": form,
        "may_edit": request.user.can("payments.refund"),
    }
    return render(request, "payments/credit_account.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.record")
def order_credit(request: HttpRequest, pk: int) -> HttpResponse:
    """Pay (a part of) an order with its customer's credit."""
    order = get_object_or_404(Order, pk=pk)
    usable = usable_credit(order.customer_id, order.currency, today=today())
    owed = quantize(order.owed_by_customer, order.currency)
    form = SpendForm(request.POST or None, initial={"key": _key(), "amount": min(usable, owed) or None})
    if request.method == "POST" and form.is_valid():
        try:
            spend_credit(order_id=pk, **form.cleaned_data, **_who(request))
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The payment is recorded."))
            return redirect("order", pk=pk)
    amounts = {"usable": format_money(usable, order.currency), "owed": format_money(owed, order.currency)}
    context = {
        "order": order,
        "form": form,
        "title": _("Pay {number} with store credit").format(number=order.number),
        "text": _("{usable} of store credit can be spent; {owed} is owed.").format(**amounts),
        "button": _("Pay with store credit"),
    }
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.refund")
def order_credit_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """Give money of an order back as its customer's credit."""
    order = get_object_or_404(Order, pk=pk)
    left = quantize(order.captured_total - order.refunded_total, order.currency)
    due = quantize(order.owed_to_customer, order.currency)
    form = CreditRefundForm(request.POST or None, initial={"key": _key(), "amount": due or left or None})
    if request.method == "POST" and form.is_valid():
        try:
            refund_to_credit(order_id=pk, **form.cleaned_data, **_who(request))
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The customer has the credit."))
            return redirect("order", pk=pk)
    context = {
        "order": order,
        "form": form,
        "title": _("Refund {number} to store credit").format(number=order.number),
        "text": _("At most {left} can be refunded.").format(left=format_money(left, order.currency)),
        "button": _("Refund to store credit"),
    }
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)
