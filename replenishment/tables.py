"""The columns of the lists of alerts, policies and needs."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from core.formats import exact
from core.listing import columns as c


class PlaceColumn(c.TextColumn):
    """A location's name, or that it is the total."""

    def cell(self, record: Any) -> str:
        return super().cell(record) or f'<em class="soft">{translate("In total")}</em>'

    def export(self, record: Any) -> Any:
        return super().export(record) or ""


class LowColumn(c.NumberColumn):
    """Available units; nothing left stands out."""

    def cell(self, record: Any) -> str:
        text = super().cell(record)
        return f'<strong class="text-bad">{text}</strong>' if (self.value_of(record) or 0) <= 0 else text


class AlertTable(tables.Table):
    """An alert a row; `available_now` and `incoming_now` are annotations of the list's queryset."""

    sku = c.LinkColumn("alert", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"))
    location = PlaceColumn(accessor="location.name", verbose_name=_("Location"))
    kind = c.BadgeColumn("alert.kind", verbose_name=_("Alert"))
    available = LowColumn(accessor="available_now", verbose_name=_("Available"))
    threshold = c.NumberColumn(verbose_name=_("Reorder point"))
    incoming = c.NumberColumn(accessor="incoming_now", verbose_name=_("Incoming"))
    opened = c.TimeColumn(accessor="opened_at", verbose_name=_("Since"))
    quiet = c.TextColumn(accessor="snoozed_until", verbose_name=_("Snoozed"))
    state = c.BadgeColumn("alert", verbose_name=_("State"), visible=False)
    resolved = c.TimeColumn(accessor="resolved_at", verbose_name=_("Resolved"), visible=False)
    at_crossing = c.NumberColumn(accessor="available", verbose_name=_("Available when it crossed"), visible=False)

    def render_quiet(self, record: Any) -> SafeString:
        return format_html("{}", self.value_quiet(record))

    def value_quiet(self, record: Any) -> str:
        words = []
        if record.snoozed_until:
            words.append(translate("until {moment}").format(moment=exact(record.snoozed_until)))
        if record.snoozed_below is not None:
            words.append(translate("until {n} or fewer").format(n=record.snoozed_below))
        return ", ".join(words)


class PolicyTable(tables.Table):
    """A policy a row, with what the forecast would set beside it."""

    sku = c.LinkColumn("policy-edit", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"))
    location = PlaceColumn(accessor="location.name", verbose_name=_("Location"))
    reorder_point = c.NumberColumn(verbose_name=_("Reorder point"))
    order_up_to = c.NumberColumn(verbose_name=_("Order up to"))
    forecast_point = c.NumberColumn(verbose_name=_("Forecast: point"))
    forecast_up_to = c.NumberColumn(verbose_name=_("Forecast: up to"))
    difference = c.NumberColumn(accessor="forecast_point", verbose_name=_("Difference"))
    source = c.BadgeColumn("policy.source", verbose_name=_("Source"))
    available = c.NumberColumn(accessor="available_now", verbose_name=_("Available"))
    incoming = c.NumberColumn(accessor="incoming_now", verbose_name=_("Incoming"))
    tells = c.BadgeColumn("policy.alert", accessor="alert", verbose_name=_("Alerts"), visible=False)
    changed = c.TimeColumn(accessor="updated_at", verbose_name=_("Changed"), visible=False)

    def render_difference(self, record: Any) -> SafeString:
        number = self.value_difference(record)
        return format_html("<bdi>{}</bdi>", "" if number is None else f"{number:+d}" if number else "0")

    def value_difference(self, record: Any) -> int | None:
        return None if record.forecast_point is None else record.forecast_point - record.reorder_point


class NeedTable(tables.Table):
    """What a policy wants, a row; supplier, cover and surplus are annotations of the list's queryset."""

    sku = c.LinkColumn("reorder-one", accessor="policy.variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="policy.variant.title", verbose_name=_("Title"))
    location = PlaceColumn(accessor="policy.location.name", verbose_name=_("For"))
    available = LowColumn(verbose_name=_("Available"))
    incoming = c.NumberColumn(verbose_name=_("Incoming"))
    cover = c.TextColumn(accessor="daily", verbose_name=_("Lasts"))
    quantity = c.NumberColumn(verbose_name=_("Suggested"))
    supplier = c.TextColumn(verbose_name=_("Supplier"))
    surplus = c.NumberColumn(verbose_name=_("Surplus elsewhere"))
    drafted = c.NumberColumn(verbose_name=_("On drafts"))
    waiting = c.NumberColumn(verbose_name=_("Back-ordered"))
    reorder_point = c.NumberColumn(accessor="policy.reorder_point", verbose_name=_("Reorder point"))
    order_up_to = c.NumberColumn(accessor="policy.order_up_to", verbose_name=_("Order up to"))
    pack = c.NumberColumn(accessor="pack_size", verbose_name=_("Pack size"), visible=False)
    price = c.MoneyColumn(currency="price_currency", verbose_name=_("Price"), visible=False)
    daily = c.TextColumn(verbose_name=_("A day"), visible=False)
    since = c.TimeColumn(verbose_name=_("Since"), visible=False)

    def value_quantity(self, record: Any) -> int:
        return max(0, record.quantity - record.drafted)

    def render_quantity(self, record: Any) -> SafeString:
        return format_html("<strong><bdi>{}</bdi></strong>", self.value_quantity(record))

    def value_cover(self, record: Any) -> str:
        if not record.daily:
            return ""
        days = max(0.0, record.available / record.daily)
        return translate("{days} days").format(days=number_format(days, 0 if days >= 10 else 1))

    def render_cover(self, record: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_cover(record))

    def value_daily(self, record: Any) -> str:
        return number_format(record.daily, 2) if record.daily else ""

    def render_daily(self, record: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_daily(record))
