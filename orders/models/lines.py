"""What was bought: lines, and bundles as they were sold."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core.models import at_most, not_negative
from inventory.models import Variant
from orders.models.order import Order, money


class OrderBundle(models.Model):
    """A bundle as it was sold: a group of the order whose components are ordinary lines that carry its money and its stock.

    position: that of its first line. The amounts are what its lines add up to, and stay when the catalogue changes.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="bundles", db_index=False)
    position = models.PositiveSmallIntegerField()
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    sku = models.CharField(max_length=64)
    title = models.CharField(max_length=255)
    quantity = models.PositiveIntegerField()
    unit_price = money()
    discount = money()  # of the whole group
    tax = money()  # of the whole group

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_bundle_position"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_bundle_counts"),
            models.CheckConstraint(
                condition=not_negative("unit_price", "discount", "tax"), name="order_bundle_amounts"
            ),
        ]
        indexes = [models.Index(fields=["sku", "order"], name="order_bundle_sku")]


class OrderLine(models.Model):
    """One variant and quantity, with price, discount and tax fixed at purchase.

    The quantities are a funnel: each counts the units that have *reached at least* that stage, so they only order downwards:
    delivered ≤ shipped ≤ packed ≤ picked ≤ allocated, and allocated + backordered ≤ ordered − cancelled.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    variant = models.ForeignKey(Variant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    sku = models.CharField(max_length=64)
    title = models.CharField(max_length=255)
    bundle = models.ForeignKey(
        OrderBundle, null=True, on_delete=models.CASCADE, related_name="lines", db_index=False
    )  # the group whose component this is
    per_bundle = models.PositiveIntegerField(null=True)  # units of this line in one unit of the group
    requires_shipping = models.BooleanField(default=True)
    unit_price = money()
    discount = money()  # of the whole line
    tax = money()  # of the whole line; its sum over lines may be less than the order's (shipping is taxed too)
    # A fraction (0.19), where it is known; documents sum up tax by it.
    tax_rate = models.DecimalField(max_digits=7, decimal_places=5, null=True)
    weight_grams = models.PositiveIntegerField(default=0)

    ordered = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)
    backordered = models.PositiveIntegerField(default=0)
    allocated = models.PositiveIntegerField(default=0)
    picked = models.PositiveIntegerField(default=0)
    packed = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    delivered = models.PositiveIntegerField(default=0)
    return_requested = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    refunded = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position"),
            models.CheckConstraint(condition=Q(ordered__gt=0), name="order_line_orders_something"),
            models.CheckConstraint(
                condition=Q(ordered__gte=F("cancelled") + F("allocated") + F("backordered")), name="order_line_placed_within_ordered"
            ),
            models.CheckConstraint(
                condition=Q(allocated__gte=F("picked"), picked__gte=F("packed"), packed__gte=F("shipped"), shipped__gte=F("delivered")),
                name="order_line_funnel",
            ),
            models.CheckConstraint(
                condition=Q(shipped__gte=F("return_requested"), return_requested__gte=F("returned")),
                name="order_line_returns_within_shipped",
            ),
            models.CheckConstraint(condition=at_most("refunded", "ordered"), name="order_line_refunded_within_ordered"),
            models.CheckConstraint(condition=not_negative("unit_price", "discount", "tax"), name="order_line_amounts"),
            models.CheckConstraint(
                condition=Q(bundle__isnull=True, per_bundle__isnull=True) | Q(bundle__isnull=False, per_bundle__isnull=False, per_bundle__gt=0),
                name="order_line_of_a_bundle_counts",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["variant", "order"], name="order_line_backordered", condition=Q(backordered__gt=0)),
            models.Index(fields=["sku", "order"], name="order_line_sku"),
            models.Index(fields=["bundle"], name="order_line_bundle", condition=Q(bundle__isnull=False)),
        ]

    @property
    def to_place(self) -> int:
        """Units that have neither a place nor a back-order nor were cancelled."""
        return self.ordered - self.cancelled - self.allocated - self.backordered

    @property
    def cancellable(self) -> int:
        """Units that have not left and are not picked."""
        return self.ordered - self.cancelled - self.picked

    @property
    def reservation_owner(self) -> str:
        return f"order_line:{self.pk}"
