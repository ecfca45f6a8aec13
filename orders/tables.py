"""The columns of the orders list."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c
from orders.states import Delivery


class DeliveryColumn(c.BadgeColumn):
    """Empty before the first parcel: the fulfillment badge says it already."""

    def cell(self, record: Any) -> str:
        return "" if self.value_of(record) == Delivery.NOT_SHIPPED else super().cell(record)


class OrderTable(tables.Table):
    """An order a row. `units` and `ship_city` are annotations of the list's queryset."""

    number = c.LinkColumn("order", verbose_name=_("Order"))
    placed = c.TimeColumn(accessor="placed_at", verbose_name=_("Placed"))
    customer = c.TextColumn(accessor="customer_name", verbose_name=_("Customer"))
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"), soft=True)
    payment = c.BadgeColumn("order.payment", verbose_name=_("Payment"))
    fulfillment = c.BadgeColumn("order.fulfillment", verbose_name=_("Fulfillment"))
    delivery = DeliveryColumn("order.delivery", verbose_name=_("Delivery"))
    items = c.NumberColumn(accessor="units", verbose_name=_("Items"))
    total = c.MoneyColumn(verbose_name=_("Total"))
    ship_to = c.TextColumn(accessor="ship_country", verbose_name=_("Ship to"), soft=True)
    tags = c.TagsColumn(verbose_name=_("Tags"))
    email = c.TextColumn(verbose_name=_("E-mail"), visible=False)
    lifecycle = c.BadgeColumn("order.lifecycle", verbose_name=_("State"), visible=False)
    returning = c.BadgeColumn("order.returning", verbose_name=_("Return"), visible=False)
    ship_by = c.TimeColumn(verbose_name=_("Ship by"), visible=False)
    expected = c.DateColumn(accessor="expected_on", verbose_name=_("Expected"), visible=False)
    method = c.TextColumn(accessor="shipping_method", verbose_name=_("Shipping method"), visible=False)
    external_id = c.TextColumn(verbose_name=_("Channel's id"), visible=False)

    def render_ship_to(self, record: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_ship_to(record))

    def value_ship_to(self, record: Any) -> str:
        return ", ".join(filter(None, (record.ship_city, record.ship_country)))


class HoldTable(tables.Table):
    """An open hold a row; `skus` is an annotation of the list's queryset: the lines it stops, where it does not stop all."""

    order = c.LinkColumn("order", arg="order_id", accessor="order.number", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    kind = c.BadgeColumn("order.hold", accessor="kind", verbose_name=_("Hold"))
    reason = c.TextColumn(verbose_name=_("Reason"))
    lines = c.TagsColumn(accessor="skus", verbose_name=_("Only these lines"))
    owner = c.TextColumn(accessor="owner_name", verbose_name=_("Who sees to it"))
    since = c.TimeColumn(accessor="at", verbose_name=_("Since"))
    until = c.TimeColumn(verbose_name=_("Until"))
    total = c.MoneyColumn(
        accessor="order.total", currency=lambda record: record.order.currency, verbose_name=_("Total")
    )
    payment = c.BadgeColumn("order.payment", accessor="order.payment", verbose_name=_("Payment"), visible=False)
    fulfillment = c.BadgeColumn(
        "order.fulfillment", accessor="order.fulfillment", verbose_name=_("Fulfillment"), visible=False
    )


class MentionTable(tables.Table):
    """A note that names the person, a row."""

    order = c.LinkColumn("order", arg="note.order_id", accessor="note.order.number", verbose_name=_("Order"))
    text = c.TextColumn(accessor="note.text", verbose_name=_("Note"))
    author = c.TextColumn(accessor="note.author_label", verbose_name=_("Written by"))
    at = c.TimeColumn(accessor="note.at", verbose_name=_("When"))
