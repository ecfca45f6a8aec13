"""What comes back: the request, its lines, the label, receipt, inspection and what the customer gets."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from fulfillment.models import Shipment
from inventory.models import Location
from orders.models import Order, OrderLine, Refund
from returns.states import Disposition, Resolution, ReturnReason, ReturnState


class Return(models.Model):
    """Goods that a customer sends back (RMA)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    number = models.CharField(max_length=70, unique=True)  # "RMA-1001-1"
    state = models.CharField(max_length=12, choices=ReturnState.choices, default=ReturnState.REQUESTED)
    location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="returns")
    shipment = models.OneToOneField(Shipment, null=True, on_delete=models.PROTECT, related_name="return_request")
    refund = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="return_request")
    resolution = models.CharField(max_length=12, blank=True, choices=Resolution.choices)
    # Sums of the lines, so that lists and buttons need no look at them.
    units = models.PositiveIntegerField()
    received = models.PositiveIntegerField(default=0)
    inspected = models.PositiveIntegerField(default=0)
    customer_note = models.TextField(blank=True)
    answer = models.TextField(blank=True)  # what the merchant told the customer
    request_key = models.CharField(max_length=60, unique=True)  # order and form token: the same request arrives once
    actor = models.CharField(max_length=80)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ReturnState.values), name="return_state_known"),
            models.CheckConstraint(
                condition=Q(units__gt=0, units__gte=F("received"), received__gte=F("inspected")), name="return_funnel"
            ),
            models.CheckConstraint(
                condition=~Q(state="resolved") | Q(resolution__in=Resolution.values), name="return_resolved_how"
            ),
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="return_recent"),
            models.Index(
                fields=["-requested_at", "-id"],
                name="return_open",
                condition=~Q(state__in=["resolved", "declined", "cancelled"]),
            ),
            models.Index(fields=["received_at"], name="return_arrived", condition=Q(received_at__isnull=False)),
        ]

    @property
    def subject(self) -> str:
        return f"return:{self.pk}"


class ReturnLine(models.Model):
    """Units of one order line that come back, with the customer's reason."""

    return_request = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="return_lines")
    quantity = models.PositiveIntegerField()
    reason = models.CharField(max_length=20, choices=ReturnReason.choices)
    note = models.CharField(max_length=500, blank=True)
    received = models.PositiveIntegerField(default=0)
    inspected = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["return_request", "order_line"], name="return_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_line_returns_something"),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("received"), received__gte=F("inspected")), name="return_line_funnel"
            ),
        ]

    @property
    def expected(self) -> int:
        """Units that have not arrived."""
        return self.quantity - self.received

    @property
    def to_inspect(self) -> int:
        """Units that arrived and that nobody has decided about."""
        return self.received - self.inspected


class Inspection(models.Model):
    """What was decided for some received units of a return line."""

    line = models.ForeignKey(ReturnLine, on_delete=models.CASCADE, related_name="inspections")
    disposition = models.CharField(max_length=12, choices=Disposition.choices)
    quantity = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="inspection_of_something"),
            models.CheckConstraint(condition=Q(disposition__in=Disposition.values), name="disposition_known"),
        ]
