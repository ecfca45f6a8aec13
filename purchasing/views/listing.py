"""The lists: purchase orders, suppliers, their prices, deliveries, what stock is worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import (
    Case,
    Count,
    DecimalField,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Round
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, PageAction, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from core.permissions import require
from core.refusals import Refusal
from core.requests import StaffRequest
from core.search import search
from core.shop import shop
from inventory.models import Variant
from purchasing.filters import CostFilter, ItemFilter, PurchaseFilter, ReceiptFilter, SupplierFilter
from purchasing.models import PurchaseOrder, Receipt, ReceiptLine, Supplier, SupplierItem, VariantCost
from purchasing.operations import approve_purchase_order, send_purchase_order
from purchasing.queries import cost_method, late
from purchasing.states import OPEN_STATES, PurchaseState
from purchasing.tables import CostTable, FloorPurchaseTable, ItemTable, PurchaseTable, ReceiptTable, SupplierTable

S = PurchaseState
OPEN = Q(state__in=sorted(OPEN_STATES))
TO_APPROVE = Q(state=S.DRAFT, automatic=True, approved_at__isnull=True)


def approve_many(targets: QuerySet[PurchaseOrder], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Approve each; those that cannot be are listed."""
    outcome = BulkOutcome()
    for pk, number in targets.values_list("pk", "number"):
        try:
            approve_purchase_order(order_id=pk, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


def send_many(targets: QuerySet[PurchaseOrder], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Mail each to its supplier; those that cannot be sent are listed."""
    outcome = BulkOutcome()
    for pk, number in targets.values_list("pk", "number"):
        try:
            send_purchase_order(order_id=pk, actor=actor, now=now)
            outcome.done.append(number)
        except Refusal as refusal:
            outcome.refuse(number, refusal)
    return outcome


def _late(orders: QuerySet[PurchaseOrder]) -> QuerySet[PurchaseOrder]:
    return late(orders, timezone.localdate())


class FloorPurchaseList(ListPage):
    """Every purchase order, by what must happen to it next; without money, for who may not see costs."""

    name = "purchase-orders"
    title = _("Purchase orders")
    permission = "purchasing.view"
    model = PurchaseOrder
    table_class: ClassVar[Any] = FloorPurchaseTable
    filter_class = PurchaseFilter
    sorts = {
        "created": Sort("created_at", desc=True),
        "number": Sort("number", desc=True),
        "units": Sort("units", desc=True),
    }
    default_sort = "created"
    search_placeholder = _("Number, supplier, supplier's reference")
    tabs = [
        Tab("open", _("Open"), ~Q(state__in=[S.RECEIVED, S.CANCELLED])),
        Tab("to-approve", _("To approve"), TO_APPROVE),
        Tab("draft", _("Drafts"), Q(state=S.DRAFT)),
        Tab("sent", _("Sent"), Q(state=S.SENT)),
        Tab("confirmed", _("Confirmed"), Q(state=S.CONFIRMED)),
        Tab("partly", _("Partly received"), Q(state=S.PARTLY_RECEIVED)),
        Tab("late", _("Late"), _late),
        Tab("received", _("Received"), Q(state=S.RECEIVED), counted=False),
        Tab("cancelled", _("Cancelled"), Q(state=S.CANCELLED), counted=False),
        Tab("all", _("All"), counted=False),
    ]
    bulk_actions = [
        BulkAction("approve", _("Approve"), "purchasing.send", run=approve_many, icon="check"),
        BulkAction(
            "send", _("Send by e-mail"), "purchasing.send", run=send_many, icon="truck",
            confirm=_("Each supplier gets its order by e-mail. Send them?"),
        ),
    ]  # fmt: skip
    page_actions = [
        PageAction(_("Receive"), "purchase-scan", "purchasing.receive", icon="scan"),
        PageAction(_("Deliveries"), "receipts", "purchasing.view", icon="box"),
        PageAction(_("New order"), "purchase-order-new", "purchasing.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("No purchase orders"),
        _("Orders to suppliers stand here: drafts that somebody or the reorder page made, what is on its way, what has come."),
        _("New order"), "purchase-order-new",
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[PurchaseOrder]:
        return PurchaseOrder.objects.select_related("supplier", "location").only(
            "number", "state", "automatic", "approved_at", "supplier__name", "location__name", "expected_on", "units", "received",
            "outstanding", "supplier_reference", "created_at", "sent_at", "total", "currency",
        )  # fmt: skip

    def search(self, queryset: QuerySet[PurchaseOrder], q: str) -> QuerySet[PurchaseOrder]:
        text = q.strip()
        suppliers = search(Supplier.objects.order_by(), text).values("pk")
        return queryset.filter(
            Q(number__istartswith=text) | Q(supplier_reference__istartswith=text) | Q(supplier__in=suppliers)
        )


class PurchaseList(FloorPurchaseList):
    """Every purchase order, with what it costs."""

    table_class = PurchaseTable
    sorts = {**FloorPurchaseList.sorts, "total": Sort("total", desc=True)}


_with_money, _without_money = list_view(PurchaseList), list_view(FloorPurchaseList)


@require("purchasing.view")
def purchase_list(request: StaffRequest) -> HttpResponseBase:
    """The purchase orders; amounts are for who may see costs."""
    return (_with_money if request.user.can("costs.view") else _without_money)(request)


class SupplierList(ListPage):
    """Everybody whom goods are bought from."""

    name = "suppliers"
    title = _("Suppliers")
    permission = "purchasing.view"
    model = Supplier
    table_class = SupplierTable
    filter_class = SupplierFilter
    sorts = {"name": Sort("name"), "lead_time": Sort("lead_time_days", "name")}
    default_sort = "name"
    search_placeholder = _("Name, code, e-mail, city")
    tabs = [
        Tab("active", _("Active"), Q(active=True)),
        Tab("off", _("Switched off"), Q(active=False)),
        Tab("all", _("All"), counted=False),
    ]
    page_actions = [
        PageAction(_("Prices"), "supplier-items", "costs.view", icon="tag"),
        PageAction(_("Import"), "supplier-import", "purchasing.edit", icon="download"),
        PageAction(_("New supplier"), "supplier-new", "purchasing.edit", primary=True, icon="plus"),
    ]
    empty = Empty(
        _("No suppliers yet"), _("Write down whom you buy from and at what prices, or import a file."), _("New supplier"), "supplier-new"
    )  # fmt: skip

    def queryset(self, request: HttpRequest) -> QuerySet[Supplier]:
        def count(rows: QuerySet[Any]) -> Coalesce:
            counted = rows.filter(supplier=OuterRef("pk")).order_by().values("supplier").annotate(n=Count("pk"))
            return Coalesce(Subquery(counted.values("n"), output_field=IntegerField()), 0)

        return Supplier.objects.defer("search", "search_text", "address", "note").annotate(
            item_count=count(SupplierItem.objects.all()), open_count=count(PurchaseOrder.objects.filter(OPEN))
        )

    def search(self, queryset: QuerySet[Supplier], q: str) -> QuerySet[Supplier]:
        return search(queryset, q)


class ItemList(ListPage):
    """What suppliers sell, and at what price."""

    name = "supplier-items"
    title = _("Suppliers' prices")
    permission = "costs.view"
    model = SupplierItem
    table_class = ItemTable
    filter_class = ItemFilter
    lead_column = "sku"
    sorts = {"sku": Sort("variant__sku"), "supplier": Sort("supplier__name", "variant__sku")}
    default_sort = "supplier"
    search_placeholder = _("SKU, title, barcode, supplier's SKU")
    page_actions = [PageAction(_("Import"), "supplier-import", "purchasing.edit", icon="download")]
    empty = Empty(
        _("No prices yet"),
        _("Say on a supplier's page what it sells, or import a file."),
        _("Import"),
        "supplier-import",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[SupplierItem]:
        return SupplierItem.objects.select_related("supplier", "variant").only(
            "supplier__name", "supplier__code", "supplier__currency", "variant__sku", "variant__title", "sku", "pack_size",
            "minimum_quantity", "price", "preferred", "lead_time_days",
        )  # fmt: skip

    def search(self, queryset: QuerySet[SupplierItem], q: str) -> QuerySet[SupplierItem]:
        variants = search(Variant.objects.order_by(), q).values("pk")
        return queryset.filter(Q(variant__in=variants) | Q(sku__istartswith=q.strip()))


class ReceiptList(ListPage):
    """Every delivery that was booked."""

    name = "receipts"
    title = _("Deliveries")
    permission = "purchasing.view"
    model = Receipt
    table_class = ReceiptTable
    filter_class = ReceiptFilter
    lead_column = "order"
    sorts = {"at": Sort("at", desc=True)}
    default_sort = "at"
    search_placeholder = _("Order, delivery note, SKU")
    page_actions = [PageAction(_("Receive"), "purchase-scan", "purchasing.receive", primary=True, icon="scan")]
    empty = Empty(
        _("Nothing has been delivered yet"),
        _("What arrives on purchase orders is listed here."),
        _("Purchase orders"),
        "purchase-orders",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Receipt]:
        def total(name: str) -> Subquery:
            lines = ReceiptLine.objects.filter(receipt=OuterRef("pk")).order_by().values("receipt")
            return Subquery(lines.annotate(n=Sum(name)).values("n"), output_field=IntegerField())

        return Receipt.objects.select_related("order__supplier", "order__location").annotate(
            units=total("quantity"), damaged=total("damaged"), over=total("over")
        ).only("at", "reference", "reason", "actor_label", "order__number", "order__supplier__name", "order__location__name")  # fmt: skip

    def search(self, queryset: QuerySet[Receipt], q: str) -> QuerySet[Receipt]:
        text = q.strip()
        lines = ReceiptLine.objects.filter(line__variant__sku__iexact=text).values("receipt")
        return queryset.filter(Q(order__number__istartswith=text) | Q(reference__istartswith=text) | Q(pk__in=lines))


class CostList(ListPage):
    """What each SKU in stock is worth, by the shop's method."""

    name = "stock-costs"
    title = _("Stock value")
    permission = "costs.view"
    model = VariantCost
    table_class = CostTable
    filter_class = CostFilter
    sorts = {
        "value": Sort("value", "pk", desc=True),
        "sku": Sort("variant__sku", "pk"),
        "units": Sort("units", "pk", desc=True),
    }
    default_sort = "value"
    search_placeholder = _("SKU, title, barcode")
    tabs = [
        Tab("in-stock", _("In stock"), Q(units__gt=0)),
        Tab("unknown", _("Cost unknown"), Q(unknown_units__gt=0)),
        Tab("all", _("All"), counted=False),
    ]
    page_actions = [PageAction(_("Cost of goods sold"), "costs", "costs.view", icon="chart")]
    empty = Empty(
        _("Nothing in stock has a cost yet"),
        _("Costs follow the ledger: what is received, counted or imported appears here."),
    )

    def queryset(self, request: HttpRequest) -> QuerySet[VariantCost]:
        worth = F(f"{cost_method()}_value")
        one = Case(
            When(units__gt=0, then=Round(worth / Cast("units", DecimalField(max_digits=18, decimal_places=4)), 4)),
            output_field=DecimalField(max_digits=18, decimal_places=4),
        )
        return VariantCost.objects.select_related("variant").annotate(
            value=worth, unit_cost=one, own_currency=Value(shop().currency)
        ).only("units", "in_transit", "unknown_units", "fifo_value", "average_value", "variant__sku", "variant__title")  # fmt: skip

    def search(self, queryset: QuerySet[VariantCost], q: str) -> QuerySet[VariantCost]:
        return queryset.filter(variant__in=search(Variant.objects.order_by(), q).values("pk"))


supplier_list = list_view(SupplierList)
item_list = list_view(ItemList)
receipt_list = list_view(ReceiptList)
cost_list = list_view(CostList)
