"""The columns of the review queue and of the list of addresses."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.listing import columns as c
from risk.models import AddressCheck, RiskAssessment
from risk.telling import Told, tell_findings, tell_problems


def _listed(told: list[Told], *, scores: bool) -> SafeString:
    """Each sentence on a line of its own."""
    rows = ((f"{one.score} · " if scores else f"{one.title}: ", one.sentence) for one in told)
    return format_html_join("", '<div class="small said"><bdi>{}{}</bdi></div>', rows)


def _in_one_line(told: list[Told]) -> str:
    return " ".join(f"{one.title}: {one.sentence}" for one in told)


class RiskTable(tables.Table):
    """A flagged order a row."""

    order = c.LinkColumn("order", arg="order_id", accessor="order.number", verbose_name=_("Order"))
    score = c.NumberColumn(verbose_name=_("Score"))
    level = c.BadgeColumn("risk.level", verbose_name=_("Risk"))
    findings = tables.Column(verbose_name=_("What speaks against it"), orderable=False)
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    total = c.MoneyColumn(accessor="order.total", currency="order.currency", verbose_name=_("Total"))
    placed = c.TimeColumn(accessor="order.placed_at", verbose_name=_("Placed"))
    fulfillment = c.BadgeColumn("order.fulfillment", accessor="order.fulfillment", verbose_name=_("Fulfillment"))
    payment = c.BadgeColumn("order.payment", accessor="order.payment", verbose_name=_("Payment"), visible=False)
    email = c.TextColumn(accessor="order.email", verbose_name=_("E-mail"), visible=False)
    assessed = c.TimeColumn(accessor="at", verbose_name=_("Assessed"), visible=False)
    decision = c.BadgeColumn("risk.decision", verbose_name=_("Decision"))
    decided_by = c.TextColumn(accessor="decided_label", verbose_name=_("Decided by"), visible=False)

    def render_findings(self, record: RiskAssessment) -> SafeString:
        return _listed(tell_findings(record.findings), scores=True)

    def value_findings(self, record: RiskAssessment) -> str:
        return _in_one_line(tell_findings(record.findings))


class AddressTable(tables.Table):
    """An address that is not in order a row."""

    order = c.LinkColumn("order", arg="order_id", accessor="order.number", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    state = c.BadgeColumn("address.state", verbose_name=_("Address"))
    problems = tables.Column(verbose_name=_("What is wrong"), orderable=False)
    address = tables.Column(empty_values=(), verbose_name=_("As it is written"), orderable=False)
    fulfillment = c.BadgeColumn("order.fulfillment", accessor="order.fulfillment", verbose_name=_("Fulfillment"))
    checked = c.TimeColumn(accessor="at", verbose_name=_("Checked"))
    settled = c.BadgeColumn("address.settled", verbose_name=_("Decision"))
    settled_by = c.TextColumn(accessor="settled_label", verbose_name=_("Decided by"), visible=False)

    def render_problems(self, record: AddressCheck) -> SafeString:
        return _listed(tell_problems(record.problems), scores=False)

    def value_problems(self, record: AddressCheck) -> str:
        return _in_one_line(tell_problems(record.problems))

    def render_address(self, record: AddressCheck) -> SafeString:
        return format_html("<bdi>{}</bdi>", self.value_address(record))

    def value_address(self, record: Any) -> str:
        return record.order.ship_to.one_line()
