"""The columns of purchasing's lists."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c


class FloorPurchaseTable(tables.Table):
    """A purchase order a row, without money."""

    number = c.LinkColumn("purchase-order", verbose_name=_("Number"))
    state = c.BadgeColumn("purchase", verbose_name=_("State"))
    approval = c.BadgeColumn("purchase.approval", accessor="approval", verbose_name=_("Approval"))
    supplier = c.TextColumn(accessor="supplier.name", verbose_name=_("Supplier"))
    location = c.TextColumn(accessor="location.name", verbose_name=_("Deliver to"), soft=True)
    expected = c.DateColumn(accessor="expected_on", verbose_name=_("Expected"))
    units = c.NumberColumn(verbose_name=_("Units"))
    received = c.NumberColumn(verbose_name=_("Received"))
    outstanding = c.NumberColumn(verbose_name=_("Outstanding"), visible=False)
    reference = c.TextColumn(accessor="supplier_reference", verbose_name=_("Supplier's reference"), visible=False)
    created = c.TimeColumn(accessor="created_at", verbose_name=_("Created"), visible=False)
    sent = c.TimeColumn(accessor="sent_at", verbose_name=_("Sent"), visible=False)


class PurchaseTable(FloorPurchaseTable):
    """A purchase order a row."""

    total = c.MoneyColumn(verbose_name=_("Total"))

    class Meta:
        sequence = (
            "number",
            "state",
            "approval",
            "supplier",
            "location",
            "expected",
            "units",
            "received",
            "total",
            "...",
        )


class SupplierTable(tables.Table):
    """A supplier a row."""

    name = c.LinkColumn("supplier", verbose_name=_("Name"))
    code = c.TextColumn(verbose_name=_("Code"))
    email = c.TextColumn(verbose_name=_("E-mail"), soft=True)
    currency = c.TextColumn(verbose_name=_("Currency"))
    lead_time = c.NumberColumn(accessor="lead_time_days", verbose_name=_("Lead time (days)"))
    skus = c.NumberColumn(accessor="item_count", verbose_name=_("SKUs"))
    open_orders = c.NumberColumn(accessor="open_count", verbose_name=_("Open orders"))
    terms = c.TextColumn(accessor="payment_terms", verbose_name=_("Payment terms"), visible=False)
    language = c.TextColumn(verbose_name=_("Language"), visible=False)


class ItemTable(tables.Table):
    """One of a supplier's prices a row; the file of it can be changed and imported again."""

    supplier = c.LinkColumn("supplier", accessor="supplier.name", arg="supplier_id", verbose_name=_("Supplier"))
    code = c.TextColumn(accessor="supplier.code", verbose_name=_("Supplier code"))
    sku = c.TextColumn(accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"), soft=True)
    supplier_sku = c.TextColumn(accessor="sku", verbose_name=_("Supplier SKU"))
    pack = c.NumberColumn(accessor="pack_size", verbose_name=_("Pack size"))
    minimum = c.NumberColumn(accessor="minimum_quantity", verbose_name=_("Minimum quantity"))
    price = c.MoneyColumn(currency="supplier.currency", verbose_name=_("Price"))
    preferred = c.BooleanColumn(verbose_name=_("Preferred"))
    lead_time = c.NumberColumn(accessor="lead_time_days", verbose_name=_("Lead time (days)"))


class ReceiptTable(tables.Table):
    """A delivery a row."""

    order = c.LinkColumn("purchase-order", accessor="order.number", arg="order_id", verbose_name=_("Order"))
    at = c.TimeColumn(verbose_name=_("Booked"))
    supplier = c.TextColumn(accessor="order.supplier.name", verbose_name=_("Supplier"))
    location = c.TextColumn(accessor="order.location.name", verbose_name=_("Delivered to"), soft=True)
    units = c.NumberColumn(accessor="units", verbose_name=_("Units"))
    damaged = c.NumberColumn(accessor="damaged", verbose_name=_("Damaged"))
    over = c.NumberColumn(accessor="over", verbose_name=_("More than expected"))
    reference = c.TextColumn(verbose_name=_("Delivery note"))
    reason = c.TextColumn(verbose_name=_("Why more than expected"), visible=False)
    who = c.TextColumn(accessor="actor_label", verbose_name=_("Booked by"), soft=True)


class CostTable(tables.Table):
    """What a SKU in stock is worth."""

    sku = c.LinkColumn("variant-cost", accessor="variant.sku", arg="variant_id", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"), soft=True)
    units = c.NumberColumn(verbose_name=_("Units"))
    in_transit = c.NumberColumn(verbose_name=_("In transit"), visible=False)
    unknown = c.NumberColumn(accessor="unknown_units", verbose_name=_("Cost unknown"))
    unit_cost = c.MoneyColumn(currency="own_currency", verbose_name=_("Unit cost"))
    value = c.MoneyColumn(currency="own_currency", verbose_name=_("Value"))
    fifo = c.MoneyColumn(accessor="fifo_value", currency="own_currency", verbose_name=_("Value by FIFO"), visible=False)
    average = c.MoneyColumn(
        accessor="average_value", currency="own_currency", verbose_name=_("Value by average"), visible=False
    )
