"""Where orders come from, and the runs that bring them in.

The channel itself lives in `orders` (an order points at it); here are the imports and their files.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models import Job, StoredFile
from orders.models import Channel


class ImportKind(models.TextChoices):
    PRODUCTS = "products", _("Products")
    LOCATIONS = "locations", _("Locations")
    INVENTORY = "inventory", _("Inventory")
    ORDERS = "orders", _("Orders")
    BUNDLES = "bundles", _("Bundles")
    LOTS = "lots", _("Lots")
    SERIALS = "serials", _("Serial numbers")
    PURCHASES = "purchases", _("Purchase orders")
    COUNTS = "counts", _("Counted numbers")


#: Kinds that belong to a sales channel; the others are the shop's own.
OF_CHANNEL = frozenset({ImportKind.ORDERS})
#: Kinds whose import can be tried first: the same work, taken back portion by portion.
TRIABLE = frozenset(ImportKind) - OF_CHANNEL
#: What else than `imports.run` a person must be allowed to bring in a kind.
ALSO_NEEDS = {ImportKind.PURCHASES: "purchasing.edit", ImportKind.COUNTS: "counts.count"}
#: Differences that a run remembers; its counts are of all.
DIFFERENCES_KEPT = 200


class ImportRun(models.Model):
    """One file read into one kind of record; its job holds progress and errors."""

    kind = models.CharField(max_length=12, choices=ImportKind.choices)
    format = models.CharField(max_length=20, default="shopify")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="imports")
    file = models.ForeignKey(StoredFile, null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=200)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="import_run")
    dialect = models.JSONField(default=dict)  # encoding, delimiter and time zone in use, and how they were found
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    # A trial changes nothing: its counts and differences are what the import would do.
    trial = models.BooleanField(default=False, db_default=False)
    # [{"line", "what", "state", "changes": [[column, before, after], …]}, …]: the first records that differ
    differences = models.JSONField(default=list, db_default=[])
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=ImportKind.values), name="import_kind_known")]
        indexes = [models.Index(fields=["-created_at", "-id"], name="import_recent")]
