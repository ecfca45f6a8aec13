"""Drafts: made by people, edited line by line, approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import quantize
from core.refusals import Invalid, NotFound
from inventory.models import Location, Variant
from purchasing.models import PurchaseLine, PurchaseOrder, Supplier, SupplierItem
from purchasing.operations.locking import Locked, goods_total, lock_purchase, record, write_order
from purchasing.operations.planning import new_order
from purchasing.operations.suppliers import line_of_text
from purchasing.states import PURCHASE_MACHINE, ChargeBasis

MOST_UNITS = 1_000_000
MOST_LINES = 1000
MOST_MONEY = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class NewLine:
    """Units of a variant to be ordered. unit_cost None: the supplier's price."""

    variant_id: int
    quantity: int
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A line of a draft as it shall be; quantity 0 takes it away."""

    line_id: int
    quantity: int
    unit_cost: Decimal


def create_purchase_order(
    *,
    supplier_id: int,
    location_id: int,
    lines: Sequence[NewLine] = (),
    expected_on: date | None = None,
    note: str = "",
    number: str = "",
    actor: Actor,
    now: datetime,
) -> PurchaseOrder:
    """A draft made by a person: it needs no approval. number: the one it has elsewhere, which none here has; empty: the next of our own.

    Raises Invalid (fields supplier, location, lines), NotFound.
    """
    with transaction.atomic():
        supplier = Supplier.objects.filter(pk=supplier_id).first()
        if supplier is None or not supplier.active:
            raise Invalid("no_such_supplier", _("Choose a supplier that is active."), field="supplier")
        if not Location.objects.filter(pk=location_id, active=True).exists():
            raise Invalid("no_such_location", _("Choose a location that is active."), field="location")
        order = new_order(
            supplier, location_id, now=now, note=_clean_note(note),
            expected_on=expected_on or (now + timedelta(days=supplier.lead_time_days)).date(),
        )  # fmt: skip
        order.number = number or order.number
        order.save(force_insert=True)
        locked = Locked(order, [])
        _add_lines(locked, lines)
        order.units = order.outstanding = sum(line.ordered for line in locked.lines)
        order.total = goods_total(locked.lines, order.currency)
        order.save(update_fields=["units", "outstanding", "total"])
        record(
            order,
            "purchase.created",
            actor=actor,
            now=now,
            supplier=supplier.name,
            units=order.units,
            total=str(order.total),
        )
        return order


def edit_purchase_order(
    *,
    order_id: int,
    values: Mapping[str, Any] | None = None,
    edits: Sequence[LineEdit] = (),
    added: Sequence[NewLine] = (),
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> PurchaseOrder:
    """Change a draft: its head (`values`: any of location_id, expected_on, note), its lines, and new ones.

    Raises Invalid (fields `quantity-<line id>`, `cost-<line id>`, `sku`), Stale, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        PURCHASE_MACHINE.check(locked.order, "edit")
        before = {line.variant.sku: line.ordered for line in locked.lines}
        head = _clean_head(values or {})
        _edit_lines(locked, edits)
        _add_lines(locked, added)
        after = {line.variant.sku: line.ordered for line in locked.lines}
        changes = {
            sku: [before.get(sku, 0), after.get(sku, 0)]
            for sku in before | after
            if before.get(sku, 0) != after.get(sku, 0)
        }
        write_order(locked, **head)
        record(locked.order, "purchase.edited", actor=actor, now=now, changes=changes, total=str(locked.order.total))
        return locked.order


