"""What goods cost: layers of purchases, the pool of each variant, and an entry for every unit that came or went.

Costs are kept per variant over all locations, in the shop's currency. Both methods are kept at once, to the smallest unit of money:
FIFO in the layers, the moving average in the pool. The setting chooses which one reports read, so a change of method restates the past
as accounting standards ask (IAS 8.22), and loses nothing.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.models import not_negative
from inventory.models import Location, Variant


class CostMethod(models.TextChoices):
    AVERAGE = "average", _("Moving average")
    FIFO = "fifo", _("First in, first out")


class CostSettings(models.Model):
    """How costs are read: one row (id 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    method = models.CharField(_("cost method"), max_length=8, choices=CostMethod.choices, default=CostMethod.AVERAGE)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="cost_settings_are_one"),
            models.CheckConstraint(condition=Q(method__in=CostMethod.values), name="cost_method_known"),
        ]


class VariantCost(models.Model):
    """The pool of a variant: its units and what they are worth by each method. Locked by whoever costs it.

    units = on hand everywhere + in transit between our locations, as far as the ledger was followed.
    """

    variant = models.OneToOneField(Variant, on_delete=models.PROTECT, related_name="pool", primary_key=True)
    units = models.IntegerField(default=0)
    in_transit = models.IntegerField(default=0)
    fifo_value = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    average_value = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    last_unit_cost = models.DecimalField(max_digits=18, decimal_places=6, null=True)  # of the newest layer with a cost
    unknown_units = models.IntegerField(default=0)  # of them valued at nothing, for nobody said what they cost

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=not_negative("units", "fifo_value", "average_value"), name="variant_cost_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(units__gt=0) | Q(fifo_value=0, average_value=0), name="variant_cost_of_nothing_is_nothing"
            ),
        ]


class CostCursor(models.Model):
    """Up to which ledger row a level's movements are costed. Within a level rows are written in order, under its lock."""

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+")
    movement_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["variant", "location"], name="cost_cursor_once")]


class EntryKind(models.TextChoices):
    """What moved value."""

    PURCHASE = "purchase", _("Purchase received")
    SALE = "sale", _("Sold")
    RETURN = "return", _("Returned by a customer")
    ADJUSTMENT = "adjustment", _("Found or counted up")
    LOSS = "loss", _("Lost, scrapped or counted down")
    TO_SUPPLIER = "to_supplier", _("Returned to the supplier")
    REVALUATION = "revaluation", _("Cost corrected")


class CostLayer(models.Model):
    """Units that came in together, oldest first out. value is what all of them cost, remaining_value what the remaining ones do."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="cost_layers", db_index=False)
    source = models.CharField(max_length=60)  # "purchase:7", "return:9", "adjustment:…": the ledger's cause
    at = models.DateTimeField()
    units = models.PositiveIntegerField()
    value = models.DecimalField(max_digits=18, decimal_places=4)
    remaining = models.PositiveIntegerField()
    remaining_value = models.DecimalField(max_digits=18, decimal_places=4)
    unknown = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=not_negative("value", "remaining_value"), name="cost_layer_not_negative"),
            models.CheckConstraint(condition=Q(units__gt=0), name="cost_layer_has_units"),
            models.CheckConstraint(condition=Q(remaining__lte=F("units")), name="cost_layer_keeps_what_came"),
            models.CheckConstraint(
                condition=Q(remaining__gt=0) | Q(remaining_value=0), name="cost_layer_empty_is_worth_nothing"
            ),
        ]
        indexes = [
            models.Index(fields=["variant", "id"], name="cost_layer_open", condition=Q(remaining__gt=0)),
            models.Index(fields=["source", "variant"], name="cost_layer_source"),
        ]


class CostEntry(models.Model):
    """One change of stock value: of the units of a ledger row, or of a revaluation (no units, no movement).

    quantity: signed units of the pool. *_stock: what stock is worth more; *_expense: what was spent; amounts in the shop's currency.
    A sale has stock −v and expense +v; a receipt stock +v and no expense (a payable); a late cost is split between both.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    movement_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=12, choices=EntryKind.choices)
    cause = models.CharField(max_length=60)
    origin = models.CharField(max_length=60, blank=True)  # of a return: what the units left with, "order:12"
    quantity = models.IntegerField()
    fifo_stock = models.DecimalField(max_digits=18, decimal_places=4)
    fifo_expense = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    average_stock = models.DecimalField(max_digits=18, decimal_places=4)
    average_expense = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    currency = models.CharField(max_length=3)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["movement_id"], name="cost_entry_once_per_movement"),
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="cost_entry_kind_known"),
        ]
        indexes = [
            models.Index(fields=["at"], name="cost_entry_at"),
            models.Index(fields=["variant", "id"], name="cost_entry_variant"),
            models.Index(fields=["cause", "variant"], name="cost_entry_cause"),
            models.Index(fields=["origin", "variant"], name="cost_entry_origin", condition=~Q(origin="")),
        ]
