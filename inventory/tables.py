"""The columns of the lists of products, stock and locations."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.listing import columns as c


class AvailableColumn(c.NumberColumn):
    """What may be promised; below zero stands out."""

    def cell(self, record: Any) -> str:
        text = super().cell(record)
        return f'<strong class="text-bad">{text}</strong>' if (self.value_of(record) or 0) < 0 else text


class ProductTable(tables.Table):
    """A product a row; the counts are annotations of the list's queryset."""

    title = c.LinkColumn("product", verbose_name=_("Product"))
    active = c.BadgeColumn("inventory.active", verbose_name=_("State"))
    vendor = c.TextColumn(verbose_name=_("Vendor"), soft=True)
    type = c.TextColumn(accessor="product_type", verbose_name=_("Type"), soft=True)
    tags = c.TagsColumn(verbose_name=_("Tags"))
    variants = c.NumberColumn(accessor="variant_count", verbose_name=_("Variants"))
    on_hand = c.NumberColumn(verbose_name=_("On hand"))
    available = AvailableColumn(verbose_name=_("Available"))
    handle = c.TextColumn(verbose_name=_("Handle"), visible=False, soft=True)
    changed = c.TimeColumn(accessor="updated_at", verbose_name=_("Changed"), visible=False)


class StockTable(tables.Table):
    """A variant at a location a row, with every bucket."""

    sku = c.LinkColumn("stock-level", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"))
    location = c.TextColumn(accessor="location.name", verbose_name=_("Location"))
    bin = c.TextColumn(verbose_name=_("Bin"), soft=True)
    on_hand = c.NumberColumn(verbose_name=_("On hand"))
    reserved = c.NumberColumn(verbose_name=_("Reserved"))
    damaged = c.NumberColumn(verbose_name=_("Damaged"))
    quality_control = c.NumberColumn(verbose_name=_("Quality control"))
    safety_stock = c.NumberColumn(verbose_name=_("Safety stock"))
    incoming = c.NumberColumn(verbose_name=_("Incoming"))
    available = AvailableColumn(verbose_name=_("Available"))
    barcode = c.TextColumn(accessor="variant.barcode", verbose_name=_("Barcode"), visible=False, soft=True)


class LocationTable(tables.Table):
    """A location a row; `taken_today` is an annotation of the list's queryset."""

    name = c.LinkColumn("location", verbose_name=_("Location"))
    code = c.TextColumn(verbose_name=_("Code"), soft=True)
    kind = c.BadgeColumn("location.kind", verbose_name=_("Kind"))
    active = c.BadgeColumn("inventory.active", verbose_name=_("State"))
    place = c.TextColumn(accessor="country", verbose_name=_("Place"))
    ships_online = c.BooleanColumn(verbose_name=_("Ships online"))
    offers_pickup = c.BooleanColumn(verbose_name=_("Pickup"))
    accepts_returns = c.BooleanColumn(verbose_name=_("Returns"))
    today = c.TextColumn(accessor="taken_today", verbose_name=_("Orders today"))
    rank = c.NumberColumn(verbose_name=_("Rank"))
    time_zone = c.TextColumn(verbose_name=_("Time zone"), visible=False, soft=True)

    def render_place(self, record: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_place(record))

    def value_place(self, record: Any) -> str:
        address = Address.from_json(record.address)
        return ", ".join(filter(None, (address.city, address.country_name() if address.country else "")))

    def render_today(self, record: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_today(record))

    def value_today(self, record: Any) -> str:
        return f"{record.taken_today} / {record.daily_capacity}" if record.daily_capacity is not None else ""
