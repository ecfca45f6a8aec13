"""How a draft begins, is copied and ends; its paper."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.files import file_response
from core.paper.weasy import PdfUnavailable
from core.permissions import require
from core.refusals import Refusal, Unavailable
from drafts.forms import NewDraftForm
from drafts.mailing import paper_of
from drafts.operations import begin_draft, duplicate_draft, end_draft
from drafts.paper import draft_pdf
from drafts.views.composer import load


@require_http_methods(["GET", "HEAD", "POST"])
@require("drafts.edit")
def draft_new(request: HttpRequest) -> HttpResponse:
    """Choose how the order comes in: by phone, at the counter, wholesale."""
    refused = None
    if request.method == "POST":
        form = NewDraftForm(request.POST)
        if form.is_valid():
            try:
                made = begin_draft(
                    scenario=form.cleaned_data["scenario"], customer_id=form.cleaned_data["customer"], author=request.user,
                    actor=Actor.user(request.user), now=timezone.now(),
                )  # fmt: skip
                return HttpResponseRedirect(reverse("draft", args=[made.pk]))
            except Refusal as refusal:
                refused = refusal.message
        else:
            refused = form.says()
    context = {"refused": refused, "customer": request.GET.get("customer", "")}
    return render(request, "drafts/new.html", context, status=422 if refused else 200)


@require_POST
@require("drafts.edit")
def draft_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy it, let it expire, cancel it, open it again."""
    draft, name = load(pk), request.POST.get("action", "")
    actor, now = Actor.user(request.user), timezone.now()
    try:
        if name == "duplicate":
            draft = duplicate_draft(draft_id=pk, author=request.user, actor=actor, now=now)
            messages.success(request, _("This is the copy, {number}.").format(number=draft.number))
        elif name in ("expire", "cancel", "reopen"):
            end_draft(draft_id=pk, action=name, actor=actor, now=now)
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(reverse("draft", args=[draft.pk]))


@require_safe
@require("drafts.view")
def draft_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The draft as PDF, as its customer gets it."""
    draft = load(pk)
    try:
        data = draft_pdf(paper_of(draft))
    except PdfUnavailable as off:
        raise Unavailable("pdf_off", str(off)) from off
    return file_response(f"{draft.number}.pdf", "application/pdf", data, inline=True)
