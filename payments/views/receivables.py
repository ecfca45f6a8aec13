"""What is owed: by order, by customer, by age; and what is owed to customers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.shop import shop
from oms.orchestration.reminding import remind
from orders.models import Order
from orders.queries import shop_zone
from payments.owed.filters import OwedFilter
from payments.owed.tables import OverpaidTable, OwedTable
from payments.receivables import BUCKETS, Bucket, ageing, bucket_of, debtors, overpayments, receivables

_READ = (
    "number", "customer_name", "currency", "total", "cancelled_total", "captured_total", "refunded_total", "overpayment_refunded", "placed_at",
    "payment", "payment_due_on", "po_number", "email", "channel__name",
)  # fmt: skip


def today() -> date:
    """The day in the shop's zone."""
    return timezone.now().astimezone(shop_zone()).date()


def remind_many(targets: QuerySet[Order], *, actor: Actor, now: datetime) -> BulkOutcome:
    """A reminder by e-mail for each; those that cannot be sent are listed."""
    outcome = BulkOutcome()
    for pk, number in list(targets.order_by("pk").values_list("pk", "number")):
        try:
            remind(order_id=pk, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


def _tab(bucket: Bucket) -> Tab:
    return Tab(bucket.name, bucket.label, lambda orders: orders.filter(bucket.condition(today())))


class OwedList(ListPage):
    """Orders whose customers owe, by age."""

    name = "receivables"
    title = _("Receivables")
    permission = "payments.view"
    model = Order
    table_class = OwedTable
    filter_class = OwedFilter
    sorts = {
        "placed": Sort("placed_at", desc=True),
        "due": Sort("due"),
        "owed": Sort("owed", desc=True),
    }
    default_sort = "due"
    search_placeholder = _("Order number, e-mail, purchase-order number")
    lead_column = "number"
    export_permission = "orders.export"
    tabs = [Tab("all", _("All that is owed")), *(_tab(bucket) for bucket in BUCKETS)]
    bulk_actions = [
        BulkAction(
            "remind", _("Send a reminder"), "payments.record", run=remind_many, icon="clock",
            confirm=_("Each customer gets an e-mail with what is owed and where it can be paid, at most one a day for an order. Send them?"),
        ),
    ]  # fmt: skip
    page_actions = [
        PageAction(_("By customer"), "debtors", "payments.view", icon="users"),
        PageAction(_("Owed to customers"), "overpayments", "payments.view", icon="return"),
        PageAction(_("Money that came in"), "statements", "payments.view", icon="download"),
    ]
    empty = Empty(
        _("Nobody owes anything"), _("Orders that are not paid in full stand here, by how long they are due.")
    )
    template_name = "payments/receivables.html"

    def queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return receivables(shop().currency).select_related("channel").only(*_READ)

    def search(self, queryset: QuerySet[Order], q: str) -> QuerySet[Order]:
        return _search(queryset, q)

    def complete(self, rows: Any, chosen: Any) -> None:
        now = today()
        for order in rows:
            order.age = bucket_of(order.due, now).name

    def context(self, request: HttpRequest) -> dict[str, Any]:
        return {"ageing": ageing(own=shop().currency, today=today()), "buckets": BUCKETS}


def _search(orders: QuerySet[Order], q: str) -> QuerySet[Order]:
    text = q.strip()
    return (
        orders.filter(number__iexact=text) | orders.filter(email__iexact=text) | orders.filter(po_number__iexact=text)
    )


class OverpaidList(ListPage):
    """Orders that were paid beyond what they cost."""

    name = "overpayments"
    title = _("Owed to customers")
    permission = "payments.view"
    model = Order
    table_class = OverpaidTable
    sorts = {"placed": Sort("placed_at", desc=True), "owed": Sort("owed", desc=True)}
    default_sort = "placed"
    search_placeholder = _("Order number, e-mail, purchase-order number")
    lead_column = "number"
    export_permission = "orders.export"
    page_actions = [PageAction(_("Receivables"), "receivables", "payments.view", icon="clock")]
    empty = Empty(
        _("Nothing is owed to customers"),
        _("Orders that were paid beyond what they cost stand here until the rest goes back."),
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return overpayments(shop().currency).only(*_READ[:-1])

    def search(self, queryset: QuerySet[Order], q: str) -> QuerySet[Order]:
        return _search(queryset, q)


receivable_list = list_view(OwedList)
overpaid_list = list_view(OverpaidList)


@require_safe
@require("payments.view")
def debtor_list(request: HttpRequest) -> HttpResponse:
    """Customers who owe, the largest sum first, by age in the shop's currency."""
    own = shop().currency
    context = {"debtors": debtors(own=own, today=today()), "own": own, "buckets": BUCKETS}
    return render(request, "payments/debtors.html", context)
