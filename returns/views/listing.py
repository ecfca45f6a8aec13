"""The returns list."""

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
from orders.models import Order
from returns.filters import ReturnFilter
from returns.forms.deciding import BulkApproveForm, BulkDeclineForm
from returns.models import Return
from returns.operations import approve_return, decline_return
from returns.states import CLOSED_STATES, ReturnState
from returns.tables import ReturnTable

R = ReturnState
#: In the words of the partial index `return_open`.
OPEN = ~Q(state__in=["resolved", "declined", "cancelled"])


def approve_many(targets: QuerySet[Return], *, answer: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Approve each; those that cannot be are listed."""
    outcome = BulkOutcome()
    for pk, number in targets.values_list("pk", "number"):
        try:
            approve_return(return_id=pk, answer=answer, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


def decline_many(targets: QuerySet[Return], *, answer: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Decline each with the same words; those that cannot be are listed."""
    outcome = BulkOutcome()
    for pk, number in targets.values_list("pk", "number"):
        try:
            decline_return(return_id=pk, answer=answer, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


class ReturnList(ListPage):
    """Every return, by what must happen to it next."""

    name = "returns"
    title = _("Returns")
    permission = "returns.view"
    model = Return
    table_class = ReturnTable
    filter_class = ReturnFilter
    sorts = {"requested": Sort("requested_at", desc=True)}
    default_sort = "requested"
    search_placeholder = _("RMA number, order, name, e-mail, tracking number")
    tabs = [
        Tab("open", _("Open"), OPEN),
        Tab("requested", _("To decide"), OPEN & Q(state=R.REQUESTED)),
        Tab("coming", _("On the way"), OPEN & Q(state__in=[R.APPROVED, R.IN_TRANSIT])),
        Tab("inspect", _("To inspect"), OPEN & Q(state=R.RECEIVED)),
        Tab("refund", _("To refund"), OPEN & Q(state=R.INSPECTED)),
        Tab("settled", _("Resolved"), Q(state__in=sorted(CLOSED_STATES)), counted=False),
        Tab("all", _("All"), counted=False),
    ]
    bulk_actions = [
        BulkAction(
            "approve", _("Approve"), "returns.approve", run=approve_many, form_class=BulkApproveForm, icon="check"
        ),
        BulkAction(
            "decline", _("Decline"), "returns.approve", run=decline_many, form_class=BulkDeclineForm, danger=True
        ),
    ]
    page_actions = [PageAction(_("Receive a parcel"), "return-scan", "returns.receive", primary=True, icon="scan")]
    empty = Empty(_("No returns"), _("When a customer wants to send something back, it appears here."))

    def queryset(self, request: HttpRequest) -> QuerySet[Return]:
        return Return.objects.select_related("order", "location", "refund").defer(
            "order__search", "order__search_text", "order__shipping_address", "order__billing_address"
        )

    def search(self, queryset: QuerySet[Return], q: str) -> QuerySet[Return]:
        """By the return's own number and label, or by anything an order is found by."""
        own = Q(number__startswith=q.strip().upper()) | Q(shipment__packages__tracking_number=q.strip().upper())
        return queryset.filter(own | Q(order__in=search(Order.objects.all(), q).values("pk")))


return_list = list_view(ReturnList)
