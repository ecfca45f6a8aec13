"""What every channel is shown of every SKU, and the rules behind it: the two lists."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from availability.filters import AvailabilityFilter, RuleFilter
from availability.models import AvailabilityRule, ChannelAvailability, Scope
from availability.operations.rules import delete_rule, save_rule
from availability.queries import find_shown, listed
from availability.tables import AvailabilityTable, RuleTable
from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.refusals import Refusal

_AT_ONCE = 200


class AvailabilityList(ListPage):
    """Every SKU on every channel."""

    name = "availability"
    title = _("Availability")
    permission = "availability.view"
    export_permission = "inventory.export"
    model = ChannelAvailability
    table_class = AvailabilityTable
    filter_class = AvailabilityFilter
    sorts = {"sku": Sort("variant__sku"), "shown": Sort("shown", desc=True)}
    default_sort = "sku"
    search_placeholder = _("SKU, title or barcode")
    same_for_everybody = True
    tabs = (
        Tab("all", _("All")),
        Tab("withheld", _("Not shown although available"), Q(shown=0, available__gt=0)),
        Tab("oversell", _("With open budget"), Q(extra__gt=0)),
    )
    page_actions = (
        PageAction(_("Channels"), "availability-channels", "availability.view", icon="globe"),
        PageAction(_("Pools"), "availability-pools", "availability.view", icon="store"),
        PageAction(_("Rules"), "availability-rules", "availability.view", primary=True, icon="gear"),
    )
    empty = Empty(
        _("Nothing is worked out yet"),
        _("Within a minute after the first stock arrived, it is here what each channel is shown of it."),
        _("Channels"),
        "availability-channels",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[ChannelAvailability]:
        return listed()

    def search(self, queryset: QuerySet[ChannelAvailability], q: str) -> QuerySet[ChannelAvailability]:
        return find_shown(queryset, q)


def _switch(targets: QuerySet[AvailabilityRule], active: bool, *, actor: Actor, now: datetime) -> BulkOutcome:
    outcome = BulkOutcome()
    for pk in list(targets.order_by("pk").values_list("pk", flat=True)):
        try:
            save_rule(rule_id=pk, values={"active": active}, actor=actor, now=now)
            outcome.done.append(pk)
        except Refusal as refusal:
            outcome.refuse(pk, refusal.message)
    return outcome


def switch_on(targets: QuerySet[AvailabilityRule], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Let rules speak."""
    return _switch(targets, True, actor=actor, now=now)


def switch_off(targets: QuerySet[AvailabilityRule], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Keep rules without following them."""
    return _switch(targets, False, actor=actor, now=now)


def delete_many(targets: QuerySet[AvailabilityRule], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take rules away."""
    outcome = BulkOutcome()
    for pk in list(targets.order_by("pk").values_list("pk", flat=True)):
        try:
            delete_rule(rule_id=pk, actor=actor, now=now)
            outcome.done.append(pk)
        except Refusal as refusal:
            outcome.refuse(pk, refusal.message)
    return outcome


class RuleList(ListPage):
    """Every rule."""

    name = "availability-rules"
    title = _("Availability rules")
    permission = "availability.view"
    export_permission = "inventory.export"
    model = AvailabilityRule
    table_class = RuleTable
    filter_class = RuleFilter
    sorts = {"changed": Sort("updated_at", desc=True), "channel": Sort("channel__name")}
    default_sort = "changed"
    search_placeholder = _("SKU, type, tag or note")
    lead_column = "about"
    tabs = (
        Tab("all", _("All")),
        Tab("wide", _("Of many SKUs"), ~Q(scope=Scope.SKU)),
        Tab("sku", _("Of one SKU"), Q(scope=Scope.SKU)),
        Tab("budget", _("Open budgets"), Q(budget__gt=0, budget_over=False)),
    )
    bulk_actions = (
        BulkAction("switch_on", _("Switch on"), "availability.edit", run=switch_on, limit=_AT_ONCE),
        BulkAction("switch_off", _("Switch off"), "availability.edit", run=switch_off, limit=_AT_ONCE),
        BulkAction(
            "delete", _("Delete"), "availability.edit", run=delete_many, limit=_AT_ONCE, danger=True,
            confirm=_("The chosen rules are deleted; their SKUs follow the next wider rule."),
        ),
    )  # fmt: skip
    page_actions = (
        PageAction(_("File for import"), "availability-rules-file", "availability.view", icon="download"),
        PageAction(_("Import"), "availability-rules-import", "availability.edit", icon="download"),
        PageAction(_("New rule"), "availability-rule-new", "availability.edit", primary=True, icon="plus"),
    )
    empty = Empty(
        _("No rules yet"),
        _("Without one a channel is shown what the locations that serve it can promise."),
        _("New rule"),
        "availability-rule-new",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[AvailabilityRule]:
        return AvailabilityRule.objects.select_related("channel", "pool", "variant").defer(
            "variant__search", "variant__search_text"
        )

    def search(self, queryset: QuerySet[AvailabilityRule], q: str) -> QuerySet[AvailabilityRule]:
        return queryset.filter(Q(target__icontains=q) | Q(note__icontains=q) | Q(variant__sku__istartswith=q.strip()))


availability_list = list_view(AvailabilityList)
rule_list = list_view(RuleList)
