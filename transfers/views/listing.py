"""The transfers list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.jobs import start_job
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.refusals import Refusal
from orders.queries import shop_zone
from transfers import queries
from transfers.filters import TransferFilter
from transfers.forms import CancelForm
from transfers.models import Transfer
from transfers.operations import cancel_transfer, make_ready
from transfers.slips_job import SLIPS_AT_ONCE, SLIPS_JOB
from transfers.states import TransferState
from transfers.tables import TransferTable

S = TransferState


def _each(targets: QuerySet[Transfer], act: Callable[[int], Any]) -> BulkOutcome:
    """One transaction for each, oldest first; those that cannot follow are listed."""
    outcome = BulkOutcome()
    for pk, number in sorted(targets.values_list("pk", "number")):
        try:
            act(pk)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
        else:
            outcome.done.append(number)
    return outcome


def ready_many(targets: QuerySet[Transfer], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Reserve each; what an origin lacks is told with its lines."""
    return _each(targets, lambda pk: make_ready(transfer_id=pk, actor=actor, now=now))


def cancel_many(targets: QuerySet[Transfer], *, reason: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Give up each that has not left."""
    return _each(targets, lambda pk: cancel_transfer(transfer_id=pk, reason=reason, actor=actor, now=now))


def print_slips(targets: QuerySet[Transfer], *, actor: Actor, now: datetime) -> BulkOutcome:
    """One PDF of all their slips, made by a job."""
    ids = sorted(targets.values_list("pk", flat=True))
    title = ngettext("Slip of {n} transfer", "Slips of {n} transfers", len(ids)).format(n=len(ids))
    params = {"ids": ids, "language": get_language() or "en"}
    return BulkOutcome(job=start_job(kind=SLIPS_JOB, title=title, params=params, actor=actor, now=now))


def _late(queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
    return queries.late(queryset, today=timezone.now().astimezone(shop_zone()).date())


class TransferList(ListPage):
    """Every transfer, by what must happen to it next."""

    name = "transfers"
    title = _("Transfers")
    permission = "transfers.view"
    model = Transfer
    table_class = TransferTable
    filter_class = TransferFilter
    sorts = {"created": Sort("created_at", desc=True)}
    default_sort = "created"
    search_placeholder = _("Number, reference, SKU, barcode, title")
    tabs = [
        Tab("open", _("Open"), queries.OPEN),
        Tab("draft", _("Drafts"), queries.OPEN & Q(state=S.DRAFT)),
        Tab("ready", _("Ready"), queries.OPEN & Q(state=S.READY)),
        Tab("in-transit", _("In transit"), queries.ON_THE_WAY),
        Tab("late", _("Late"), _late),
        Tab("received", _("Received"), Q(state=S.RECEIVED), counted=False),
        Tab("cancelled", _("Cancelled"), Q(state=S.CANCELLED), counted=False),
        Tab("all", _("All"), counted=False),
    ]
    bulk_actions = [
        BulkAction("ready", _("Make ready"), "transfers.edit", run=ready_many, icon="check", limit=200),
        BulkAction("print", _("Print slips"), "transfers.view", run=print_slips, icon="printer", limit=SLIPS_AT_ONCE),
        BulkAction("cancel", _("Cancel"), "transfers.edit", run=cancel_many, form_class=CancelForm, danger=True, limit=200),
    ]  # fmt: skip
    page_actions = [
        PageAction(_("Receive"), "transfer-scan", "transfers.edit", icon="scan"),
        PageAction(_("Suggested transfers"), "transfer-suggestions", "transfers.view", icon="chart"),
        PageAction(_("Import"), "transfer-import", "transfers.edit", icon="download"),
        PageAction(_("New transfer"), "transfer-new", "transfers.edit", primary=True, icon="plus"),
    ]
    empty = Empty(_("No transfers"), _("Move stock from one place to another."), _("New transfer"), "transfer-new")

    def queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        return queries.listed_transfers()

    def search(self, queryset: QuerySet[Transfer], q: str) -> QuerySet[Transfer]:
        return queries.find_transfers(queryset, q)


transfer_list = list_view(TransferList)
