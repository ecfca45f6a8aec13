"""Purchase orders from a file: new ones become drafts under the number they have there, drafts become what the file says.

An order that was sent is a promise to somebody: a file changes it no more, and one that says the same is unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Refusal
from inventory.models import Variant
from oms.orchestration.import_outcomes import CREATED, UNCHANGED, UPDATED, Change, Outcome, refused, take_turn
from oms.orchestration.setting_counts import locations_by_name, no_such_location, no_such_sku
from purchasing.models import PurchaseOrder, Supplier
from purchasing.operations import LineEdit, NewLine, create_purchase_order, edit_purchase_order
from purchasing.states import PurchaseState

#: Numbers that this system gives itself.
_OWN = re.compile(r"PO-\d+")


class PurchaseLineData(Protocol):
    @property
    def sku(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_cost(self) -> Decimal | None: ...


class PurchaseData(Protocol):
    """One order with all its lines; None is not told."""

    @property
    def number(self) -> str: ...
    @property
    def supplier(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def expected_on(self) -> date | None: ...
    @property
    def note(self) -> str | None: ...
    @property
    def parts(self) -> Sequence[PurchaseLineData]: ...


def import_purchases(records: Sequence[PurchaseData], *, actor: Actor, now: datetime) -> list[Outcome]:
    """Make or change drafts, each order as a whole or not at all; outcomes in the order of the records."""
    with transaction.atomic():
        take_turn("purchases")
        run = _Run(records)
        return [run.take(record, actor=actor, now=now) for record in records]


class _Run:
    def __init__(self, records: Sequence[PurchaseData]) -> None:
        skus = {part.sku for record in records for part in record.parts}
        self.variants = dict(Variant.objects.filter(sku__in=skus).values_list("sku", "pk"))
        self.places = locations_by_name()
        suppliers = list(Supplier.objects.order_by("pk").only("pk", "name", "code"))
        self.suppliers = {s.name: s for s in suppliers} | {s.code: s for s in suppliers}
        orders = PurchaseOrder.objects.filter(number__in={record.number for record in records})
        self.orders = {order.number: order for order in orders.prefetch_related("lines__variant")}

    def take(self, record: PurchaseData, *, actor: Actor, now: datetime) -> Outcome:
        if fault := self._fault(record):
            return fault
        order = self.orders.get(record.number)
        try:
            with transaction.atomic():
                if order is None:
                    return self._create(record, actor=actor, now=now)
                return self._change(order, record, actor=actor, now=now)
        except Refusal as refusal:
            return _refused(refusal, record, order)

    def _fault(self, record: PurchaseData) -> Outcome | None:
        if record.supplier not in self.suppliers:
            message = _("There is no supplier “{name}”; import suppliers first.")
            return refused(message.format(name=record.supplier), field="supplier")
        if record.location not in self.places:
            return refused(no_such_location(record.location), field="location")
        for n, part in enumerate(record.parts):
            if part.sku not in self.variants:
                return refused(no_such_sku(part.sku), field="sku", line=n)
        if record.number not in self.orders and _OWN.fullmatch(record.number):
            message = _("There is no order {number}, and numbers like it are given by this system; name it otherwise.")
            return refused(message.format(number=record.number), field="number")
        return None

    def _create(self, record: PurchaseData, *, actor: Actor, now: datetime) -> Outcome:
        create_purchase_order(
            supplier_id=self.suppliers[record.supplier].pk, location_id=self.places[record.location], number=record.number,
            lines=[NewLine(self.variants[part.sku], part.quantity, part.unit_cost) for part in record.parts],
            expected_on=record.expected_on, note=record.note or "", actor=actor, now=now,
        )  # fmt: skip
        return Outcome(CREATED, changes=tuple((part.sku, "", str(part.quantity)) for part in record.parts))

    def _change(self, order: PurchaseOrder, record: PurchaseData, *, actor: Actor, now: datetime) -> Outcome:
        if order.supplier_id != self.suppliers[record.supplier].pk:
            return refused(
                _("Order {number} is one to another supplier.").format(number=order.number), field="supplier"
            )
        head = self._head(order, record)
        edits, added, changes = self._lines(order, record)
        changes = [(name, str(getattr(order, name) or ""), str(value)) for name, value in head.items()] + changes
        if not changes:
            return Outcome(UNCHANGED)
        if order.state != PurchaseState.DRAFT:
            message = _("Order {number} is no draft any more; a file does not change it. Different: {what}.")
            what = ", ".join(f"{name}: {before or '—'} → {after or '—'}" for name, before, after in changes[:3])
            return refused(message.format(number=order.number, what=what), field="number")
        edit_purchase_order(order_id=order.pk, values=head, edits=edits, added=added, actor=actor, now=now)
        return Outcome(UPDATED, changes=tuple(changes))

    def _head(self, order: PurchaseOrder, record: PurchaseData) -> dict[str, Any]:
        told: Mapping[str, Any] = {
            "location_id": self.places[record.location],
            "expected_on": record.expected_on or order.expected_on,
            "note": order.note if record.note is None else record.note,
        }
        return {name: value for name, value in told.items() if getattr(order, name) != value}

    def _lines(self, order: PurchaseOrder, record: PurchaseData) -> tuple[list[LineEdit], list[NewLine], list[Change]]:
        """What turns the order's lines into the file's."""
        told = {self.variants[part.sku]: part for part in record.parts}
        edits, changes = [], []
        for line in order.lines.all():
            part = told.pop(line.variant_id, None)
            quantity = part.quantity if part else 0
            cost = part.unit_cost if part and part.unit_cost is not None else line.unit_cost
            if (quantity, cost) == (line.ordered, line.unit_cost):
                continue
            edits.append(LineEdit(line.pk, quantity, cost))
            before, after = f"{line.ordered} × {line.unit_cost:f}", f"{quantity} × {cost:f}"
            changes.append((line.variant.sku, before, after))
        added = [NewLine(pk, part.quantity, part.unit_cost) for pk, part in told.items()]
        changes += [(part.sku, "", str(part.quantity)) for part in told.values()]
        return edits, added, changes


def _refused(refusal: Refusal, record: PurchaseData, order: PurchaseOrder | None) -> Outcome:
    """The refusal of an operation at the line and column of the file it is about, where it names one."""
    field = refusal.field or ""
    if field in ("supplier", "location", "expected_on", "note"):
        return refused(refusal.message, field=field)
    column = "unit_cost" if field.startswith(("cost", "unit_cost")) else "quantity" if "quantity" in field else "sku"
    line = next((n for n, part in enumerate(record.parts) if part.sku in refusal.message), None)
    return refused(refusal.message, field=column, line=line)
