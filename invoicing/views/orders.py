"""Documents of an order: what would be issued now, and issuing it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from invoicing.billing import Row
from invoicing.forms import IssueForm, ProFormaForm
from invoicing.models import BillingProfile
from invoicing.operations import Preview, bill_order, issue_pro_forma, preview_billing, save_billing_profile
from invoicing.queries import billing_profile
from invoicing.states import DocumentKind
from orders.models import Order


@dataclass(frozen=True, slots=True)
class Shown:
    """A planned document as the page shows it."""

    kind: str
    corrects: str
    rows: tuple[Row, ...]
    total: Decimal

    @property
    def with_discount(self) -> bool:
        return any(row.discount for row in self.rows)


def _order(pk: int) -> Order:
    return get_object_or_404(Order.objects.select_related("channel").defer("search", "search_text"), pk=pk)


@require("invoices.issue")
@require_http_methods(["GET", "POST"])
def order_invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue what is not billed yet, and correct what is billed wrong."""
    order = _order(pk)
    profile = billing_profile(order)
    initial = {
        "version": order.version, "key": uuid.uuid4().hex, "mail": bool(order.email), "tax_number": profile.tax_number,
    }  # fmt: skip
    form = IssueForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data, actor, now = form.cleaned_data, Actor.user(request.user), timezone.now()
        try:
            _keep_profile(order, profile, data["tax_number"], actor, now)
            made = bill_order(
                order_id=pk, mail=data["mail"], reason=data["reason"], version=data["version"], actor=actor, now=now
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            if not made:
                messages.info(request, _("There is nothing to invoice."))
                return redirect("order", pk=pk)
            numbers = ", ".join(one.number for one in made)
            messages.success(request, _("Issued: {numbers}").format(numbers=numbers))
            return redirect("invoice", pk=made[-1].pk) if len(made) == 1 else redirect("order", pk=pk)
    preview = preview_billing(order)
    context = {"order": order, "form": form, "planned": _shown(preview), "total": preview.total}
    return render(request, "invoicing/issue.html", context, status=422 if form.errors else 200)


def _shown(preview: Preview) -> list[Shown]:
    numbers = {one.pk: one.number for one in preview.documents}
    return [
        Shown(
            DocumentKind.INVOICE if one.corrects is None else DocumentKind.CREDIT_NOTE,
            numbers.get(one.corrects or 0, ""),
            one.rows,
            one.total,
        )
        for one in preview.planned
    ]


def _keep_profile(order: Order, profile: BillingProfile, tax_number: str, actor: Actor, now: object) -> None:
    if order.customer_id and tax_number.strip() != profile.tax_number:
        save_billing_profile(
            order_id=order.pk, tax_number=tax_number, payment_days=profile.payment_days, actor=actor, now=now  # type: ignore[arg-type]
        )  # fmt: skip


@require("invoices.issue")
@require_http_methods(["GET", "POST"])
def order_pro_forma(request: HttpRequest, pk: int) -> HttpResponse:
    """A pro forma of the order as it is."""
    order = _order(pk)
    profile = billing_profile(order)
    initial = {
        "version": order.version, "key": uuid.uuid4().hex, "mail": bool(order.email), "tax_number": profile.tax_number,
    }  # fmt: skip
    form = ProFormaForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data, actor, now = form.cleaned_data, Actor.user(request.user), timezone.now()
        try:
            _keep_profile(order, profile, data["tax_number"], actor, now)
            made = issue_pro_forma(
                order_id=pk, key=data["key"], mail=data["mail"], version=data["version"], actor=actor, now=now
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("{number} is issued.").format(number=made.number))
            return redirect("invoice", pk=made.pk)
    context = {
        "order": order, "form": form, "title": _("Pro forma invoice for {number}").format(number=order.number),
        "text": _("It has a number of its own, is no tax document and changes nothing that is owed."), "button": _("Issue"),
    }  # fmt: skip
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)
