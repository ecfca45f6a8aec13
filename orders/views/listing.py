"""The orders list."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.search import search
from fulfillment.models import FulfillmentOrder
from fulfillment.states import FulfillmentState
from orders.filters import OrderFilter
from orders.forms import (
    AssignForm,
    BulkNoteForm,
    BulkRefundForm,
    CancelReasonForm,
    EditForm,
    HoldForm,
    InvoiceForm,
    ReleaseForm,
    RouteForm,
    TagForm,
)
from orders.models import Order
from orders.queries import ARCHIVED, AT_RISK, BACKORDERED, ON_HOLD, RETURNS, SHIPPED, TO_ROUTE, listed_orders
from orders.states import Lifecycle
from orders.tables import OrderTable
from orders.views import bulk


def ready_to_pick(queryset: QuerySet[Order]) -> QuerySet[Order]:
    """Open orders with a work order that waits for a picker or is being picked.

    Answered by walking the open orders (index order_open) and asking fulfillment_to_pick for each: few of a million are open.
    """
    waiting = FulfillmentOrder.objects.filter(
        order=OuterRef("pk"), state__in=[FulfillmentState.OPEN, FulfillmentState.PICKING]
    )
    return queryset.filter(Exists(waiting), lifecycle=Lifecycle.OPEN)


class OrderList(ListPage):
    """Every order: what is to be done with it, and how to find it."""

    name = "orders"
    title = _("Orders")
    permission = "orders.view"
    export_permission = "orders.export"
    model = Order
    table_class = OrderTable
    filter_class = OrderFilter
    sorts = {"placed": Sort("placed_at", desc=True), "total": Sort("total", desc=True)}
    default_sort = "placed"
    same_for_everybody = True
    search_placeholder = _("Number, name, e-mail, SKU, tracking number")
    tabs = [
        Tab("all", _("All")),
        Tab("to-route", _("To route"), TO_ROUTE),
        Tab("ready", _("Ready to pick"), ready_to_pick, fixed=True),
        Tab("on-hold", _("On hold"), ON_HOLD),
        Tab("back-ordered", _("Back-ordered"), BACKORDERED),
        Tab("shipped", _("Shipped"), SHIPPED),
        Tab("returns", _("Returns"), RETURNS),
        Tab("at-risk", _("At risk"), AT_RISK),
        Tab("archived", _("Archived"), ARCHIVED),
    ]
    bulk_actions = [
        BulkAction(
            "print",
            _("Print labels and slips"),
            "fulfillment.print",
            run=bulk.print_both,
            icon="printer",
            limit=bulk.MOST,
        ),
        BulkAction(
            "print_labels",
            _("Print labels"),
            "fulfillment.print",
            run=bulk.print_labels,
            icon="printer",
            limit=bulk.MOST,
        ),
        BulkAction(
            "print_slips",
            _("Print packing slips"),
            "fulfillment.print",
            run=bulk.print_slips,
            icon="printer",
            limit=bulk.MOST,
        ),
        BulkAction("hold", _("Hold"), "orders.hold", run=bulk.hold, form_class=HoldForm, limit=bulk.MOST),
        BulkAction(
            "release", _("Release holds"), "orders.hold", run=bulk.release, form_class=ReleaseForm, limit=bulk.MOST
        ),
        BulkAction("tag", _("Tag"), "orders.tag", run=bulk.tag, form_class=TagForm, icon="tag", limit=bulk.MOST),
        BulkAction(
            "note", _("Note"), "orders.note", run=bulk.note, form_class=BulkNoteForm, icon="note", limit=bulk.MOST
        ),
        BulkAction(
            "assign", _("Assign"), "orders.assign", run=bulk.assign, form_class=AssignForm, icon="user", limit=bulk.MOST
        ),
        BulkAction(
            "edit", _("Edit"), "orders.change", run=bulk.edit, form_class=EditForm, icon="edit", limit=bulk.MOST
        ),
        BulkAction(
            "route", _("Route"), "orders.route", run=bulk.route, form_class=RouteForm, icon="route", limit=bulk.MOST
        ),
        BulkAction(
            "invoice",
            _("Issue invoices"),
            "invoices.issue",
            run=bulk.invoice,
            form_class=InvoiceForm,
            icon="note",
            limit=bulk.MOST,
        ),
        BulkAction("archive", _("Archive"), "orders.archive", run=bulk.archive, limit=bulk.MOST),
        BulkAction("unarchive", _("Take out of the archive"), "orders.archive", run=bulk.unarchive, limit=bulk.MOST),
        BulkAction(
            "refund",
            _("Refund"),
            "payments.refund",
            run=bulk.refund,
            form_class=BulkRefundForm,
            danger=True,
            limit=bulk.MOST,
            confirm=_("Money goes back the way it came, order by order. This cannot be undone."),
        ),
        BulkAction(
            "cancel",
            _("Cancel"),
            "orders.cancel",
            run=bulk.cancel,
            form_class=CancelReasonForm,
            confirm=_(
                "Everything that has not been picked is cancelled and its stock is given back. This cannot be undone."
            ),
            danger=True,
            limit=bulk.MOST,
        ),
    ]
    page_actions = [PageAction(_("New order"), "draft-new", "drafts.edit", primary=True, icon="plus")]
    empty = Empty(
        _("No orders yet"),
        _("They come in by a channel, by a file, or are written down here."),
        _("New order"),
        "draft-new",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return listed_orders()

    def search(self, queryset: QuerySet[Order], q: str) -> QuerySet[Order]:
        return search(queryset, q)


order_list = list_view(OrderList)
