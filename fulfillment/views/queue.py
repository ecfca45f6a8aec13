"""The work queue."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.search import search
from fulfillment import queries
from fulfillment.filters import QueueFilter
from fulfillment.forms import PAPERS, PrintForm
from fulfillment.models import FulfillmentOrder
from fulfillment.operations.picking import start_picking_many
from fulfillment.operations.printing import start_pick_list_job, start_print_job
from fulfillment.operations.shipping import ship_many
from fulfillment.shipping_job import start_shipping
from fulfillment.states import FulfillmentState
from fulfillment.tables import QueueTable
from fulfillment.views.together import count_together
from inventory.models import Location

S = FulfillmentState
#: The most work orders one act takes; more parcels than AT_ONCE are shipped by a job.
MOST = 10_000
AT_ONCE = 20
_NUMBER = re.compile(r"\s*(f\d+-\d+)\s*", re.IGNORECASE)


def _ids(targets: QuerySet[FulfillmentOrder]) -> list[int]:
    return list(targets.values_list("pk", flat=True))


def print_papers(targets: QuerySet[FulfillmentOrder], *, what: str, actor: Actor, now: datetime) -> BulkOutcome:
    """Print as a job; missing labels are bought."""
    return BulkOutcome(
        job=start_print_job(fulfillment_order_ids=_ids(targets), kinds=PAPERS[what][1], actor=actor, now=now)
    )


def print_pick_list(targets: QuerySet[FulfillmentOrder], *, actor: Actor, now: datetime) -> BulkOutcome:
    """One walk through the bins for all of them."""
    return BulkOutcome(job=start_pick_list_job(fulfillment_order_ids=_ids(targets), actor=actor, now=now))


def start_picking(targets: QuerySet[FulfillmentOrder], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Take them all."""
    return start_picking_many(fulfillment_order_ids=_ids(targets), actor=actor, now=now)


def pack_and_ship(targets: QuerySet[FulfillmentOrder], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Pack and ship; many of them as a job."""
    ids = _ids(targets)
    if len(ids) > AT_ONCE:
        return BulkOutcome(job=start_shipping(fulfillment_order_ids=ids, actor=actor, now=now))
    return ship_many(fulfillment_order_ids=ids, actor=actor, now=now)


def shipped_today(queryset: QuerySet[FulfillmentOrder]) -> QuerySet[FulfillmentOrder]:
    """What left since midnight in the reader's zone."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return queryset.filter(state__in=[S.SHIPPED, S.DELIVERED], shipped_at__gte=midnight)


def late_now(queryset: QuerySet[FulfillmentOrder]) -> QuerySet[FulfillmentOrder]:
    """What should have left."""
    return queryset.filter(queries.late(timezone.now()))


class WorkQueue(ListPage):
    """What each location has to send, in which state, and what is urgent."""

    name = "fulfillment"
    title = _("Fulfillment")
    permission = "fulfillment.view"
    model = FulfillmentOrder
    table_class = QueueTable
    filter_class = QueueFilter
    sorts = {
        "due": Sort("ship_by"),
        "created": Sort("created_at", desc=True),
        "bin": Sort("location_id", "first_bin"),
        "units": Sort("units", desc=True),
    }
    default_sort = "due"
    search_placeholder = _("Number, order, name, SKU")
    template_name = "fulfillment/queue.html"
    tabs = [
        Tab("to-pick", _("To pick"), Q(state=S.OPEN)),
        Tab("picking", _("Picking"), Q(state=S.PICKING)),
        Tab("picked", _("Picked"), Q(state=S.PICKED)),
        Tab("packed", _("Packed"), Q(state=S.PACKED)),
        Tab("late", _("Late"), late_now),
        Tab("on-hold", _("On hold"), Q(state=S.ON_HOLD)),
        Tab("scheduled", _("Scheduled"), Q(state=S.SCHEDULED)),
        Tab("shipped-today", _("Shipped today"), shipped_today),
        Tab("all", _("All")),
    ]
    bulk_actions = [
        BulkAction("print", _("Print labels and slips"), "fulfillment.print", run=print_papers, form_class=PrintForm, icon="printer", limit=MOST),
        BulkAction("start_picking", _("Start picking"), "fulfillment.pick", run=start_picking),
        BulkAction("pick_list", _("Pick list"), "fulfillment.pick", run=print_pick_list, icon="printer"),
        BulkAction(
            "ship", _("Pack and ship"), "fulfillment.ship", run=pack_and_ship, icon="truck", limit=MOST,
            confirm=_("Every unit counts as packed, missing labels are bought, stock leaves, and the customers are told."),
        ),
    ]  # fmt: skip
    page_actions = [PageAction(_("Pack station"), "pack-station", "fulfillment.pack", primary=True, icon="scan")]
    empty = Empty(
        _("Nothing to send"),
        _("Work appears here when orders are placed and routed to a location."),
        _("Orders"),
        "orders",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[FulfillmentOrder]:
        return queries.queue()

    def search(self, queryset: QuerySet[FulfillmentOrder], q: str) -> QuerySet[FulfillmentOrder]:
        number = _NUMBER.fullmatch(q)
        return queryset.filter(number=number[1].upper()) if number else search(queryset, q, column="order__search")

    def context(self, request: HttpRequest) -> dict[str, Any]:
        counts = queries.active_counts()
        chosen = request.GET.get("location", "")
        places = Location.objects.filter(Q(pk__in=counts) | Q(active=True, ships_online=True)).order_by("name")
        return {
            "places": [
                (place, counts.get(place.pk, 0), str(place.pk) == chosen) for place in places.only("pk", "name")[:100]
            ],
            "all_places": not chosen,
            "active_total": sum(counts.values()),
            "together": count_together(),
        }


work_queue = list_view(WorkQueue)
