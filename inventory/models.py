"""What we have and where: products, locations, stock levels by bucket, the append-only ledger, reservations."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.models import not_negative
from core.search import search_column


class Product(models.Model):
    """What is sold; its variants are the sellable units."""

    handle = models.CharField(_("handle"), max_length=255, unique=True)
    title = models.CharField(_("title"), max_length=255)
    vendor = models.CharField(_("vendor"), max_length=120, blank=True)
    product_type = models.CharField(_("type"), max_length=120, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["title", "id"], name="product_by_title")]

    @property
    def subject(self) -> str:
        """Key of this product in the timeline."""
        return f"product:{self.pk}"


class Variant(models.Model):
    """The sellable unit: one SKU, one barcode, one weight and size. Weights in grams, sizes in millimetres."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="variants")
    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    title = models.CharField(_("title"), max_length=255)  # product title and options, as printed
    options = models.JSONField(default=dict, blank=True)  # {"Size": "M"}
    barcode = models.CharField(_("barcode"), max_length=64, blank=True)
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=4, default=Decimal(0))
    cost = models.DecimalField(_("cost"), max_digits=14, decimal_places=4, null=True, blank=True)
    weight_grams = models.PositiveIntegerField(_("weight (g)"), default=0)
    length_mm = models.PositiveIntegerField(_("length (mm)"), null=True, blank=True)
    width_mm = models.PositiveIntegerField(_("width (mm)"), null=True, blank=True)
    height_mm = models.PositiveIntegerField(_("height (mm)"), null=True, blank=True)
    hs_code = models.CharField(_("HS code"), max_length=14, blank=True)
    origin_country = models.CharField(_("country of origin"), max_length=2, blank=True)
    requires_shipping = models.BooleanField(_("needs shipping"), default=True)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    search_text = models.TextField(default="", blank=True)  # core.text.search_words(sku, title, barcode, …)
    search = search_column()

    class Meta:
        constraints = [models.CheckConstraint(condition=not_negative("price"), name="variant_price_not_negative")]
        indexes = [
            GinIndex(fields=["search"], name="variant_search"),
            models.Index(fields=["barcode"], name="variant_barcode", condition=~Q(barcode="")),
        ]

    @property
    def subject(self) -> str:
        """Key of this variant in the timeline."""
        return f"variant:{self.pk}"


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


class StockMovement(models.Model):
    """One immutable ledger row (a trigger refuses UPDATE and DELETE)."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    bucket = models.CharField(max_length=16, choices=Bucket.choices)
    quantity = models.IntegerField()
    reason = models.CharField(max_length=12, choices=MovementReason.choices)
    cause = models.CharField(
        max_length=60
    )  # what made it: "order:12", "job:3", "return:9", "adjustment:<key>", "undo:<movement>"
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
                fields=["cause", "variant", "location", "bucket"],
                name="movement_made_once",
                condition=Q(cause__startswith="adjustment:") | Q(cause__startswith="undo:"),
            ),
        ]
        indexes = [
            models.Index(fields=["variant", "location", "id"], name="movement_of_level"),
            models.Index(fields=["cause"], name="movement_of_cause"),
        ]


class Reservation(models.Model):
    """A claim on stock for one order line at one location; open while `quantity` is above zero.

    owner: what still needs it, "order_line:12". quantity falls when units ship or are released; the row stays as history.
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
