"""What goods cost turns out otherwise: a late invoice for freight or duty, another rate, a cost that nobody had known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import quantize
from core.refusals import Invalid, NotFound
from core.shop import SUBJECT as SHOP
from core.timeline import record
from inventory.models import Variant
from purchasing.models import CostEntry, CostMethod, CostSettings, EntryKind, PurchaseLine, PurchaseOrder
from purchasing.operations.costing import cost_variant
from purchasing.operations.pools import Costing
from purchasing.queries import landed_costs_of


def revalue_purchase(*, purchase_id: int, now: datetime) -> int:
    """Bring the layers of an order's receipts to what its units cost now; the number of variants corrected. Safe to run twice."""
    order = PurchaseOrder.objects.filter(pk=purchase_id).first()
    if order is None:
        return 0
    corrected = 0
    lines = PurchaseLine.objects.filter(order_id=purchase_id, received__gt=0).order_by("variant_id")
    for line_id, variant_id in lines.values_list("pk", "variant_id"):
        with transaction.atomic():
            costing = Costing.locked(variant_id)
            # Read under the lock: who changes the order again tells again.
            landed = landed_costs_of(purchase_id)[line_id]
            layers = costing.layers_of(order.subject)
            total = landed.of(sum(layer.units for layer in layers), costing.pool.currency)
            if costing.revalue(layers, total, cause=order.subject, note="", at=now):
                costing.save(also=layers)
                corrected += 1
    return corrected


def set_stock_cost(*, variant_id: int, unit_cost: Decimal, note: str, actor: Actor, now: datetime) -> Decimal:
    """Say what one unit of everything on hand costs, in the shop's currency; the change of stock value by FIFO.

    For goods whose cost nobody knew. Raises Invalid (fields unit_cost, note), NotFound.
    """
    if not 0 <= unit_cost <= Decimal(10) ** 9 or unit_cost != round(unit_cost, 4):
        raise Invalid("bad_cost", _("Write a price not below zero, with at most 4 decimals."), field="unit_cost")
    note = " ".join(note.split())[:200]
    if not note:
        raise Invalid("no_reason", _("Say where the cost comes from."), field="note")
    variant = Variant.objects.filter(pk=variant_id).first()
    if variant is None:
        raise NotFound("no_such_variant", _("There is no such SKU."))
    cost_variant(variant_id, now=now)
    with transaction.atomic():
        costing = Costing.locked(variant_id)
        pool = costing.pool
        if not pool.units:
            raise Invalid("nothing_on_hand", _("Nothing of it is in stock."), field="unit_cost")
        before = pool.fifo_value, pool.average_value
        total = quantize(unit_cost * pool.units, pool.currency)
        left, units = total, pool.units
        for layer in pool.layers:
            value = left if layer.remaining == units else quantize(left * layer.remaining / units, pool.currency)
            left -= value
            units -= layer.remaining
            layer.remaining_value, layer.unknown, layer.touched = value, False, True
        pool.average_value, pool.last_unit_cost = total, unit_cost
        fifo, average = total - before[0], total - before[1]
        costing.entries.append(
            CostEntry(
                variant_id=variant_id, kind=EntryKind.ADJUSTMENT, cause=actor.ref[:60], quantity=0, note=note, fifo_stock=fifo,
                fifo_expense=-fifo, average_stock=average, average_expense=-average, currency=pool.currency, at=now,
            )
        )  # fmt: skip
        costing.save()
        record(
            variant.subject,
            "cost.set",
            actor=actor,
            at=now,
            sku=variant.sku,
            amount=str(unit_cost),
            currency=pool.currency,
            note=note,
        )
    return fifo


def set_cost_method(*, method: str, actor: Actor, now: datetime) -> CostSettings:
    """Choose by which method costs are read, of the past as well (both are kept). Raises Invalid."""
    if method not in CostMethod.values:
        raise Invalid("bad_method", _("Choose a method."), field="method")
    with transaction.atomic():
        settings, _made = CostSettings.objects.select_for_update().get_or_create(pk=1)
        if settings.method != method:
            before, settings.method = settings.method, method
            settings.save()
            record(SHOP, "cost.method_changed", actor=actor, at=now, before=before, after=method)
    return settings
