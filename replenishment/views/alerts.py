"""What is low: the list with its acts, and one alert."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from core.actors import Actor
from core.forms import add_refusal
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for
from inventory.models import ReorderPolicy
from replenishment.filters import AlertFilter
from replenishment.forms import SnoozeForm
from replenishment.models import Alert
from replenishment.operations.ordering import MOST
from replenishment.operations.snoozing import snooze_alerts, wake_alerts
from replenishment.queries import find_by_variant, listed_alerts, stock_now
from replenishment.states import ALERT_MACHINE, AlertState
from replenishment.tables import AlertTable

HISTORY_SHOWN = 20


def _keys(targets: QuerySet[Alert]) -> list[int]:
    return list(targets.order_by().values_list("pk", flat=True))


def snooze_many(
    targets: QuerySet[Alert], *, until: datetime | None, units_lower: int | None, actor: Actor, now: datetime
) -> BulkOutcome:
    """Let them be quiet for a while."""
    return snooze_alerts(alert_ids=_keys(targets), until=until, units_lower=units_lower, actor=actor, now=now)


def wake_many(targets: QuerySet[Alert], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take snoozes back."""
    return wake_alerts(alert_ids=_keys(targets), actor=actor, now=now)


def reorder_many(targets: QuerySet[Alert], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Lead on to the page where units are bought or moved."""
    subjects = set(targets.order_by().values_list("variant_id", "location_id"))
    found = ReorderPolicy.objects.filter(variant_id__in={variant for variant, _place in subjects})
    rows = found.values_list("pk", "variant_id", "location_id").order_by("pk")
    return BulkOutcome(next_url=plan_url([pk for pk, variant, place in rows if (variant, place) in subjects]))


def plan_url(policy_ids: list[int]) -> str:
    """The address where these policies are ordered for."""
    return f"{reverse('reorder-plan')}?{urlencode({'policy': policy_ids}, doseq=True)}"


class AlertList(ListPage):
    """What fell to its reorder point."""

    name = "alerts"
    title = gettext_lazy("Low stock")
    permission = "replenishment.view"
    export_permission = "inventory.export"
    model = Alert
    table_class = AlertTable
    filter_class = AlertFilter
    sorts = {"opened": Sort("opened_at", desc=True), "sku": Sort("variant__sku")}
    default_sort = "opened"
    search_placeholder = gettext_lazy("SKU, barcode, title")
    tabs = [
        Tab("open", gettext_lazy("Open"), Q(state=AlertState.OPEN)),
        Tab("snoozed", gettext_lazy("Snoozed"), Q(state=AlertState.SNOOZED)),
        Tab("resolved", gettext_lazy("Resolved"), Q(state=AlertState.RESOLVED)),
    ]
    bulk_actions = [
        BulkAction("reorder", gettext_lazy("Buy or move"), "replenishment.view", run=reorder_many, icon="download", limit=MOST),
        BulkAction("snooze", gettext_lazy("Snooze"), "alerts.snooze", run=snooze_many, form_class=SnoozeForm, icon="clock"),
        BulkAction("wake", gettext_lazy("Open again"), "alerts.snooze", run=wake_many),
    ]  # fmt: skip
    page_actions = [
        PageAction(gettext_lazy("My e-mails"), "alert-preferences", "replenishment.view", icon="clock"),
        PageAction(gettext_lazy("Settings"), "replenishment-settings", "replenishment.edit", icon="gear"),
        PageAction(gettext_lazy("Reorder points"), "policies", "replenishment.view"),
        PageAction(gettext_lazy("Reorder"), "reorder", "replenishment.view", primary=True, icon="chart"),
    ]
    empty = Empty(
        gettext_lazy("Nothing is low"),
        gettext_lazy("An alert opens the moment available units fall to a reorder point. Say where the points are."),
        gettext_lazy("Reorder points"),
        "policies",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return listed_alerts()

    def search(self, queryset: QuerySet[Alert], q: str) -> QuerySet[Alert]:
        return find_by_variant(queryset, q, path="variant_id")


alert_list = list_view(AlertList)


@require("replenishment.view")
@require_safe
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert: how much there is, what is coming, what can be done, and the crossings before it."""
    found = get_object_or_404(Alert.objects.select_related("variant", "location"), pk=pk)
    return render(request, "replenishment/alert.html", _context(request, found, SnoozeForm()))


def _context(request: HttpRequest, found: Alert, form: SnoozeForm) -> dict[str, Any]:
    subject = (found.variant_id, found.location_id)
    available, incoming = stock_now([subject])[subject]
    before = Alert.objects.filter(variant_id=found.variant_id, location_id=found.location_id).exclude(pk=found.pk)
    policy = ReorderPolicy.objects.filter(variant_id=found.variant_id, location_id=found.location_id).first()
    offers = {offer.name: offer for offer in ALERT_MACHINE.offers(found, request.user)}
    return {
        "alert": found,
        "available": available,
        "incoming": incoming,
        "policy": policy,
        "plan_url": plan_url([policy.pk]) if policy else "",
        "offer": offers,
        "form": form,
        "before": list(before.order_by("-opened_at", "-pk")[:HISTORY_SHOWN]),
        "entries": lines_for(entries_for(found.subject, f"variant:{found.variant_id}", limit=HISTORY_SHOWN)),
        "live": found.state != AlertState.RESOLVED,
    }


@require("alerts.snooze")
@require_POST
def snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Be quiet about one alert, or take that back."""
    found = get_object_or_404(Alert.objects.select_related("variant", "location"), pk=pk)
    version = request.POST.get("version", "")
    seen = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else None
    now, actor = timezone.now(), Actor.user(request.user)
    form = SnoozeForm(request.POST)
    try:
        if request.POST.get("action") == "wake":
            outcome = wake_alerts(alert_ids=[pk], version=seen, actor=actor, now=now)
        elif form.is_valid():
            outcome = snooze_alerts(alert_ids=[pk], version=seen, actor=actor, now=now, **form.cleaned_data)
        else:
            return render(request, "replenishment/alert.html", _context(request, found, form), status=422)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return render(request, "replenishment/alert.html", _context(request, found, form), status=refusal.status)
    for _label, reason in outcome.refused:
        messages.warning(request, reason)
    if outcome.done:
        messages.success(request, _("Saved."))
    return redirect("alert", pk=pk)
