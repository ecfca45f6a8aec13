"""The columns of the lists of products, stock and locations."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html, format_html_join
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
    available = AvailableColumn(verbose_name=_("Available"))
    on_hand = c.NumberColumn(verbose_name=_("On hand"))
    reserved = c.NumberColumn(verbose_name=_("Reserved"))
    damaged = c.NumberColumn(verbose_name=_("Damaged"))
    quality_control = c.NumberColumn(verbose_name=_("QC"))
    safety_stock = c.NumberColumn(verbose_name=_("Safety stock"))
    incoming = c.NumberColumn(verbose_name=_("Incoming"))
    bin = c.TextColumn(verbose_name=_("Bin"), soft=True)
    barcode = c.TextColumn(accessor="variant.barcode", verbose_name=_("Barcode"), visible=False, soft=True)


class LocationTable(tables.Table):
    """A location a row; `taken_today` is an annotation of the list's queryset."""

    name = c.LinkColumn("location", verbose_name=_("Location"))
    code = c.TextColumn(verbose_name=_("Code"), soft=True)
    kind = c.BadgeColumn("location.kind", verbose_name=_("Kind"))
    place = c.TextColumn(accessor="country", verbose_name=_("Place"))
    does = c.TextColumn(accessor="kind", verbose_name=_("Does"))
    today = c.TextColumn(accessor="taken_today", verbose_name=_("Orders today"))
    rank = c.NumberColumn(verbose_name=_("Rank"))
    active = c.BadgeColumn("inventory.active", verbose_name=_("State"), visible=False)
    time_zone = c.TextColumn(verbose_name=_("Time zone"), visible=False, soft=True)

    def render_place(self, record: Any) -> SafeString:
        return format_html_join(", ", "<bdi>{}</bdi>", ((part,) for part in _city_and_country(record)))

    def value_place(self, record: Any) -> str:
        return ", ".join(_city_and_country(record))

    def render_does(self, record: Any) -> str:
        return self.value_does(record)

    def value_does(self, record: Any) -> str:
        words = (
            (record.ships_online, _("ships online")),
            (record.offers_pickup, _("pickup")),
            (record.accepts_returns, _("returns")),
        )
        return ", ".join(str(word) for is_so, word in words if is_so)

    def render_today(self, record: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_today(record))

    def value_today(self, record: Any) -> str:
        return f"{record.taken_today} / {record.daily_capacity}" if record.daily_capacity is not None else ""


def _city_and_country(location: Any) -> list[str]:
    address = Address.from_json(location.address)
    return [part for part in (address.city, address.country_name() if address.country else "") if part]
