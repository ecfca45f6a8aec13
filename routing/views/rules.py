"""The rules that are live, the orders that wait, and the versions before."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.listing import Empty, ListPage, Sort, list_view
from core.listing.counting import count_many
from core.permissions import require
from core.refusals import Invalid, Refusal
from core.requests import StaffRequest
from core.timeline import entries_for
from core.timeline_text import lines_for
from oms.orchestration.route_order import route_waiting
from orders.models import Order
from orders.queries import BACKORDERED, TO_ROUTE
from routing.filters import RuleSetFilter
from routing.models import RoutingDecision, RuleSet
from routing.operations import SUBJECT, publish_rules
from routing.queries import live_rule_set, rule_set_of
from routing.reading import sentences
from routing.tables import RuleSetTable
from routing.wording import changes_between, in_words

#: The newest versions and decisions on the page.
SHOWN = 8
#: Orders tried in one request; the rest follows by itself, every few minutes.
RETRIED = 50


@require_safe
@require("routing.view")
def rules_page(request: StaffRequest) -> HttpResponse:
    """The live rules in words, what waits for a place, the newest decisions, the history."""
    live = live_rule_set()
    to_route, backordered = count_many([Order.objects.filter(TO_ROUTE), Order.objects.filter(BACKORDERED)])
    context = {
        "live": live,
        "lists": in_words(live.rules),
        "to_route": to_route,
        "backordered": backordered,
        "decisions": _newest_decisions(),
        "timeline": lines_for(entries_for(SUBJECT, limit=SHOWN)),
        "may_edit": request.user.can("routing.edit"),
        "may_route": request.user.can("orders.route"),
    }
    return render(request, "routing/rules.html", context)


def _newest_decisions() -> list[tuple[RoutingDecision, str]]:
    found = list(
        RoutingDecision.objects.select_related("order")
        .only("order__number", "receipt", "cause", "at")
        .order_by("-id")[:SHOWN]
    )
    return list(zip(found, sentences([one.receipt for one in found]), strict=True))


@require_POST
@require("orders.route")
def retry(request: StaffRequest) -> HttpResponse:
    """Try the newest orders that no location could ship once more."""
    placed = route_waiting(actor=Actor.user(request.user), now=timezone.now(), limit=RETRIED)
    if placed:
        messages.success(
            request, ngettext("{n} order has a place now.", "{n} orders have a place now.", placed).format(n=placed)
        )
    else:
        messages.info(
            request, translate("None of them can be shipped by any location yet. The receipt of each says why.")
        )
    return redirect("routing")


class RuleSetList(ListPage):
    """Every version that was ever live."""

    name = "routing-versions"
    title = _("Versions of the routing rules")
    permission = "routing.view"
    model = RuleSet
    table_class = RuleSetTable
    filter_class = RuleSetFilter
    sorts = {"version": Sort("version", desc=True)}
    default_sort = "version"
    empty = Empty(
        _("No versions yet"),
        _("The rules of a new installation are live until the first version is published."),
        _("Edit the rules"),
        "routing-edit",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[RuleSet]:
        return RuleSet.objects.defer("rules")


version_list = list_view(RuleSetList)


@require_safe
@require("routing.view")
def version_page(request: StaffRequest, version: int) -> HttpResponse:
    """One version: its rules, what it changed, how it differs from the live one."""
    return _version(request, _found(version))


def _found(version: int) -> RuleSet:
    found = rule_set_of(version)
    if found is None:
        raise Http404
    return found


def _version(request: StaffRequest, found: RuleSet, *, status: int = 200, **more: Any) -> HttpResponse:
    live = live_rule_set()
    before = rule_set_of(found.version - 1) if found.version else None
    context = {
        "found": found,
        "live": live,
        "lists": in_words(found.rules),
        "before": before,
        "changes": changes_between(before.rules, found.rules) if before else [],
        "to_live": changes_between(live.rules, found.rules),
        "may_edit": request.user.can("routing.edit"),
        **more,
    }
    return render(request, "routing/version.html", context, status=status)


@require_POST
@require("routing.edit")
def restore(request: StaffRequest, version: int) -> HttpResponse:
    """Publish the rules of an old version as a new one."""
    found = _found(version)
    based_on = request.POST.get("based_on", "")
    try:
        if not (based_on.isascii() and based_on.isdigit() and len(based_on) < 10):
            raise Invalid("bad_version", translate("The page did not say which version was live."), field="based_on")
        stored = publish_rules(
            rules=found.rules,
            note=request.POST.get("note", ""),
            based_on=int(based_on),
            restores=found.version,
            actor=Actor.user(request.user),
            now=timezone.now(),
        )
    except Refusal as refusal:
        return _version(request, found, status=refusal.status, refusal=refusal, note=request.POST.get("note", ""))
    messages.success(
        request,
        translate("Version {version} is live, with the rules of version {old}.").format(
            version=stored.version, old=version
        ),
    )
    return redirect("routing")
