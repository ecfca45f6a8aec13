"""Rules tried on one order: the whole receipt, and nothing is written."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.permissions import require, require_permission
from core.requests import StaffRequest
from core.search import search
from oms.orchestration.route_order import try_routing
from orders.models import Order
from routing.engine.types import Plan, RuleSet
from routing.forms import Draft, TryForm
from routing.models import RuleSet as StoredRuleSet
from routing.queries import engine_rules, live_rule_set, rule_set_of
from routing.reading import read_receipts
from routing.views.editing import refuse

#: Orders offered to choose from, and versions to try.
OFFERED = 10
VERSIONS = 30


@require_http_methods(["GET", "HEAD", "POST"])
@require("routing.view")
def try_page(request: StaffRequest) -> HttpResponse:
    """GET: a published version on an order. POST: the draft of the editor, which comes and goes with the form."""
    draft = None
    if request.method == "POST":
        require_permission(request.user, "routing.edit")
        draft = Draft.from_post(request.POST)
        if draft.problems:
            return refuse(request, draft)
    given = request.POST if draft else request.GET
    form = TryForm(given, versions=[] if draft else _versions())
    if not form.is_valid():
        return _page(request, draft, form, status=422)
    order, offered = _order(given.get("order", ""), form.cleaned_data["q"])
    if order is None:
        return _page(request, draft, form, offered=offered)
    rules = _rules(draft, form.cleaned_data.get("rules"))
    tried = try_routing(order_id=order.pk, now=timezone.now(), rules=rules, whole=form.cleaned_data["scope"] == "whole")
    if given.get("format") == "json" and tried.plan:
        return _download(tried.order, tried.plan, rules, draft)
    reading = read_receipts([tried.plan.receipt], order.lines.all())[0] if tried.plan else None
    return _page(request, draft, form, order=order, reading=reading)


def _page(request: StaffRequest, draft: Draft | None, form: TryForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "routing/try.html", {"draft": draft, "form": form, **more}, status=status)


def _versions() -> list[tuple[int, str]]:
    """The live version, then the ones before it."""
    live = live_rule_set()
    older = StoredRuleSet.objects.filter(live=False).order_by("-version").values_list("version", flat=True)[:VERSIONS]
    choices = [(live.version, _("Version {version}, live").format(version=live.version))]
    choices += [(version, _("Version {version}").format(version=version)) for version in older]
    return choices if live.version == 0 else [*choices, (0, _("As installed"))]


def _rules(draft: Draft | None, version: int | None) -> RuleSet:
    """The rules to try: the draft, or a published version (the live one where none is named)."""
    if draft:
        return engine_rules(0, draft.rules)
    stored = (rule_set_of(version) if version is not None else None) or live_rule_set()
    return engine_rules(stored.version, stored.rules)


def _order(pk: str, text: str) -> tuple[Order | None, list[Order]]:
    """The order that is meant, or those to choose from: what fits the text, without one the newest."""
    orders = Order.objects.select_related("channel").defer("search_text", "search").order_by("-placed_at", "-id")
    if pk.isascii() and pk.isdigit() and len(pk) < 19 and (chosen := orders.filter(pk=pk).first()):
        return chosen, []
    if not text:
        return None, list(orders[:OFFERED])
    found = list(orders.filter(number__in=[text, text.upper(), f"#{text}"])[:OFFERED]) or list(
        search(orders, text)[:OFFERED]
    )
    return (found[0], []) if len(found) == 1 else (None, found)


def _download(order: Order, plan: Plan, rules: RuleSet, draft: Draft | None) -> JsonResponse:
    body = {
        "order_id": order.pk,
        "order": order.number,
        "trial": True,
        "rules": draft.rules if draft else None,
        "rule_set_version": None if draft else rules.version,
        "receipt": plan.receipt,
    }
    name = f"trial-{order.pk}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return JsonResponse(body, headers=headers, json_dumps_params={"indent": 2, "ensure_ascii": False})
