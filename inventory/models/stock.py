"""Stock levels by bucket, the append-only ledger behind them, reservations."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.models import not_negative
from inventory.models.catalog import Variant
from inventory.models.locations import Location


class Bucket(models.TextChoices):
    """A kind of count that the ledger explains. `available` is computed from them, never stored by hand."""

    ON_HAND = "on_hand", _("On hand")
    RESERVED = "reserved", _("Reserved")
    DAMAGED = "damaged", _("Damaged")
    QUALITY_CONTROL = "quality_control", _("Quality control")
    SAFETY_STOCK = "safety_stock", _("Safety stock")
    INCOMING = "incoming", _("Incoming")


class StockLevel(models.Model):
    """The counts of one variant at one location. Every count equals the sum of its ledger rows."""

    # The unique constraint and stock_level_by_location begin with these columns: no indexes of their own.
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="levels", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels", db_index=False)
    on_hand = models.IntegerField(default=0, db_default=0)
    reserved = models.IntegerField(default=0, db_default=0)
    damaged = models.IntegerField(default=0, db_default=0)
    quality_control = models.IntegerField(default=0, db_default=0)
    safety_stock = models.IntegerField(default=0, db_default=0)
    incoming = models.IntegerField(default=0, db_default=0)
    available = models.GeneratedField(
        expression=F("on_hand") - F("reserved") - F("damaged") - F("quality_control") - F("safety_stock"),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    # Nothing to promise. A column of its own, because an index on it is touched only when a level crosses the line.
    sold_out = models.GeneratedField(
        expression=Q(on_hand__lte=F("reserved") + F("damaged") + F("quality_control") + F("safety_stock")),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    bin = models.CharField(_("bin"), max_length=40, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location"], name="stock_level_once"),
            models.CheckConstraint(
                condition=not_negative("on_hand", "reserved", "damaged", "quality_control", "safety_stock", "incoming"),
                name="stock_no_bucket_negative",
            ),
            models.CheckConstraint(
                condition=Q(on_hand__gte=F("reserved") + F("damaged") + F("quality_control")),
                name="stock_never_oversold",
            ),
        ]
        indexes = [
            models.Index(fields=["location", "variant"], name="stock_level_by_location"),
            models.Index(fields=["variant", "location"], name="stock_level_sold_out", condition=Q(sold_out=True)),
            models.Index(
                fields=["variant", "location"],
                name="stock_level_set_aside",
                condition=Q(damaged__gt=0) | Q(quality_control__gt=0),
            ),
            models.Index(fields=["variant", "location"], name="stock_level_incoming", condition=Q(incoming__gt=0)),
            models.Index(fields=["variant", "location"], name="stock_level_safety", condition=Q(safety_stock__gt=0)),
            models.Index(OpClass("bin", name="text_pattern_ops"), name="stock_level_bin", condition=~Q(bin="")),
        ]

    @property
    def subject(self) -> str:
        """Key of this level in the timeline: what of it is no count (its bin)."""
        return f"stock:{self.variant_id}:{self.location_id}"


class MovementReason(models.TextChoices):
    """Why a count changed (GS1 business steps where one fits)."""

    RECEIVED = "received", _("Received")
    COUNTED = "counted", _("Counted")
    CORRECTION = "correction", _("Correction")
    DAMAGED = "damaged", _("Damaged")
    LOST = "lost", _("Lost")
    FOUND = "found", _("Found")
    SAFETY = "safety", _("Safety stock set")
    INCOMING = "incoming", _("Incoming changed")
    IMPORTED = "imported", _("Imported")
    RESERVED = "reserved", _("Reserved for an order")
    RELEASED = "released", _("Reservation released")
    SHIPPED = "shipped", _("Shipped")
    RETURNED = "returned", _("Returned by a customer")
    INSPECTED = "inspected", _("Return inspected")
    SCRAPPED = "scrapped", _("Scrapped")
    TRANSFERRED = "transferred", _("Transferred")
    EXPIRED = "expired", _("Expired")
    QUARANTINED = "quarantined", _("Set aside")
    TO_SUPPLIER = "to_supplier", _("Returned to the supplier")


class StockMovement(models.Model):
    """One immutable ledger row (a trigger refuses UPDATE and DELETE)."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    bucket = models.CharField(max_length=16, choices=Bucket.choices)
    quantity = models.IntegerField()
    lot = models.ForeignKey("inventory.Lot", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=12, choices=MovementReason.choices)
    # What made it: "order:12", "job:3", "return:9", "transfer:4", "purchase:7", "count:2", "adjustment:<key>", "undo:<movement>".
    cause = models.CharField(max_length=60)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(quantity=0), name="movement_moves_something"),
            models.CheckConstraint(condition=Q(bucket__in=Bucket.values), name="movement_bucket_known"),
            models.CheckConstraint(condition=Q(reason__in=MovementReason.values), name="movement_reason_known"),
            # A form sent twice moves once, and an adjustment is undone once.
            models.UniqueConstraint(
                fields=["cause", "variant", "location", "bucket", "lot"],
                name="movement_made_once",
                nulls_distinct=False,
                condition=Q(cause__startswith="adjustment:") | Q(cause__startswith="undo:"),
            ),
        ]
        indexes = [
            models.Index(fields=["variant", "location", "id"], name="movement_of_level"),
            models.Index(fields=["cause"], name="movement_of_cause"),
            # Rows lie in the order of time: a few pages of this index find those of a period.
            BrinIndex(fields=["at"], name="movement_in_period", pages_per_range=32),
            models.Index(fields=["lot", "id"], name="movement_of_lot", condition=Q(lot__isnull=False)),
        ]