def approve_purchase_order(*, order_id: int, actor: Actor, now: datetime, version: int | None = None) -> PurchaseOrder:
    """Somebody has looked at what a program wants to buy. Raises Stale, Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        PURCHASE_MACHINE.check(locked.order, "approve")
        write_order(locked, approved_at=now, approved_by=actor.label[:120])
        record(locked.order, "purchase.approved", actor=actor, now=now, total=str(locked.order.total))
        return locked.order


def change_charges(
    *,
    order_id: int,
    freight: Decimal,
    duty: Decimal,
    other: Decimal,
    basis: str,
    exchange_rate: Decimal | None = None,
    rate_source: str = "",
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> PurchaseOrder:
    """Set freight, duty, other charges and the exchange rate; also late, when goods have arrived: then they cost more or less.

    exchange_rate: one unit of the order's currency in the shop's, typed by a person who names its source; None leaves it.
    Raises Invalid naming the field, Stale, Refusal `wrong_state`.
    """
    from purchasing.operations.arriving import tell_landed_cost

    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        order = locked.order
        PURCHASE_MACHINE.check(order, "charge")
        values: dict[str, Any] = {"charge_basis": basis}
        for name, amount in (("freight", freight), ("duty", duty), ("other", other)):
            values[name] = _clean_charge(amount, order.currency, name)
        if basis not in ChargeBasis.values:
            raise Invalid("bad_basis", _("Choose how charges are spread."), field="charge_basis")
        if exchange_rate is not None:
            values |= _clean_rate(order, exchange_rate, rate_source)
        changes = {n: [_text(getattr(order, n)), _text(v)] for n, v in values.items() if getattr(order, n) != v}
        if not changes:
            return order
        write_order(locked, **values)
        record(order, "purchase.charged", actor=actor, now=now, changes=changes, total=str(order.total))
        tell_landed_cost(locked, actor=actor)
        return order


def _text(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value or "")


def _clean_charge(amount: Decimal, currency: str, field: str) -> Decimal:
    if not 0 <= amount <= MOST_MONEY or amount != quantize(amount, currency):
        raise Invalid(
            "bad_amount", _("Write an amount in {currency}, not below zero.").format(currency=currency), field=field
        )
    return amount


def _clean_rate(order: PurchaseOrder, rate: Decimal, source: str) -> dict[str, Any]:
    if order.currency == order.shop_currency:
        if rate != 1:
            raise Invalid("bad_rate", _("The order is in the shop's own currency."), field="exchange_rate")
        return {}
    if not 0 < rate < Decimal(10) ** 9 or rate != round(rate, 8):
        raise Invalid("bad_rate", _("Write a rate above zero, with at most 8 decimals."), field="exchange_rate")
    source = line_of_text(source, "rate_source", 120)
    if not source:
        raise Invalid("no_rate_source", _("Say where the rate comes from."), field="rate_source")
    return {"exchange_rate": rate, "rate_source": source}


def _clean_note(text: str) -> str:
    return text.replace("\x00", "").strip()[:4000]


def _clean_head(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(values) - {"location_id", "expected_on", "note"}
    if unknown:
        raise LookupError(f"{sorted(unknown)} of a purchase order cannot be set here")
    cleaned = dict(values)
    if "note" in cleaned:
        cleaned["note"] = _clean_note(cleaned["note"])
    if "location_id" in cleaned and not Location.objects.filter(pk=cleaned["location_id"], active=True).exists():
        raise Invalid("no_such_location", _("Choose a location that is active."), field="location")
    return cleaned


def _edit_lines(locked: Locked, edits: Sequence[LineEdit]) -> None:
    gone, changed = [], []
    for edit in edits:
        line = locked.line(edit.line_id, field=f"quantity-{edit.line_id}")
        if not 0 <= edit.quantity <= MOST_UNITS:
            raise Invalid(
                "bad_quantity", _("Between 0 and {most} units.").format(most=MOST_UNITS), field=f"quantity-{line.pk}"
            )
        _check_cost(edit.unit_cost, f"cost-{line.pk}")
        if not edit.quantity:
            gone.append(line)
        elif (line.ordered, line.unit_cost) != (edit.quantity, edit.unit_cost):
            line.ordered, line.unit_cost = edit.quantity, edit.unit_cost
            changed.append(line)
    PurchaseLine.objects.filter(pk__in=[line.pk for line in gone]).delete()
    PurchaseLine.objects.bulk_update(changed, ["ordered", "unit_cost"])
    locked.lines = [line for line in locked.lines if line not in gone]


def _check_cost(cost: Decimal, field: str) -> None:
    if not 0 <= cost <= MOST_MONEY or cost != round(cost, 4):
        raise Invalid("bad_cost", _("Write a price not below zero, with at most 4 decimals."), field=field)


def _add_lines(locked: Locked, added: Sequence[NewLine]) -> None:
    if not added:
        return
    order = locked.order
    variants = Variant.objects.in_bulk([line.variant_id for line in added])
    items = {
        item.variant_id: item
        for item in SupplierItem.objects.filter(supplier_id=order.supplier_id, variant__in=variants)
    }
    present = {line.variant_id for line in locked.lines}
    if len(locked.lines) + len(added) > MOST_LINES:
        raise Invalid("too_many_lines", _("An order has at most {most} lines.").format(most=MOST_LINES), field="sku")
    position = max((line.position for line in locked.lines), default=0)
    fresh = []
    for line in added:
        variant = variants.get(line.variant_id)
        if variant is None:
            raise NotFound("no_such_variant", _("There is no such SKU."), field="sku")
        if variant.is_bundle:
            raise Invalid("is_bundle", _("A bundle is not bought; its components are."), field="sku")
        if variant.pk in present:
            raise Invalid("line_exists", _("{sku} is on this order already.").format(sku=variant.sku), field="sku")
        if not 0 < line.quantity <= MOST_UNITS:
            raise Invalid("bad_quantity", _("Between 1 and {most} units.").format(most=MOST_UNITS), field="quantity")
        item = items.get(variant.pk)
        cost = line.unit_cost if line.unit_cost is not None else (item.price if item else None)
        if cost is None:
            raise Invalid(
                "no_price",
                _("Say what one {sku} costs: the supplier has no price for it.").format(sku=variant.sku),
                field="unit_cost",
            )
        _check_cost(cost, "unit_cost")
        present.add(variant.pk)
        position += 1
        fresh.append(
            PurchaseLine(order=order, position=position, variant=variant, supplier_sku=item.sku if item else "", ordered=line.quantity, unit_cost=cost)
        )  # fmt: skip
    locked.lines += PurchaseLine.objects.bulk_create(fresh)
