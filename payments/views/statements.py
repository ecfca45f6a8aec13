"""Money that came in: the statement's file, its lines with suggestions, deciding on each; what carriers collect at the door; methods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require, require_permission
from core.refusals import Refusal
from core.shop import shop
from oms.exchange.statements import MAX_BYTES, NAMES, read_statement
from oms.orchestration.collecting import collect_at_delivery, settle_collection
from orders.models import Order
from payments.models import Collection, MethodKind, PaymentMethod, StatementLine, StatementState
from payments.operations.methods import save_method
from payments.operations.statements import ignore_line, record_line, take_statement
from payments.owed.filters import StatementFilter
from payments.owed.forms import CollectionForm, MethodForm, StatementFileForm, StatementLineForm
from payments.owed.methods import method_names
from payments.owed.tables import CollectionTable, StatementTable


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": Actor.user(request.user), "now": timezone.now()}


def _record_many(targets: QuerySet[StatementLine], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Each as a payment of the order that is suggested; those without a suggestion are listed."""
    outcome = BulkOutcome()
    method = method_names(MethodKind.BANK_TRANSFER)[0]
    rows = targets.values_list("pk", "booked_on", "payer", "order_id", "order__number", "order__collection__method")
    for pk, day, payer, order_id, number, collected in list(rows):
        label = f"{day.isoformat()} {payer}"
        if order_id is None:
            outcome.refuse(label, _("No order is suggested for it: open the line and name one."))
            continue
        try:
            record_line(line_id=pk, order_id=order_id, method=collected or method, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(label, refusal)
    return outcome


def _ignore_many(targets: QuerySet[StatementLine], *, actor: Actor, now: datetime) -> BulkOutcome:
    """None of them is a payment of an order."""
    outcome = BulkOutcome()
    for line in list(targets):
        label = f"{line.booked_on.isoformat()} {line.payer}"
        try:
            ignore_line(line_id=line.pk, actor=actor, now=now)
            outcome.done.append(label)
        except Refusal as refusal:
            outcome.refuse(label, refusal)
    return outcome


class StatementList(ListPage):
    """Money that a bank or a carrier says came in."""

    name = "statements"
    title = gettext_lazy("Money that came in")
    permission = "payments.view"
    model = StatementLine
    table_class = StatementTable
    filter_class = StatementFilter
    sorts = {"booked": Sort("booked_on", desc=True), "amount": Sort("amount", desc=True)}
    default_sort = "booked"
    search_placeholder = gettext_lazy("Payer, text, order number")
    tabs = [
        Tab("open", gettext_lazy("To decide"), Q(state=StatementState.OPEN)),
        Tab("sure", gettext_lazy("Number and amount agree"), Q(state=StatementState.OPEN, certainty="exact")),
        Tab("recorded", gettext_lazy("Recorded"), Q(state=StatementState.RECORDED), counted=False),
        Tab("ignored", gettext_lazy("Left aside"), Q(state=StatementState.IGNORED), counted=False),
    ]
    bulk_actions = [
        BulkAction(
            "record", gettext_lazy("Record as payments"), "payments.record", run=_record_many, icon="check",
            confirm=gettext_lazy("Each line is recorded as a payment of the order that is suggested for it. Record them?"),
        ),
        BulkAction("ignore", gettext_lazy("Leave aside"), "payments.record", run=_ignore_many, icon="x"),
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("Collected at delivery"), "collections", "payments.view", icon="truck"),
        PageAction(gettext_lazy("Ways of paying"), "payment-methods", "payments.view", icon="gear"),
        PageAction(gettext_lazy("Import a file"), "statement-import", "payments.record", primary=True, icon="download"),
    ]
    empty = Empty(
        gettext_lazy("Nothing to decide"),
        gettext_lazy("Import the bank's statement or the carrier's list as a file: each line is shown with the order it seems to be for, and recorded when you say so."),
        gettext_lazy("Import a file"), "statement-import",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[StatementLine]:
        return StatementLine.objects.select_related("order").only(
            "booked_on",
            "amount",
            "currency",
            "payer",
            "text",
            "certainty",
            "state",
            "file_name",
            "decided_by",
            "order__number",
        )

    def search(self, queryset: QuerySet[StatementLine], q: str) -> QuerySet[StatementLine]:
        text = q.strip()
        return queryset.filter(Q(payer__icontains=text) | Q(text__icontains=text) | Q(order__number__iexact=text))


statement_list = list_view(StatementList)


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.record")
def statement_import(request: HttpRequest) -> HttpResponse:
    """Take a statement in; nothing is paid by it."""
    form = StatementFileForm(request.POST or None, request.FILES or None, initial={"currency": shop().currency})
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            lines, out = read_statement(file.read(MAX_BYTES + 1), currency=form.cleaned_data["currency"])
            taken = take_statement(lines, file_name=file.name, now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            parts = [ngettext("{n} line is new.", "{n} lines are new.", taken.new).format(n=taken.new)]
            if taken.known:
                parts.append(ngettext("{n} was known.", "{n} were known.", taken.known).format(n=taken.known))
            if out:
                parts.append(
                    ngettext("{n} went out and is left out.", "{n} went out and are left out.", out).format(n=out)
                )
            messages.success(request, " ".join(parts))
            return redirect("statements")
    context = {"form": form, "columns": [names[:4] for names in NAMES.values()]}
    return render(request, "payments/statement_import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.view")
def statement_line(request: HttpRequest, pk: int) -> HttpResponse:
    """One line: which order it is for, by number."""
    line = get_object_or_404(StatementLine.objects.select_related("order", "payment"), pk=pk)
    initial = {"number": line.order.number if line.order else ""}
    form = StatementLineForm(request.POST or None, initial=initial, methods=method_names())
    if request.method == "POST":
        require_permission(request.user, "payments.record")
        if request.POST.get("action") == "ignore":
            ignore_line(line_id=pk, **_who(request))
            return redirect("statements")
        if form.is_valid() and _record(request, line, form):
            messages.success(request, _("The payment is recorded."))
            return redirect("statements")
    context = {
        "line": line,
        "form": form,
        "open": line.state == StatementState.OPEN,
        "may_record": request.user.can("payments.record"),
    }
    return render(request, "payments/statement_line.html", context, status=422 if form.errors else 200)


def _record(request: HttpRequest, line: StatementLine, form: StatementLineForm) -> bool:
    orders = list(Order.objects.filter(number=form.cleaned_data["number"].strip()).order_by("-pk")[:2])
    orders = [order for order in orders if order.currency == line.currency] if len(orders) > 1 else orders
    if len(orders) != 1:
        form.add_error("number", _("There is no such order.") if not orders else _("Several orders have this number."))
        return False
    try:
        record_line(line_id=line.pk, order_id=orders[0].pk, method=form.cleaned_data["method"], **_who(request))
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    return True


def _settle_many(targets: QuerySet[Collection], *, actor: Actor, now: datetime) -> BulkOutcome:
    """The carrier handed the money of these orders over."""
    outcome = BulkOutcome()
    for pk, number in list(targets.order_by("pk").values_list("order_id", "order__number")):
        try:
            settle_collection(order_id=pk, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


class CollectionList(ListPage):
    """Orders whose money is collected at delivery and has not come yet."""

    name = "collections"
    title = gettext_lazy("Collected at delivery")
    permission = "payments.view"
    model = Collection
    table_class = CollectionTable
    sorts = {"agreed": Sort("agreed_at", "pk", desc=True)}
    default_sort = "agreed"
    search_placeholder = gettext_lazy("Order number")
    lead_column = "number"
    tabs = [
        Tab("open", gettext_lazy("To come in"), None),
        Tab("delivered", gettext_lazy("Delivered, money not here"), Q(order__delivery="delivered")),
    ]
    bulk_actions = [
        BulkAction(
            "settle", gettext_lazy("The money is here"), "payments.record", run=_settle_many, icon="check",
            confirm=gettext_lazy("What is owed for each of these orders is recorded as paid. Record it?"),
        )
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("Import the carrier's list"), "statement-import", "payments.record", icon="download")
    ]
    empty = Empty(
        gettext_lazy("Nothing is to be collected"),
        gettext_lazy(
            "On an order's page, “Collect at delivery” lets it leave unpaid; it stands here until the money is there."
        ),
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        paid = F("order__cancelled_total") + F("order__captured_total") - F("order__overpayment_refunded")
        return Collection.objects.select_related("order").filter(order__total__gt=paid)

    def search(self, queryset: QuerySet[Collection], q: str) -> QuerySet[Collection]:
        return queryset.filter(order__number__iexact=q.strip())


collection_list = list_view(CollectionList)


@require_http_methods(["GET", "HEAD", "POST"])
@require("payments.record")
def order_collect(request: HttpRequest, pk: int) -> HttpResponse:
    """An order is paid at the door."""
    order = get_object_or_404(Order, pk=pk)
    form = CollectionForm(request.POST or None, methods=method_names(MethodKind.CASH_ON_DELIVERY))
    if request.method == "POST" and form.is_valid():
        try:
            collect_at_delivery(order_id=pk, **form.cleaned_data, **_who(request))
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("It is collected at delivery."))
            return redirect("order", pk=pk)
    context = {
        "order": order,
        "form": form,
        "title": _("Collect {number} at delivery").format(number=order.number),
        "text": _(
            "The order does not wait for its payment any more; the money is recorded when the carrier hands it over."
        ),
        "button": _("Collect at delivery"),
    }
    return render(request, "orders/act.html", context, status=422 if form.errors else 200)


@require_safe
@require("payments.view")
def method_list(request: HttpRequest) -> HttpResponse:
    """Ways of paying that people record by hand."""
    context = {
        "methods": PaymentMethod.objects.order_by("-active", "name"),
        "may_edit": request.user.can("gateways.edit"),
    }
    return render(request, "payments/methods.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require("gateways.edit")
def method_new(request: HttpRequest) -> HttpResponse:
    """Add a way of paying."""
    return _method_form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@require("gateways.edit")
def method_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a way of paying."""
    return _method_form(request, get_object_or_404(PaymentMethod, pk=pk))


def _method_form(request: HttpRequest, method: PaymentMethod | None) -> HttpResponse:
    form = MethodForm(request.POST or None, instance=method)
    if request.method == "POST" and form.is_valid():
        try:
            save_method(method_id=method.pk if method else None, values=dict(form.cleaned_data), **_who(request))
            return redirect("payment-methods")
        except Refusal as refusal:
            add_refusal(form, refusal)
    title = _("Way of paying: {name}").format(name=method.name) if method else _("New way of paying")
    context = {"form": form, "title": title, "button": _("Save"), "back": "payment-methods"}
    return render(request, "payments/form.html", context, status=422 if form.errors else 200)
