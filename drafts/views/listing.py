"""The drafts list."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.refusals import Refusal
from core.search import search
from drafts.filters import DraftFilter
from drafts.models import DraftOrder
from drafts.operations import end_draft
from drafts.states import DraftState as S
from drafts.tables import DraftTable

MOST = 200


def expire_many(targets: QuerySet[DraftOrder], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Let each expire; those that cannot are listed."""
    outcome = BulkOutcome()
    for pk, number in targets.values_list("pk", "number"):
        try:
            end_draft(draft_id=pk, action="expire", actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


class DraftList(ListPage):
    """Every draft: what is being composed, what a customer thinks about, what became an order."""

    name = "drafts"
    title = _("Drafts")
    permission = "drafts.view"
    model = DraftOrder
    table_class = DraftTable
    filter_class = DraftFilter
    sorts = {
        "created": Sort("created_at", desc=True),
        "total": Sort("total", desc=True),
        "units": Sort("units", desc=True),
    }
    default_sort = "created"
    search_placeholder = _("Number, name, e-mail, phone, SKU, purchase-order number")
    tabs = [
        Tab("open", _("Open"), Q(state=S.OPEN)),
        Tab("sent", _("Sent"), Q(state=S.SENT)),
        Tab("completed", _("Completed"), Q(state=S.COMPLETED), counted=False),
        Tab("expired", _("Expired"), Q(state=S.EXPIRED)),
        Tab("cancelled", _("Cancelled"), Q(state=S.CANCELLED), counted=False),
        Tab("all", _("All"), counted=False),
    ]
    bulk_actions = [
        BulkAction(
            "expire", _("Let them expire"), "drafts.edit", run=expire_many, icon="clock", limit=MOST,
            confirm=_("Held stock is given back, and their links accept nothing any more."),
        ),
    ]  # fmt: skip
    page_actions = [
        PageAction(_("Tax rates"), "tax-rates", "rates.edit", icon="globe"),
        PageAction(_("New draft"), "draft-new", "drafts.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("No drafts here"),
        _("An order that is being composed stands here until it is placed."),
        _("New draft"),
        "draft-new",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[DraftOrder]:
        return DraftOrder.objects.select_related("channel", "order").only(
            "number", "state", "customer_name", "scenario", "channel__name", "units", "total", "currency", "hold_until", "expires_at",
            "order__number", "created_at", "author_label", "email", "po_number", "tags",
        )  # fmt: skip

    def search(self, queryset: QuerySet[DraftOrder], q: str) -> QuerySet[DraftOrder]:
        return search(queryset, q)


draft_list = list_view(DraftList)
