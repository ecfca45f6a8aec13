"""The columns of the work queue."""

from __future__ import annotations

from html import escape
from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.badges import badge_html
from core.listing import columns as c
from fulfillment.states import WORKABLE_STATES, Service


class DueColumn(c.TimeColumn):
    """When it should leave; late work says so."""

    def cell(self, record: Any) -> str:
        text = super().cell(record)
        if record.state in WORKABLE_STATES and record.ship_by < self._now:
            return f"{badge_html('bad', _t('Late'))} {text}"
        return text


class ServiceColumn(c.ListColumn):
    """How fast it travels, in words."""

    def cell(self, record: Any) -> str:
        return escape(str(self.export(record)))

    def export(self, record: Any) -> Any:
        return str(dict(Service.choices).get(record.service, record.service))


class LabelColumn(c.ListColumn):
    """Whether the label is bought and the papers are printed."""

    def cell(self, record: Any) -> str:
        shared = f"{badge_html('accent', _t('Shared parcel'))} " if record.consolidation_id else ""
        return shared + self._label(record)

    def _label(self, record: Any) -> str:
        if not record.has_label:
            return ""
        return badge_html("ok", _t("Printed")) if record.printed_at else badge_html("neutral", _t("Bought"))

    def export(self, record: Any) -> Any:
        return _t("Yes") if record.has_label else _t("No")


class QueueTable(tables.Table):
    """A work order a row."""

    number = c.LinkColumn("fulfillment-order", verbose_name=_("Number"))
    order = c.LinkColumn("order", accessor="order.number", arg="order_id", verbose_name=_("Order"))
    state = c.BadgeColumn("fulfillment", verbose_name=_("State"))
    due = DueColumn(accessor="ship_by", verbose_name=_("Ship by"))
    location = c.TextColumn(accessor="location.name", verbose_name=_("Location"))
    bin = c.TextColumn(accessor="first_bin", verbose_name=_("First bin"))
    units = c.NumberColumn(verbose_name=_("Units"))
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"), soft=True)
    country = c.TextColumn(accessor="order.ship_country", verbose_name=_("To"), soft=True)
    service = ServiceColumn(verbose_name=_("Service"), soft=True)
    label = LabelColumn(accessor="has_label", verbose_name=_("Label"))
    who = c.TextColumn(accessor="state_by_label", verbose_name=_("Last moved by"), visible=False, soft=True)
    moved = c.TimeColumn(accessor="state_at", verbose_name=_("Last moved"), visible=False)
    shipped = c.TimeColumn(accessor="shipped_at", verbose_name=_("Shipped"), visible=False)
    created = c.TimeColumn(accessor="created_at", verbose_name=_("Created"), visible=False)
    expected = c.DateColumn(accessor="expected_on", verbose_name=_("Expected"), visible=False)
