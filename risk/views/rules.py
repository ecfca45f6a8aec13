"""The rules: what adds to a score, tried on orders that came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.models import Shop
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from risk.forms import RuleForm, ThresholdForm
from risk.models import RiskRule
from risk.operations import add_rule, add_usual_rules, change_rule, change_settings, remove_rule
from risk.operations.rules import SUBJECT
from risk.queries import current_settings, try_rules
from risk.states import RuleKind
from risk.telling import tell_rule

#: Orders that rules are tried on.
TRIED = 500


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as the page shows it. flagged: of the tried orders; None where nothing was tried."""

    rule: RiskRule
    text: str
    flagged: int | None = None


@require("risk.view")
@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """All rules and thresholds; with `?try=1` what they say of the last orders."""
    return _show(request)


def _show(request: HttpRequest, form: ThresholdForm | None = None, *, status: int = 200) -> HttpResponse:
    found = list(RiskRule.objects.order_by("-active", "-score", "pk"))
    settings = current_settings()
    tried = try_rules(found, settings, last=TRIED) if request.GET.get("try") and found else None
    rows = [
        RuleRow(rule, tell_rule(rule.kind, rule.params), tried.flagged[n] if tried else None)
        for n, rule in enumerate(found)
    ]
    thresholds = {name: getattr(settings, name) for name in ("review_at", "hold_at", "hold_addresses")}
    context: dict[str, Any] = {
        "rows": rows,
        "tried": tried,
        "settings": settings,
        "form": form or ThresholdForm(initial=thresholds),
        "kinds": RuleKind.choices,
        "may_edit": request.user.can("risk.edit"),
        "entries": lines_for(entries_for(SUBJECT, limit=20)),
    }
    return render(request, "risk/rules.html", context, status=status)


@require("risk.edit")
@require_POST
def thresholds(request: HttpRequest) -> HttpResponse:
    """From which scores on orders are reviewed and held."""
    form = ThresholdForm(request.POST)
    if form.is_valid():
        try:
            change_settings(**form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("risk-rules")
    return _show(request, form, status=422)


@require("risk.edit")
@require_POST
def usual(request: HttpRequest) -> HttpResponse:
    """Begin with the usual rules."""
    made = add_usual_rules(actor=Actor.user(request.user), now=timezone.now())
    if made:
        messages.success(request, _("{n} rules look at new orders from now on.").format(n=len(made)))
    else:
        messages.info(request, _("There are rules already."))
    return redirect("risk-rules")


@require("risk.edit")
@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest, kind: str) -> HttpResponse:
    """A rule of a kind."""
    if kind not in RuleKind.values:
        raise Http404
    currency = Shop.objects.values_list("currency", flat=True).first() or "EUR"
    form = RuleForm(request.POST or None, kind=kind, initial={"currency": currency})
    if request.method == "POST" and form.is_valid() and request.POST.get("step") != "try":
        add_rule(
            kind=kind,
            params=form.params(),
            score=form.cleaned_data["score"],
            active=form.cleaned_data["active"],
            actor=Actor.user(request.user),
            now=timezone.now(),
        )
        messages.success(request, _("The rule is added."))
        return redirect("risk-rules")
    return _form_page(request, form, kind)


@require("risk.edit")
@require_http_methods(["GET", "POST"])
def rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule, or take it away."""
    found = get_object_or_404(RiskRule, pk=pk)
    form = RuleForm(
        request.POST or None, kind=found.kind, initial=RuleForm.initial_of(found.params, found.score, found.active)
    )
    if request.method == "POST" and form.is_valid() and request.POST.get("step") != "try":
        change_rule(
            rule_id=pk,
            params=form.params(),
            score=form.cleaned_data["score"],
            active=form.cleaned_data["active"],
            actor=Actor.user(request.user),
            now=timezone.now(),
        )
        messages.success(request, _("The rule is changed. Orders that were assessed keep what it said then."))
        return redirect("risk-rules")
    return _form_page(request, form, found.kind, found)


@require("risk.edit")
@require_POST
def rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a rule away."""
    remove_rule(rule_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("The rule is removed."))
    return redirect("risk-rules")


def _form_page(request: HttpRequest, form: RuleForm, kind: str, rule: RiskRule | None = None) -> HttpResponse:
    tried = None
    if request.method == "POST" and form.is_valid():
        wished = RiskRule(kind=kind, params=form.params(), score=form.cleaned_data["score"], active=True)
        tried = try_rules([wished], current_settings(), last=TRIED)
    context = {
        "form": form,
        "rule": rule,
        "title": dict(RuleKind.choices)[kind],
        "tried": tried,
        "flagged": tried.flagged[0] if tried else 0,
    }
    return render(request, "risk/rule.html", context, status=422 if form.errors else 200)
