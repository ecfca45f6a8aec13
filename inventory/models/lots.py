"""Units that are told apart: lots with an expiry date, and serial numbers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models import not_negative
from inventory.models.catalog import Variant
from inventory.models.locations import Location


class Lot(models.Model):
    """Units of one variant that were made together (GS1 batch/lot). Code "" holds units that came without one."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="lots", db_index=False)
    code = models.CharField(_("lot"), max_length=40, blank=True)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["variant", "code"], name="lot_once")]
        indexes = [
            models.Index(fields=["expires_on"], name="lot_expiring", condition=Q(expires_on__isnull=False)),
        ]

    @property
    def subject(self) -> str:
        """Key of this lot in the timeline."""
        return f"lot:{self.pk}"


class LotLevel(models.Model):
    """Units of a lot at a location, in the buckets that are goods: each count is the sum of the lot's ledger rows, and over all
    lots of a variant it is the stock level's count.

    `picked` are units in a tote or parcel that has not left: taken for one order, so no other is given them. They are part of the
    level's reserved units, which belong to no lot before somebody takes them from the shelf; the ledger does not know them.
    """

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="levels", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    on_hand = models.IntegerField(default=0, db_default=0)
    damaged = models.IntegerField(default=0, db_default=0)
    quality_control = models.IntegerField(default=0, db_default=0)
    picked = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lot", "location"], name="lot_level_once"),
            models.CheckConstraint(
                condition=not_negative("on_hand", "damaged", "quality_control", "picked"), name="lot_level_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(on_hand__gte=F("damaged") + F("quality_control") + F("picked")),
                name="lot_level_never_taken_twice",
            ),
        ]


class SerialState(models.TextChoices):
    IN_STOCK = "in_stock", _("In stock")
    SHIPPED = "shipped", _("Shipped")
    IN_TRANSIT = "in_transit", _("In transit")
    GONE = "gone", _("Gone")  # lost, scrapped, returned to the supplier


class SerialNumber(models.Model):
    """One unit of a variant that is followed by serial number."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="serials", db_index=False)
    serial = models.CharField(_("serial number"), max_length=60)
    location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="+")  # where it lies now
    state = models.CharField(max_length=10, choices=SerialState.choices, default=SerialState.IN_STOCK)
    # It lies in a parcel that has not left: nobody else may take it.
    picked = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["variant", "serial"], name="serial_once"),
            models.CheckConstraint(condition=Q(picked=False) | Q(state="in_stock"), name="serial_picked_is_in_stock"),
            models.CheckConstraint(condition=Q(state__in=SerialState.values), name="serial_state_known"),
            models.CheckConstraint(
                condition=Q(state="in_stock", location__isnull=False)
                | (~Q(state="in_stock") & Q(location__isnull=True)),
                name="serial_lies_where_it_is_in_stock",
            ),
        ]
        indexes = [
            models.Index(fields=["serial"], name="serial_by_number"),
            models.Index(fields=["variant", "location"], name="serial_in_stock", condition=Q(state="in_stock")),
        ]

    @property
    def subject(self) -> str:
        """Key of this unit in the timeline: its whole way is told there."""
        return f"serial:{self.pk}"
