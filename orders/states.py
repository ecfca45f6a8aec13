"""The words of an order's statuses and holds."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Lifecycle(models.TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")


class Payment(models.TextChoices):
    UNPAID = "unpaid", _("Unpaid")
    AUTHORIZED = "authorized", _("Authorized")
    PARTIALLY_PAID = "partially_paid", _("Partially paid")
    PAID = "paid", _("Paid")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partially refunded")
    REFUNDED = "refunded", _("Refunded")
    VOIDED = "voided", _("Voided")


class Fulfillment(models.TextChoices):
    UNFULFILLED = "unfulfilled", _("Unfulfilled")
    ON_HOLD = "on_hold", _("On hold")
    SCHEDULED = "scheduled", _("Scheduled")
    BACKORDERED = "backordered", _("Back-ordered")
    IN_PROGRESS = "in_progress", _("In progress")
    PARTIALLY_FULFILLED = "partially_fulfilled", _("Partially fulfilled")
    FULFILLED = "fulfilled", _("Fulfilled")


class Delivery(models.TextChoices):
    NOT_SHIPPED = "not_shipped", _("Not shipped")
    IN_TRANSIT = "in_transit", _("In transit")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    DELIVERED = "delivered", _("Delivered")
    EXCEPTION = "exception", _("Exception")


class Returning(models.TextChoices):
    NONE = "none", _("None")
    REQUESTED = "requested", _("Return requested")
    IN_PROGRESS = "in_progress", _("Return in progress")
    RETURNED = "returned", _("Returned")


class HoldKind(models.TextChoices):
    PAYMENT = "payment", _("Awaiting payment")
    FRAUD = "fraud", _("Fraud check")
    ADDRESS = "address", _("Address problem")
    STOCK = "stock", _("Stock")
    CUSTOMER = "customer", _("Customer's request")
    OPERATOR = "operator", _("Held by a person")
    OTHER = "other", _("Other")
