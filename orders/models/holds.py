"""Typed reasons why an order, or some of its lines, must not move on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models import User
from orders.models.lines import OrderLine
from orders.models.order import Order
from orders.states import HoldKind


class Hold(models.Model):
    """A typed reason why an order must not move on; many at once."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="holds")
    kind = models.CharField(max_length=20, choices=HoldKind.choices)
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True)
    whole = models.BooleanField(default=True, db_default=True)  # False: it stops only the lines that HoldLine names
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    cause = models.CharField(max_length=60, blank=True, default="", db_default="")  # "risk:9" where no person placed it
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    released_by = models.CharField(max_length=80, blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=HoldKind.values), name="hold_kind_known"),
            models.UniqueConstraint(
                fields=["order", "kind"], name="hold_kind_once_open", condition=Q(released_at__isnull=True, whole=True)
            ),
        ]
        indexes = [
            models.Index(fields=["until"], name="hold_due", condition=Q(released_at__isnull=True, until__isnull=False)),
            models.Index(fields=["-at", "-id"], name="hold_open", condition=Q(released_at__isnull=True)),
        ]


class HoldLine(models.Model):
    """A line that a hold stops, where it does not stop the whole order."""

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="holds")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hold", "line"], name="hold_line_once")]
