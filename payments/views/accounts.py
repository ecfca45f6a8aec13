"""Accounts with gateways, for the owner. Credentials go in and are never shown again."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.permissions import require
from core.refusals import Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from payments.forms import KINDS, AccountForm
from payments.models import GatewayAccount, GatewayKind
from payments.operations.accounts import check_account, save_account


@require("gateways.edit")
@require_safe
def gateways(request: StaffRequest) -> HttpResponse:
    """Every account, and the gateways that can be added."""
    accounts = GatewayAccount.objects.defer("credentials").order_by("name")
    return render(request, "payments/gateways.html", {"accounts": accounts, "kinds": GatewayKind.choices})


@require("gateways.edit")
@require_http_methods(["GET", "POST"])
def gateway_new(request: StaffRequest, kind: str) -> HttpResponse:
    """Add an account."""
    if kind not in KINDS:
        raise Http404
    label = GatewayKind(kind).label
    form = AccountForm(request.POST or None, kind=kind, known=False, initial={"name": label})
    if request.method == "POST" and form.is_valid():
        try:
            account = save_account(
                account_id=None, kind=kind, actor=Actor.user(request.user), now=timezone.now(), **form.values()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(
                request, _("Added. Enter the address of the webhook at the gateway, then test the connection.")
            )
            return redirect("gateway", pk=account.pk)
    context = {"form": form, "label": label}
    return render(request, "payments/gateway.html", context, status=422 if form.errors else 200)


@require("gateways.edit")
@require_http_methods(["GET", "POST"])
def gateway(request: StaffRequest, pk: int) -> HttpResponse:
    """Change an account."""
    account = get_object_or_404(GatewayAccount.objects.defer("credentials"), pk=pk)
    initial = {name: getattr(account, name) for name in ("name", "capture", "test_mode", "active")}
    form = AccountForm(request.POST or None, kind=account.kind, known=True, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_account(
                account_id=pk, kind=account.kind, actor=Actor.user(request.user), now=timezone.now(), **form.values()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("gateway", pk=pk)
    context = {
        "form": form,
        "account": account,
        "label": account.get_kind_display(),
        "webhook_url": settings.PUBLIC_URL + reverse("payment-webhook", args=[account.webhook_token]),
        "entries": lines_for(entries_for(account.subject, limit=20)),
    }
    return render(request, "payments/gateway.html", context, status=422 if form.errors else 200)


@require("gateways.edit")
@require_POST
def gateway_test(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask the gateway something harmless with the stored credentials."""
    get_object_or_404(GatewayAccount.objects.only("pk"), pk=pk)
    try:
        answer = check_account(account_id=pk, now=timezone.now())
    except Refusal as refusal:
        answer = refusal.message
    if answer:
        messages.error(request, _("It does not work: {answer}").format(answer=answer))
    else:
        messages.success(request, _("It works."))
    return redirect("gateway", pk=pk)
