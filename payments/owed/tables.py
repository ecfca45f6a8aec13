"""The columns of what is owed, of store credit, of methods and of statement lines."""

from __future__ import annotations

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.listing import columns as c


class OwedTable(tables.Table):
    """An order that owes, or is owed, a row."""

    number = c.LinkColumn("order", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="customer_name", verbose_name=_("Customer"))
    owed = c.MoneyColumn(verbose_name=_("Owed"))
    owed_own = c.MoneyColumn(currency="own_currency", verbose_name=_("In the shop's currency"), soft=True)
    due = c.DateColumn(verbose_name=_("Due"))
    age = c.BadgeColumn("receivable.age", verbose_name=_("Age"))
    placed = c.TimeColumn(accessor="placed_at", verbose_name=_("Since"))
    payment = c.BadgeColumn("order.payment", verbose_name=_("Payment"))
    total = c.MoneyColumn(accessor="current_total", verbose_name=_("Charged"), visible=False)
    paid = c.MoneyColumn(accessor="captured_total", verbose_name=_("Paid"), visible=False)
    reference = c.TextColumn(accessor="po_number", verbose_name=_("Purchase-order number"), visible=False)
    email = c.TextColumn(verbose_name=_("E-mail"), soft=True, visible=False)
    channel = c.TextColumn(accessor="channel.name", verbose_name=_("Channel"), soft=True, visible=False)


class OverpaidTable(tables.Table):
    """An order that was paid beyond what it costs, a row."""

    number = c.LinkColumn("order", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="customer_name", verbose_name=_("Customer"))
    owed = c.MoneyColumn(verbose_name=_("To give back"))
    owed_own = c.MoneyColumn(currency="own_currency", verbose_name=_("In the shop's currency"), soft=True)
    total = c.MoneyColumn(accessor="current_total", verbose_name=_("Charged"))
    paid = c.MoneyColumn(accessor="captured_total", verbose_name=_("Paid"))
    back = c.MoneyColumn(accessor="refunded_total", verbose_name=_("Given back"))
    placed = c.TimeColumn(accessor="placed_at", verbose_name=_("Placed"))
    payment = c.BadgeColumn("order.payment", verbose_name=_("Payment"))
    email = c.TextColumn(verbose_name=_("E-mail"), soft=True, visible=False)


class CreditTable(tables.Table):
    """What a customer has in one currency, a row."""

    customer = c.LinkColumn("credit-account", accessor="shown_name", verbose_name=_("Customer"))
    email = c.TextColumn(accessor="customer.email", verbose_name=_("E-mail"), soft=True)
    balance = c.MoneyColumn(verbose_name=_("Store credit"))
    currency = c.TextColumn(verbose_name=_("Currency"), visible=False)
    changed = c.TimeColumn(accessor="changed_at", verbose_name=_("Last change"))


class StatementTable(tables.Table):
    """Money that came in, a row, with the order it seems to be for."""

    booked = c.LinkColumn("statement-line", accessor="booked_on", verbose_name=_("Day"))
    amount = c.MoneyColumn(verbose_name=_("Amount"))
    payer = c.TextColumn(verbose_name=pgettext_lazy("person", "From"))
    text = c.TextColumn(verbose_name=_("Text"), soft=True)
    order = c.TextColumn(accessor="order.number", verbose_name=_("Suggested order"))
    certainty = c.BadgeColumn("statement.certainty", verbose_name=_("Because of"))
    state = c.BadgeColumn("statement.state", verbose_name=_("State"))
    file = c.TextColumn(accessor="file_name", verbose_name=_("File"), soft=True, visible=False)
    decided = c.TextColumn(accessor="decided_by", verbose_name=_("Decided by"), soft=True, visible=False)


class CollectionTable(tables.Table):
    """An order whose money is collected at the door, a row."""

    number = c.LinkColumn("order", accessor="order.number", arg="order_id", verbose_name=_("Order"))
    customer = c.TextColumn(accessor="order.customer_name", verbose_name=_("Customer"))
    owed = c.MoneyColumn(accessor="order.owed_by_customer", currency="order.currency", verbose_name=_("To collect"))
    delivery = c.BadgeColumn("order.delivery", accessor="order.delivery", verbose_name=_("Delivery"))
    method = c.TextColumn(verbose_name=_("Method"), soft=True)
    agreed = c.TimeColumn(accessor="agreed_at", verbose_name=_("Agreed"))
