"""The columns of the lists of availability and its rules."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from availability.explain import rule_name, why
from availability.models import AvailabilityRule, Buffer, ChannelAvailability
from core.formats import day
from core.listing import columns as c


class AvailabilityTable(tables.Table):
    """A SKU on a channel a row."""

    sku = c.LinkColumn("availability-receipt", accessor="variant.sku", verbose_name=_("SKU"))
    title = c.TextColumn(accessor="variant.title", verbose_name=_("Title"))
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"))
    shown = c.NumberColumn(verbose_name=_("Shown now"))
    available = c.NumberColumn(verbose_name=_("Available"))
    why = c.TextColumn(accessor="reason", verbose_name=_("Why"))
    rule = c.TextColumn(accessor="rule_id", verbose_name=_("Rule"))
    pushed = c.TimeColumn(accessor="published_at", verbose_name=_("Last pushed"))
    reason = c.BadgeColumn("availability.reason", verbose_name=_("Decided by"), visible=False)
    version = c.NumberColumn(verbose_name=_("Version"), visible=False)

    def render_why(self, record: ChannelAvailability) -> SafeString:
        return format_html("<span>{}</span>", why(record))

    def value_why(self, record: ChannelAvailability) -> str:
        return why(record)

    def render_rule(self, record: ChannelAvailability) -> SafeString:
        if record.rule is None:
            return format_html('<span class="soft">{}</span>', rule_name(None))
        return format_html(
            '<a href="{}"><bdi>{}</bdi></a>',
            reverse("availability-rule", args=[record.rule_id]),
            rule_name(record.rule),
        )

    def value_rule(self, record: ChannelAvailability) -> str:
        return rule_name(record.rule)


class RuleTable(tables.Table):
    """A rule a row."""

    about = c.LinkColumn("availability-rule", accessor="scope", verbose_name=_("Applies to"))
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"))
    keeps = c.TextColumn(accessor="buffer", verbose_name=_("Keeps back"))
    pool = c.TextColumn(accessor="pool.name", verbose_name=_("Location pool"))
    maximum = c.NumberColumn(verbose_name=_("At most"))
    budget = c.TextColumn(verbose_name=_("Oversell budget"))
    never = c.BooleanColumn(verbose_name=_("Never show"))
    active = c.BadgeColumn("availability.rule", verbose_name=_("State"))
    note = c.TextColumn(verbose_name=_("Note"), soft=True, visible=False)
    changed = c.TimeColumn(accessor="updated_at", verbose_name=_("Changed"))

    def render_about(self, record: AvailabilityRule) -> SafeString:
        return format_html(
            '<a href="{}"><bdi>{}</bdi></a>', reverse("availability-rule", args=[record.pk]), rule_name(record)
        )

    def value_about(self, record: AvailabilityRule) -> str:
        return rule_name(record)

    def render_keeps(self, record: AvailabilityRule) -> SafeString:
        return format_html("<span>{}</span>", buffer_text(record))

    def value_keeps(self, record: AvailabilityRule) -> str:
        return buffer_text(record)

    def render_budget(self, record: AvailabilityRule) -> SafeString:
        return format_html("<span>{}</span>", budget_text(record))

    def value_budget(self, record: AvailabilityRule) -> str:
        return budget_text(record)


def buffer_text(rule: AvailabilityRule) -> str:
    """“10 %”, “3 units”, “2 days of sales”, or nothing."""
    value = format(rule.value.normalize(), "f") if rule.value else ""
    texts: dict[str, Any] = {
        Buffer.UNITS: translate("{n} units"),
        Buffer.PERCENT: "{n} %",
        Buffer.DAYS: translate("{n} days of sales"),
    }
    return texts[rule.buffer].format(n=value) if rule.buffer in texts else ""


def budget_text(rule: AvailabilityRule) -> str:
    """“5 until 24 Dec 2026”, or that it is over."""
    if not rule.budget or rule.budget_until is None:
        return ""
    text = translate("{n}, ended on {day}") if rule.budget_over else translate("{n} until {day}")
    return text.format(n=rule.budget, day=day(rule.budget_until))