class Reservation(models.Model):
    """A claim on stock for one owner at one location; open while `quantity` is above zero.

    owner: what still needs it, "order_line:12" or "transfer_line:7". quantity falls when units ship or are released; the row stays as history.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    owner = models.CharField(max_length=60)
    quantity = models.IntegerField()
    reason = models.CharField(max_length=20, default="order", db_default="order")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=not_negative("quantity"), name="reservation_not_negative"),
            models.UniqueConstraint(fields=["owner", "location"], name="reservation_once"),
        ]
        indexes = [
            models.Index(fields=["variant", "location"], name="reservation_open", condition=Q(quantity__gt=0)),
        ]


class ChangedLevel(models.Model):
    """A mark that a level's ledger grew, written by a trigger with the movements themselves, so that no writer can forget it.

    The marks are only a queue: whoever relays events merges those that wait into one `StockChanged` and deletes them.
    """

    variant_id = models.BigIntegerField()
    location_id = models.BigIntegerField()


class StockSnapshot(models.Model):
    """The counts of a level up to a moment: where a question about the past begins to read the ledger.

    It counts every movement of the level with id ≤ movement_id; all of them happened at or before `at`.
    """

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    movement_id = models.BigIntegerField()
    on_hand = models.IntegerField()
    reserved = models.IntegerField()
    damaged = models.IntegerField()
    quality_control = models.IntegerField()
    safety_stock = models.IntegerField()
    incoming = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location", "at"], name="stock_snapshot_once"),
        ]


class ReorderPolicy(models.Model):
    """When and up to how much a variant is restocked: at one location, or in total over all (location null)."""

    class Source(models.TextChoices):
        MANUAL = "manual", _("Set by hand")
        FORECAST = "forecast", _("From the forecast")

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="reorder_policies", db_index=False)
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    reorder_point = models.PositiveIntegerField(_("reorder point"))  # restock when available + incoming falls to it
    order_up_to = models.PositiveIntegerField(_("order up to"))  # and then up to so many
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.MANUAL)
    alert = models.BooleanField(_("tell when it is reached"), default=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "location"], name="reorder_policy_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(source__in=["manual", "forecast"]), name="reorder_policy_source_known"),
            models.CheckConstraint(
                condition=Q(order_up_to__gte=F("reorder_point")), name="reorder_policy_reaches_its_point"
            ),
        ]
