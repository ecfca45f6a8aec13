"""One purchase order at the desk: its lines, what can be done now, what came, what it costs, its paper and its history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.forms import add_refusal
from core.paper.weasy import PdfUnavailable
from core.permissions import require, require_permission
from core.refusals import Refusal, Unavailable
from core.shop import shop
from inventory.codes import variant_of_code
from purchasing.forms import CancelForm, ChargesForm, CloseForm, ConfirmForm, EditForm, NewOrderForm, plain
from purchasing.mailing import paper_of
from purchasing.models import PurchaseOrder
from purchasing.operations import (
    approve_purchase_order,
    cancel_purchase_order,
    change_charges,
    close_purchase_order,
    confirm_purchase_order,
    create_purchase_order,
    edit_purchase_order,
    mail_purchase_order,
    send_purchase_order,
)
from purchasing.paper import purchase_pdf
from purchasing.queries import landed_of, mails_about, receipts_of, with_lines
from purchasing.states import PURCHASE_MACHINE, PurchaseState
from purchasing.views.history import history


def load(pk: int) -> PurchaseOrder:
    """The order with what its page shows; 404 when there is none."""
    return get_object_or_404(with_lines(PurchaseOrder.objects.all()), pk=pk)


@require_safe
@require("purchasing.view")
def purchase_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one purchase order."""
    return _page(request, load(pk))


