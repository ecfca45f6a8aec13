"""Figures kept by day, so that a year of a million orders is read in a millisecond."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q

from core.models import not_negative
from orders.models import Channel, money


class DailyFigure(models.Model):
    """What was ordered on one day of the shop's zone through one channel in one currency. Always made anew from the orders."""

    day = models.DateField()
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=64)  # the zone whose day it is
    orders = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField()  # of these orders, wholly
    revenue = money()  # totals less what was cancelled; refunds are told apart
    refunded = money()
    # The same in the shop's currency, each order at the rate that was fixed when it was placed, rounded order by order.
    own_currency = models.CharField(max_length=3, db_default="")
    own_revenue = money(db_default=Decimal(0))
    own_refunded = money(db_default=Decimal(0))
    unrated = models.PositiveIntegerField(
        default=0, db_default=0
    )  # orders without a rate: they are in neither sum above
    unrated_revenue = money(db_default=Decimal(0))  # what is missing there, in the orders' currency

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "channel", "currency"], name="daily_figure_once"),
            models.CheckConstraint(
                condition=not_negative("orders", "cancelled", "refunded"), name="daily_figure_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(orders__gte=models.F("cancelled")), name="daily_figure_cancelled_within_orders"
            ),
            models.CheckConstraint(
                condition=Q(orders__gte=models.F("unrated")), name="daily_figure_unrated_within_orders"
            ),
        ]


class StaleDay(models.Model):
    """A day whose orders have changed since its figures were made."""

    day = models.DateField(unique=True)
