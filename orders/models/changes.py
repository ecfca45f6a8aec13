"""Edits after placement, and acts on many orders that can be taken back."""

from __future__ import annotations

from django.db import models

from orders.models.order import Order, money


class ChangeOrder(models.Model):
    """An edit after placement, as it was submitted; it never changes (a trigger refuses it).

    changes: what was asked for. effect: what it did to money and stock, as the preview showed it. version: of the order it changed.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="changes")
    position = models.PositiveSmallIntegerField()  # the order's first change is 1
    key = models.CharField(max_length=120)  # names the submission, so that it is done once
    version = models.PositiveIntegerField()
    reason = models.CharField(max_length=200, blank=True)
    changes = models.JSONField()
    effect = models.JSONField()
    total_before = money()
    total_after = money()
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="change_order_position"),
            models.UniqueConstraint(fields=["order", "key"], name="change_order_once"),
        ]
        indexes = [models.Index(fields=["at"], name="change_order_at")]


class BulkChange(models.Model):
    """One act on many orders that can be undone, with what each of them was before. `act` is a name in oms.bulk_orders."""

    act = models.CharField(max_length=20)
    actor = models.CharField(max_length=80)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="bulk_change_at")]


class BulkChangeItem(models.Model):
    """An order of such an act. before, after: what the act changed, in a list of one, as its undoing reads it; it is undone only while `after` holds."""

    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="items")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+", db_index=False)
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "order"], name="bulk_change_item_once")]
