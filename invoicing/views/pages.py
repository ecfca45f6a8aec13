"""One document: its page, its PDF, sending it, crediting it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.addresses import Address
from core.files import file_response
from core.forms import add_refusal
from core.models import OutgoingMail
from core.permissions import require
from core.refusals import Refusal
from invoicing.billing import Row
from invoicing.drawing import pdf_of
from invoicing.forms import CreditForm, MailForm
from invoicing.mailing import ask_for_mail, mail_key
from invoicing.models import Document
from invoicing.operations import credit_invoice, creditable, left_of_invoice
from invoicing.queries import documents_of
from invoicing.states import DocumentKind


def find(pk: int) -> Document:
    """The document; 404 when there is none."""
    return get_object_or_404(Document.objects.select_related("corrects", "order"), pk=pk)


@require("invoices.view")
@require_safe
def document_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What the document shows, what corrects it, where it was sent."""
    return show(request, find(pk))


def show(
    request: HttpRequest, document: Document, *, status: int = 200, mail_form: MailForm | None = None
) -> HttpResponse:
    """The page, with a refused form where one is given."""
    related = documents_of(document.order_id) if document.order_id else [document]
    may = request.user.can("invoices.issue")
    is_invoice = document.kind == DocumentKind.INVOICE
    left = creditable(left_of_invoice(document, related)) if is_invoice else None
    rows = [Row.from_json(row) for row in document.lines]
    context: dict[str, Any] = {
        "document": document,
        "rows": rows,
        "with_discount": any(row.discount for row in rows),
        "taxes": list(document.taxes.order_by("-rate")),
        "seller": Address.from_json(document.seller.get("address")).lines(),
        "buyer": Address.from_json(document.buyer.get("address")).lines(),
        "notes": [one for one in related if one.corrects_id == document.pk],
        "others": [one for one in related if one.pk != document.pk and one.corrects_id != document.pk],
        "left": left,
        "mails": list(OutgoingMail.objects.filter(dedupe_key__startswith=mail_key(document.pk, "")).order_by("pk")),
        "may_issue": may,
        "may_credit": may and bool(left),
        "mail_form": mail_form or MailForm(initial={"to": document.email, "key": uuid.uuid4().hex}),
    }
    return render(request, "invoicing/document.html", context, status=status)


@require("invoices.view")
@require_safe
def document_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF: the same bytes whenever it is asked for."""
    document = find(pk)
    file = pdf_of(document)
    return file_response(document.file_name, file.content_type, file.data, inline=True)


@require("invoices.issue")
@require_POST
def document_mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it, to the customer or to another address."""
    document = find(pk)
    form = MailForm(request.POST)
    if form.is_valid():
        try:
            ask_for_mail(document_id=pk, **form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(
                request, _("{number} is on its way to {to}.").format(number=document.number, to=form.cleaned_data["to"])
            )
            return redirect("invoice", pk=pk)
    return show(request, document, status=422, mail_form=form)


@require("invoices.issue")
@require_http_methods(["GET", "POST"])
def document_credit(request: HttpRequest, pk: int) -> HttpResponse:
    """Credit units or an amount of an invoice."""
    document = find(pk)
    if document.kind != DocumentKind.INVOICE:
        messages.error(request, _("Only an invoice can be credited."))
        return redirect("invoice", pk=pk)
    left = left_of_invoice(document)
    form = CreditForm(request.POST or None, left=left, initial={"key": uuid.uuid4().hex, "mail": bool(document.email)})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            note = credit_invoice(
                invoice_id=pk, units=form.units(), amount=data["amount"], reason=data["reason"], key=data["key"], mail=data["mail"],
                actor=Actor.user(request.user), now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("{number} is issued.").format(number=note.number))
            return redirect("invoice", pk=note.pk)
    context = {"document": document, "form": form, "left": creditable(left)}
    return render(request, "invoicing/credit.html", context, status=422 if form.errors else 200)
