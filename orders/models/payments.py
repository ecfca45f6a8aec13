"""Money that came in and went back, and what it was worth in the shop's own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order, money


class PaymentRecord(models.Model):
    """Money authorised or captured for an order. A key makes the same payment arrive once."""

    class Kind(models.TextChoices):
        AUTHORIZATION = "authorization", _("Authorization")
        CAPTURE = "capture", _("Capture")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    amount = money()
    method = models.CharField(max_length=60, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "key"], name="payment_arrives_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=["authorization", "capture"]), name="payment_kind_known"),
        ]


class Refund(models.Model):
    """Money given back, never more than was captured."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    amount = money()
    reason = models.CharField(max_length=200, blank=True)
    cause = models.CharField(max_length=60, blank=True)  # "return:9", "cancel", …
    key = models.CharField(max_length=120)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "key"], name="refund_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
        ]


class OrderRate(models.Model):
    """What the order's currency was worth in the shop's when it was placed: fixed then. Orders in the shop's currency have none.

    rate: units of `currency` (the shop's) for one unit of the order's.
    """

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.CASCADE, related_name="rate")
    currency = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    source = models.CharField(max_length=60)
    quoted_on = models.DateField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rate__gt=0), name="order_rate_positive")]


class MissingRate(models.Model):
    """An order for whose currency no rate was known when it was placed: it waits for one (`OrderRate`), set once by a person."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="missing_rate")
    currency = models.CharField(max_length=3)  # the order's
    placed_on = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["-placed_on", "-id"], name="missing_rate_recent")]


class TaxRate(models.Model):
    """The tax of a country, for orders composed or changed here; orders that come in bring their own. rate: a fraction (0.19)."""

    country = models.CharField(_("country"), max_length=2, unique=True)
    name = models.CharField(_("name"), max_length=40)
    rate = models.DecimalField(_("rate"), max_digits=7, decimal_places=5)
    on_shipping = models.BooleanField(_("shipping is taxed"), default=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rate__gte=0, rate__lt=1), name="tax_rate_is_a_fraction")]
