"""Who has units of a lot: for a recall."""

from __future__ import annotations

import django_filters as filters
import django_tables2 as tables
from django.contrib.postgres.aggregates import StringAgg
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.listing import Empty, ListPage, Sort, Tab, list_view
from core.listing import columns as c
from fulfillment.models import LineLot, Package
from inventory.unit_tables import is_variant


class LotParcelTable(tables.Table):
    """Units of a lot in a parcel a row: who has them."""

    order = c.LinkColumn(
        "order", arg="line.order_line.order_id", accessor="line.order_line.order.number", verbose_name=_("Order")
    )
    customer = c.TextColumn(accessor="line.order_line.order.customer_name", verbose_name=_("Customer"))
    email = c.TextColumn(accessor="line.order_line.order.email", verbose_name=_("E-mail"))
    phone = c.TextColumn(accessor="line.order_line.order.phone", verbose_name=_("Phone"))
    country = c.TextColumn(accessor="line.order_line.order.ship_country", verbose_name=_("Country"))
    sku = c.TextColumn(accessor="lot.variant.sku", verbose_name=_("SKU"))
    lot = c.LinkColumn("lot", arg="lot_id", accessor="lot.code", verbose_name=_("Lot"))
    expires = c.DateColumn(accessor="lot.expires_on", verbose_name=_("Expires on"), visible=False)
    units = c.NumberColumn(accessor="quantity", verbose_name=_("Units"))
    location = c.TextColumn(accessor="line.fulfillment_order.location.name", verbose_name=_("From"), soft=True)
    shipped = c.TimeColumn(accessor="line.fulfillment_order.shipped_at", verbose_name=_("Shipped"))
    work = c.LinkColumn(
        "fulfillment-order", arg="line.fulfillment_order_id", accessor="line.fulfillment_order.number", verbose_name=_("Work order")
    )  # fmt: skip
    tracking = c.TextColumn(accessor="tracking_numbers", verbose_name=_("Tracking number"), visible=False)


class LotParcelFilter(filters.FilterSet):
    """Which lot, which SKU."""

    lot = filters.CharFilter(label=_("Lot, exactly"), max_length=40, field_name="lot__code")
    sku = filters.CharFilter(label=_("SKU or barcode, exactly"), max_length=64, method="filter_sku")

    class Meta:
        model = LineLot
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(is_variant(value, "lot__variant__"))


class LotParcelList(ListPage):
    """Who has units of a lot: for a recall, to be filtered by lot and taken along as a file."""

    name = "lot-parcels"
    title = _("Parcels by lot")
    permission = "customers.view"
    export_permission = "orders.export"
    model = LineLot
    table_class = LotParcelTable
    filter_class = LotParcelFilter
    sorts = {"work": Sort("line__fulfillment_order_id", desc=True)}
    default_sort = "work"
    search_placeholder = _("Lot, order number, e-mail")
    tabs = [
        Tab("shipped", _("Shipped"), Q(line__shipped__gt=0)),
        Tab("here", _("In the building"), Q(line__shipped=0)),
        Tab("all", _("All")),
    ]
    empty = Empty(
        _("No parcel has units of a lot"),
        _("As soon as units of a lot are picked, it stands here for which order."),
        _("Lots"),
        "lots",
    )

    def queryset(self, request: HttpRequest) -> QuerySet[LineLot]:
        numbers = (
            Package.objects.filter(
                shipment__fulfillment_order=OuterRef("line__fulfillment_order"), shipment__direction="outbound"
            )
            .exclude(shipment__state="voided")
            .order_by()
            .values("shipment__fulfillment_order")
            .annotate(all=StringAgg("tracking_number", Value(", ")))
        )
        return LineLot.objects.select_related(
            "lot__variant", "line__order_line__order", "line__fulfillment_order__location"
        ).annotate(tracking_numbers=Subquery(numbers.values("all")))

    def search(self, queryset: QuerySet[LineLot], q: str) -> QuerySet[LineLot]:
        order = "line__order_line__order__"
        wanted = Q(lot__code__istartswith=q) | Q(**{f"{order}number__istartswith": q})
        return queryset.filter(wanted | Q(**{f"{order}email__istartswith": q}))


lot_parcels = list_view(LotParcelList)
