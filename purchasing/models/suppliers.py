"""Who delivers, and under what terms each SKU."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.addresses import Address
from core.models import not_negative
from core.search import search_column
from inventory.models import Variant


class Supplier(models.Model):
    """A firm that goods are bought from. Prices and the minimum order are in its currency."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    code = models.CharField(_("code"), max_length=20, unique=True)
    email = models.EmailField(_("e-mail for orders"), max_length=254, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    language = models.CharField(_("language"), max_length=8, default="en")
    lead_time_days = models.PositiveSmallIntegerField(_("lead time (days)"), default=7)
    # Standard deviation of the lead time, in days.
    lead_time_spread = models.DecimalField(
        _("spread of the lead time (days)"), max_digits=5, decimal_places=1, default=Decimal(0)
    )
    minimum_order = models.DecimalField(_("minimum order"), max_digits=14, decimal_places=4, default=Decimal(0))
    address = models.JSONField(_("address"), default=dict, blank=True)
    payment_terms = models.CharField(_("payment terms"), max_length=200, blank=True)
    note = models.TextField(_("note"), blank=True)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    search_text = models.TextField(default="", blank=True)  # core.text.search_words(name, code, e-mail, city)
    search = search_column()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=not_negative("minimum_order", "lead_time_spread"), name="supplier_terms_not_negative"
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="supplier_currency_is_a_code"),
        ]
        indexes = [GinIndex(fields=["search"], name="supplier_search")]

    @property
    def postal_address(self) -> Address:
        return Address.from_json(self.address)

    @property
    def subject(self) -> str:
        """Key of this supplier in the timeline."""
        return f"supplier:{self.pk}"


class SupplierItem(models.Model):
    """One of our variants as a supplier sells it. The price is for one unit, in the supplier's currency."""

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="items", db_index=False)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="supplier_items")
    sku = models.CharField(_("supplier's SKU"), max_length=64, blank=True)
    pack_size = models.PositiveIntegerField(_("pack size"), default=1)  # units; orders are whole packs
    minimum_quantity = models.PositiveIntegerField(_("minimum quantity"), default=1)  # units per order
    price = models.DecimalField(_("price per unit"), max_digits=14, decimal_places=4)
    preferred = models.BooleanField(_("preferred"), default=False)
    lead_time_days = models.PositiveSmallIntegerField(
        _("lead time (days)"), null=True, blank=True
    )  # null: the supplier's
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supplier", "variant"], name="supplier_item_once"),
            models.UniqueConstraint(
                fields=["variant"], condition=Q(preferred=True), name="supplier_item_one_preferred"
            ),
            models.CheckConstraint(condition=not_negative("price"), name="supplier_price_not_negative"),
            models.CheckConstraint(condition=Q(pack_size__gt=0), name="supplier_pack_holds_something"),
        ]
        indexes = [models.Index(fields=["sku"], name="supplier_item_sku", condition=~Q(sku=""))]