def _page(request: HttpRequest, order: PurchaseOrder, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page; `more` are bound forms that were refused, or the refusal itself."""
    lines = list(order.lines.all())
    offers = {offer.name: offer for offer in PURCHASE_MACHINE.offers(order, request.user)}
    sees_costs = request.user.can("costs.view")
    landed = landed_of(order, lines) if sees_costs else {}
    receipts = receipts_of(order)
    confirm = offers["reconfirm" if order.state == PurchaseState.PARTLY_RECEIVED else "confirm"]
    context: dict[str, Any] = {
        "order": order,
        "rows": [(line, landed.get(line.pk)) for line in lines],
        "offer": offers,
        "firm": order.state not in (PurchaseState.DRAFT, PurchaseState.CANCELLED),
        "sees_costs": sees_costs,
        "receivable": offers["receive"].allowed or offers["receive_late"].allowed,
        "confirmable": confirm.allowed,
        "receipts": receipts,
        "mails": mails_about(order),
        "late": order.state in ("sent", "confirmed", "partly_received") and order.expected_on and order.expected_on < timezone.localdate(),
        "short": max(0, order.supplier.minimum_order - order.total) if order.state == PurchaseState.DRAFT else 0,
        "timeline": history(order.subject, sees_costs=sees_costs),
        **more,
    }  # fmt: skip
    for name, make in _forms(order, lines, offers, confirmable=confirm.allowed, sees_costs=sees_costs).items():
        context.setdefault(name, make())
    return render(request, "purchasing/order.html", context, status=status)


def _forms(
    order: PurchaseOrder, lines: list[Any], offers: dict[str, Any], *, confirmable: bool, sees_costs: bool
) -> dict[str, Callable[[], Any]]:
    """The forms of what is possible now, each made only where the page does not bring a refused one."""
    version = {"version": order.version}
    made: dict[str, Callable[[], Any]] = {}
    if offers["edit"].allowed and sees_costs:
        head = version | {"location": order.location_id, "expected_on": order.expected_on, "note": order.note}
        made["edit_form"] = lambda: EditForm(lines=lines, initial=head)
    if confirmable:
        made["confirm_form"] = lambda: ConfirmForm(
            lines=lines, initial=version | {"reference": order.supplier_reference}, prefix="confirm"
        )
    if offers["close"].allowed:
        made["close_form"] = lambda: CloseForm(lines=lines, initial=version, prefix="close")
    if offers["cancel"].allowed:
        made["cancel_form"] = lambda: CancelForm(initial=version, prefix="cancel")
    if offers["charge"].allowed and sees_costs:
        made["charges_form"] = lambda: _charges_form(order)
    return made


def _charges_form(order: PurchaseOrder, data: Any = None) -> ChargesForm:
    initial = {
        "version": order.version, "freight": plain(order.freight), "duty": plain(order.duty), "other": plain(order.other),
        "charge_basis": order.charge_basis, "exchange_rate": f"{order.exchange_rate.normalize():f}" if order.exchange_rate else "",
        "rate_source": order.rate_source,
    }  # fmt: skip
    return ChargesForm(data, foreign=order.foreign, initial=initial, prefix="charges")


def _to(pk: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("purchase-order", args=[pk]))


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": Actor.user(request.user), "now": timezone.now()}


@require_http_methods(["GET", "HEAD", "POST"])
@require("purchasing.edit")
def purchase_new(request: HttpRequest) -> HttpResponse:
    """Begin a draft: from whom, and where to."""
    form = NewOrderForm(
        request.POST if request.method == "POST" else None,
        initial={"supplier": request.GET.get("supplier"), "location": request.GET.get("location")},
    )
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            made = create_purchase_order(
                supplier_id=data["supplier"].pk, location_id=data["location"].pk, expected_on=data["expected_on"], **_who(request)
            )  # fmt: skip
            return _to(made.pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return render(request, "purchasing/new.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@require("purchasing.edit")
def purchase_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Save a draft's head and lines, and add one."""
    require_permission(request.user, "costs.view")
    order = load(pk)
    form = EditForm(request.POST, lines=list(order.lines.all()))
    if form.is_valid():
        code = form.cleaned_data["sku"].strip()
        variant = variant_of_code(code) if code else None
        if code and variant is None:
            form.add_error("sku", _("There is no SKU “{code}”.").format(code=code[:40]))
        else:
            try:
                edit_purchase_order(
                    order_id=pk, values=form.head(), edits=form.edits(), added=form.added(variant),
                    version=form.cleaned_data["version"], **_who(request),
                )  # fmt: skip
                return HttpResponseRedirect(reverse("purchase-order", args=[pk]) + ("#add" if code else ""))
            except Refusal as refusal:
                add_refusal(form, refusal)
    return _page(request, load(pk), status=422, edit_form=form)


@require_POST
@require("purchasing.send")
def purchase_act(request: HttpRequest, pk: int) -> HttpResponse:
    """The acts that need no more than a press: approve, send, mark as sent, mail again."""
    order, name = load(pk), request.POST.get("action", "")
    version = int(text) if (text := request.POST.get("version", "")).isdecimal() and len(text) < 9 else None
    try:
        match name:
            case "approve":
                approve_purchase_order(order_id=pk, version=version, **_who(request))
            case "send" | "mark":
                sent = send_purchase_order(order_id=pk, mail=name == "send", version=version, **_who(request))
                _say_sent(request, sent)
            case "mail":
                mail_purchase_order(order_id=pk, **_who(request))
                messages.success(request, _("{number} goes out again by e-mail.").format(number=order.number))
            case _:
                return _page(request, order, status=422)
    except Refusal as refusal:
        return _page(request, load(pk), status=refusal.status, refusal=refusal)
    return _to(pk)


def _say_sent(request: HttpRequest, order: PurchaseOrder) -> None:
    text = _("{number} goes out by e-mail.") if order.mailed else _("{number} is marked as sent.")
    messages.success(request, text.format(number=order.number))


@require_POST
@require("purchasing.edit")
def purchase_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """What the supplier has answered: quantities and dates."""
    order = load(pk)
    form = ConfirmForm(request.POST, lines=list(order.lines.all()), prefix="confirm")
    return _apply(
        request, order, "confirm_form", form,
        lambda: confirm_purchase_order(
            order_id=pk, lines=form.confirmations(), reference=form.cleaned_data["reference"], version=form.cleaned_data["version"], **_who(request)
        ),
    )  # fmt: skip


@require_POST
@require("purchasing.edit")
def purchase_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up what has not come."""
    order = load(pk)
    form = CloseForm(request.POST, lines=list(order.lines.all()), prefix="close")
    return _apply(
        request, order, "close_form", form,
        lambda: close_purchase_order(
            order_id=pk, reason=form.cleaned_data["reason"], units=form.units(), version=form.cleaned_data["version"], **_who(request)
        ),
    )  # fmt: skip


@require_POST
@require("purchasing.edit")
def purchase_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing of it shall come."""
    order = load(pk)
    form = CancelForm(request.POST, prefix="cancel")
    return _apply(
        request, order, "cancel_form", form,
        lambda: cancel_purchase_order(
            order_id=pk, reason=form.cleaned_data["reason"], version=form.cleaned_data["version"], **_who(request)
        ),
    )  # fmt: skip


@require_POST
@require("purchasing.edit")
def purchase_charges(request: HttpRequest, pk: int) -> HttpResponse:
    """Freight, duty, other charges, the exchange rate; also when goods have come already."""
    require_permission(request.user, "costs.view")
    order = load(pk)
    form = _charges_form(order, request.POST)
    return _apply(
        request, order, "charges_form", form,
        lambda: change_charges(order_id=pk, version=form.cleaned_data["version"], **form.values(), **_who(request)),
    )  # fmt: skip


def _apply(
    request: HttpRequest, order: PurchaseOrder, name: str, form: Any, act: Callable[[], PurchaseOrder]
) -> HttpResponse:
    """Do it and go back to the page, or show the page with the form as it was refused."""
    if form.is_valid():
        try:
            act()
            return _to(order.pk)
        except Refusal as refusal:
            add_refusal(form, refusal)
    return _page(request, load(order.pk), status=422, **{name: form})


@require_safe
@require("costs.view")
def purchase_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The order as PDF: what the supplier got, or of a draft what it would get."""
    order = load(pk)
    try:
        data = purchase_pdf(paper_of(order, shop(), list(order.lines.all())))
    except PdfUnavailable as off:
        raise Unavailable("pdf_off", str(off)) from off
    return file_response(f"{order.number}.pdf", "application/pdf", data, inline=True)
