"""What is sold: products and their variants."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

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


class Tracking(models.TextChoices):
    """How closely the units of a variant are followed from receipt to parcel."""

    NONE = "none", _("By quantity")
    LOT = "lot", _("By lot")
    SERIAL = "serial", _("By serial number")


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
    tracking = models.CharField(
        _("followed"), max_length=6, choices=Tracking.choices, default=Tracking.NONE, db_default=Tracking.NONE
    )
    # Units of a lot with fewer days to its expiry are not shipped; 0: they ship up to the day itself.
    min_remaining_days = models.PositiveSmallIntegerField(_("days left when it ships"), default=0, db_default=0)
    released_on = models.DateField(_("release date"), null=True, blank=True)  # sold before that day: a pre-order
    # Its units stay where they are until somebody (beat, on the day) releases it: routing reads this, not the clock.
    awaits_release = models.BooleanField(default=False, db_default=False)
    is_bundle = models.BooleanField(_("bundle"), default=False, db_default=False)  # made of components, never stocked
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    search_text = models.TextField(default="", blank=True)  # core.text.search_words(sku, title, barcode, …)
    search = search_column()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=not_negative("price"), name="variant_price_not_negative"),
            models.CheckConstraint(condition=Q(tracking__in=Tracking.values), name="variant_tracking_known"),
            models.CheckConstraint(
                condition=Q(is_bundle=False) | Q(tracking=Tracking.NONE), name="variant_bundle_is_not_tracked"
            ),
            models.CheckConstraint(
                condition=Q(awaits_release=False) | Q(released_on__isnull=False), name="variant_awaits_a_day"
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="variant_search"),
            models.Index(fields=["barcode"], name="variant_barcode", condition=~Q(barcode="")),
            models.Index(fields=["product"], name="variant_bundles", condition=Q(is_bundle=True)),
            # Few variants are followed, and every change of stock asks for them.
            models.Index(fields=["id"], name="variant_tracked", condition=~Q(tracking="none")),
            models.Index(fields=["id"], name="variant_unreleased", condition=Q(awaits_release=True)),
        ]

    @property
    def subject(self) -> str:
        """Key of this variant in the timeline."""
        return f"variant:{self.pk}"


class BundleComponent(models.Model):
    """How many units of a component are in one unit of a bundle. A bundle's components are never bundles themselves."""

    bundle = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="components", db_index=False)
    component = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="part_of")
    quantity = models.PositiveIntegerField(_("units in one bundle"), default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bundle", "component"], name="bundle_component_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="bundle_component_counts"),
            models.CheckConstraint(condition=~Q(bundle=models.F("component")), name="bundle_is_not_its_component"),
        ]
