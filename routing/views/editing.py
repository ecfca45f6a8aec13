"""The editor of the rules. Every button sends the whole draft and is answered with the page; publishing alone writes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.actors import Actor
from core.permissions import require
from core.refusals import Refusal, Stale
from core.requests import StaffRequest
from oms.orchestration.compare_rules import Comparison, compare_rules
from routing.forms import TRIED_ON, Draft
from routing.operations import publish_rules
from routing.queries import engine_rules, live_rule_set, rule_set_of
from routing.reading import sentences
from routing.wording import changes_between

#: Changed orders that are listed; the rest is counted.
LISTED = 50


@require_http_methods(["GET", "HEAD", "POST"])
@require("routing.edit")
def edit(request: StaffRequest) -> HttpResponse:
    """Show the editor (from the live rules, or `?from=` a version), apply a button to the draft, try it, or publish it."""
    if request.method != "POST":
        return show(request, _beginning(request))
    act = request.POST.get("act", "")
    draft = Draft.from_post(request.POST)
    if act == "publish":
        return _publish(request, draft)
    if act == "compare":
        return _compare(request, draft)
    return show(request, draft.after(act, request.POST))


def _beginning(request: StaffRequest) -> Draft:
    live = live_rule_set()
    version = request.GET.get("from", "")
    chosen = rule_set_of(int(version)) if version.isascii() and version.isdigit() and len(version) < 10 else None
    return Draft.from_rules((chosen or live).rules, based_on=live.version)


def show(request: StaffRequest, draft: Draft, *, status: int = 200, **more: Any) -> HttpResponse:
    """The editor with a draft, and how it differs from the live rules."""
    live = live_rule_set()
    context = {
        "draft": draft,
        "live": live,
        "changes": changes_between(live.rules, draft.rules),
        "tried_on": TRIED_ON,
        "count": _count(request),
        **more,
    }
    return render(request, "routing/edit.html", context, status=status)


def refuse(request: StaffRequest, draft: Draft) -> HttpResponse:
    """The editor with what is wrong in the draft."""
    return show(request, draft, status=422, problems=draft.problems or draft.publishing.errors.get("based_on", []))


def _publish(request: StaffRequest, draft: Draft) -> HttpResponse:
    if not draft.is_valid():
        return refuse(request, draft)
    given = draft.publishing.cleaned_data
    try:
        stored = publish_rules(rules=draft.rules, **given, actor=Actor.user(request.user), now=timezone.now())
    except Stale as stale:
        # They are told what happened and see their draft beside the new live rules; publishing again is then a decision.
        return show(request, draft.on(live_rule_set().version), status=stale.status, refusal=stale)
    except Refusal as refusal:
        return show(request, draft, status=refusal.status, refusal=refusal)
    messages.success(request, _("Version {version} is live.").format(version=stored.version))
    return redirect("routing")


def _compare(request: StaffRequest, draft: Draft) -> HttpResponse:
    if draft.problems:
        return refuse(request, draft)
    compared = compare_rules(draft=engine_rules(0, draft.rules), limit=_count(request), now=timezone.now())
    listed = compared.changed[:LISTED]
    rows = list(zip(listed, _told(listed, "live"), _told(listed, "draft"), strict=True))
    return show(
        request, draft, compared=compared, rows=rows, unlisted=len(compared.changed) - len(rows), sums=_sums(compared)
    )


def _told(changed: list[Any], plan: str) -> list[str]:
    skus = {variant: sku for one in changed for variant, sku in one.skus.items()}
    return sentences([getattr(one, plan).receipt for one in changed], skus)


def _sums(compared: Comparison) -> list[tuple[str, int, int]]:
    """(what, by the live rules, by the draft)."""
    return [
        (_("Parcels"), compared.live.parcels, compared.draft.parcels),
        (_("Units that wait for stock"), compared.live.waiting, compared.draft.waiting),
        (_("Orders that no location may ship"), compared.live.unroutable, compared.draft.unroutable),
    ]


def _count(request: StaffRequest) -> int:
    given = request.POST.get("count", "")
    return next((count for count in TRIED_ON if str(count) == given), TRIED_ON[-1])
