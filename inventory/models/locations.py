"""Places that hold or ship goods."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.addresses import Address


class LocationKind(models.TextChoices):
    WAREHOUSE = "warehouse", _("Warehouse")
    STORE = "store", _("Store")
    THIRD_PARTY = "3pl", _("3PL")
    SUPPLIER = "supplier", _("Supplier")


class Location(models.Model):
    """A place that holds or ships goods."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    code = models.CharField(_("code"), max_length=12, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=LocationKind.choices, default=LocationKind.WAREHOUSE)
    address = models.JSONField(default=dict, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    ships_online = models.BooleanField(_("may ship online orders"), default=True)
    offers_pickup = models.BooleanField(_("offers pickup"), default=False)
    accepts_returns = models.BooleanField(_("accepts returns"), default=True)
    ships_to = ArrayField(models.CharField(max_length=2), default=list, blank=True)  # empty: everywhere
    channel_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)  # sales channels it serves; empty: all
    daily_capacity = models.PositiveIntegerField(_("orders a day"), null=True, blank=True)  # null: no limit
    cutoff = models.TimeField(_("cut-off"), null=True, blank=True)  # local; orders after it ship the next day
    handling_days = models.PositiveSmallIntegerField(_("handling days"), default=1)
    rank = models.PositiveSmallIntegerField(_("rank"), default=100)  # lower is preferred
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=LocationKind.values), name="location_kind_known"),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__gte=-90,
                    latitude__lte=90,
                    longitude__gte=-180,
                    longitude__lte=180,
                ),
                name="location_coordinates_in_range",
            ),
        ]

    @property
    def postal_address(self) -> Address:
        return Address.from_json(self.address)

    @property
    def subject(self) -> str:
        """Key of this location in the timeline."""
        return f"location:{self.pk}"


class LocationDay(models.Model):
    """How many fulfillment orders a location with a daily capacity has taken on one of its local days."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    assigned = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "day"], name="location_day_once")]
