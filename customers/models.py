"""Who buys. One record per e-mail address; orders keep their own copy of what was said at purchase."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Customer(models.Model):
    """A buyer. `email` is lower case and unique where known."""

    email = models.CharField(max_length=254, null=True, blank=True)  # noqa: DJ001 - unknown is not a duplicate
    name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=8, blank=True)
    accepts_marketing = models.BooleanField(default=False)
    address = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    # 0: like everybody; the higher, the earlier goods that are short go to them, where the shop fills by priority.
    priority = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email"], name="customer_email_once", condition=Q(email__isnull=False)),
            models.CheckConstraint(condition=Q(priority__lte=9), name="customer_priority_one_digit"),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="customer_recent")]
