"""The order: what was promised to whom, what it is worth, and where it stands."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.models import User, at_most, not_negative
from core.search import search_column
from customers.models import Customer
from orders.models.channels import Channel
from orders.states import Delivery, Fulfillment, Lifecycle, Payment, Returning


def money(**kwargs: object) -> models.DecimalField:
    """A column for an amount in the order's currency (4 decimals cover every minor unit)."""
    return models.DecimalField(max_digits=16, decimal_places=4, **{"default": Decimal(0), **kwargs})  # type: ignore[arg-type]


#: Something is owed by the customer, and to the customer: `owed_by_customer` and `owed_to_customer` as the indexes have them.
OWING = Q(total__gt=F("cancelled_total") + F("captured_total") - F("overpayment_refunded"))
OVERPAID = Q(captured_total__gt=F("total") - F("cancelled_total") + F("refunded_total"))


class Order(models.Model):
    """A customer's purchase. The five status columns are computed (orders.status) and never set by hand."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="orders", db_index=False)
    external_id = models.CharField(max_length=120)
    number = models.CharField(_("order number"), max_length=60)
    token = models.CharField(max_length=43, unique=True)  # the customer's tracking link
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="orders")
    customer_name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=8, default="en")
    shipping_address = models.JSONField(default=dict)
    billing_address = models.JSONField(default=dict)
    ship_country = models.CharField(max_length=2, blank=True)
    shipping_method = models.CharField(max_length=80, blank=True)

    currency = models.CharField(max_length=3)
    subtotal = money()  # sum of quantity × unit price of the lines, before discounts
    discount_total = money()
    shipping_total = money()
    tax_total = money()
    tax_included = models.BooleanField(default=False)
    adjustment_total = money()  # a difference the channel's own total shows; kept, never hidden
    total = money()
    cancelled_total = money()  # value of cancelled units with their discount and tax
    authorized_total = money()
    captured_total = money()
    refunded_total = money()
    # Of the refunds: what gave back money that was not charged any more. Only that much may be owed again after a change.
    overpayment_refunded = money(db_default=Decimal(0))

    lifecycle = models.CharField(max_length=12, choices=Lifecycle.choices, default=Lifecycle.OPEN)
    payment = models.CharField(max_length=20, choices=Payment.choices, default=Payment.UNPAID)
    fulfillment = models.CharField(max_length=20, choices=Fulfillment.choices, default=Fulfillment.UNFULFILLED)
    delivery = models.CharField(max_length=20, choices=Delivery.choices, default=Delivery.NOT_SHIPPED)
    returning = models.CharField(max_length=12, choices=Returning.choices, default=Returning.NONE)
    payment_voided = models.BooleanField(default=False)
    # What the delivery and return axes are computed from, kept by the apps above.
    parcels = models.PositiveSmallIntegerField(default=0)
    parcels_out_for_delivery = models.PositiveSmallIntegerField(default=0)
    parcels_delivered = models.PositiveSmallIntegerField(default=0)
    parcels_exception = models.PositiveSmallIntegerField(default=0)
    returns_in_progress = models.PositiveSmallIntegerField(default=0)

    needs_routing = models.BooleanField(default=False)  # units without a place that are not back-ordered
    backordered = models.BooleanField(default=False)
    on_hold = models.BooleanField(default=False)
    archived = models.BooleanField(default=False)
    historic = models.BooleanField(default=False)  # arrived finished from an export; never touched our stock
    tags = ArrayField(models.CharField(max_length=40), default=list)
    customer_note = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    placed_at = models.DateTimeField()
    ship_by = models.DateTimeField(null=True)
    expected_on = models.DateField(null=True)
    expected_from = models.DateField(null=True)  # with expected_on the range in which the last parcel should arrive
    # A promised day is in danger (fulfillment.operations.risk): kept by a sweep and at changes, never part of the statuses.
    at_risk = models.BooleanField(default=False, db_default=False)
    po_number = models.CharField(_("purchase-order number"), max_length=60, blank=True, default="", db_default="")
    payment_due_on = models.DateField(_("payment due"), null=True, blank=True)
    assignee = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    search_text = models.TextField(default="")
    search = search_column()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], name="order_arrives_once"),
            models.CheckConstraint(
                condition=Q(
                    total=F("subtotal")
                    - F("discount_total")
                    + F("shipping_total")
                    + models.Case(models.When(tax_included=False, then=F("tax_total")), default=Decimal(0))
                    + F("adjustment_total")
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=not_negative(
                    "subtotal", "discount_total", "shipping_total", "tax_total", "cancelled_total",
                    "authorized_total", "captured_total", "refunded_total", "overpayment_refunded",
                ),
                name="order_amounts_not_negative",
            ),
            models.CheckConstraint(condition=at_most("refunded_total", "captured_total"), name="order_refund_within_capture"),
            models.CheckConstraint(
                condition=at_most("overpayment_refunded", "refunded_total"), name="order_overpayment_within_refunds"
            ),
            models.CheckConstraint(condition=Q(lifecycle__in=Lifecycle.values), name="order_lifecycle_known"),
            models.CheckConstraint(condition=Q(payment__in=Payment.values), name="order_payment_known"),
            models.CheckConstraint(condition=Q(fulfillment__in=Fulfillment.values), name="order_fulfillment_known"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="order_delivery_known"),
            models.CheckConstraint(condition=Q(returning__in=Returning.values), name="order_returning_known"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["-placed_at", "-id"], name="order_recent"),
            models.Index(fields=["-total", "-id"], name="order_by_total"),
            models.Index(fields=["channel", "-placed_at", "-id"], name="order_of_channel"),
            models.Index(fields=["number"], name="order_number"),
            # One status or country as equality gives its rows in the list's order, however few they are.
            models.Index(fields=["payment", "-placed_at", "-id"], name="order_by_payment"),
            models.Index(fields=["fulfillment", "-placed_at", "-id"], name="order_by_fulfillment"),
            models.Index(fields=["delivery", "-placed_at", "-id"], name="order_by_delivery"),
            models.Index(fields=["ship_country", "-placed_at", "-id"], name="order_by_country"),
            models.Index(fields=["-placed_at", "-id"], name="order_shipped", condition=~Q(delivery="not_shipped")),
            models.Index(fields=["-placed_at", "-id"], name="order_open", condition=Q(lifecycle="open")),
            models.Index(fields=["-placed_at", "-id"], name="order_to_route", condition=Q(needs_routing=True)),
            models.Index(fields=["-placed_at", "-id"], name="order_on_hold", condition=Q(on_hold=True)),
            models.Index(fields=["-placed_at", "-id"], name="order_archived", condition=Q(archived=True)),
            models.Index(fields=["-placed_at", "-id"], name="order_at_risk", condition=Q(at_risk=True)),
            models.Index(fields=["placed_at", "id"], name="order_backordered", condition=Q(backordered=True)),
            models.Index(
                fields=["ship_by", "id"], name="order_due", condition=Q(lifecycle="open", ship_by__isnull=False)
            ),
            models.Index(fields=["-placed_at", "-id"], name="order_returning", condition=~Q(returning="none")),
            models.Index(
                fields=["assignee", "-placed_at", "-id"], name="order_assigned", condition=Q(assignee__isnull=False)
            ),
            models.Index(
                fields=["payment_due_on", "id"], name="order_payment_due", condition=Q(payment_due_on__isnull=False)
            ),
            models.Index(fields=["-placed_at", "-id"], name="order_owing", condition=OWING),
            models.Index(fields=["-placed_at", "-id"], name="order_overpaid", condition=OVERPAID),
            GinIndex(fields=["search"], name="order_search"),
            GinIndex(fields=["tags"], name="order_tags", condition=~Q(tags=[])),
        ]

    @property
    def ship_to(self) -> Address:
        return Address.from_json(self.shipping_address)

    @property
    def current_total(self) -> Decimal:
        """What the customer is charged for what was not cancelled."""
        return self.total - self.cancelled_total

    @property
    def owed_by_customer(self) -> Decimal:
        """Not yet captured. A refund makes nobody owe again, except one of an overpayment whose order then became dearer."""
        return max(Decimal(0), self.current_total - self.captured_total + self.overpayment_refunded)

    @property
    def owed_to_customer(self) -> Decimal:
        """Captured beyond what is charged and not yet given back."""
        return max(Decimal(0), self.captured_total - self.refunded_total - self.current_total)

    @property
    def subject(self) -> str:
        """Key of this order in the timeline and the ledger."""
        return f"order:{self.pk}"
