"""Goods arrive: counted at the door, booked once, in parts, damaged ones too, and more than was expected with a reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal
from inventory.models import Bucket, MovementReason, Tracking
from inventory.operations import Move
from inventory.operations.lots import find_or_add_lot
from inventory.operations.serials import receive_serials
from purchasing.events import LandedCostChanged
from purchasing.models import ArrivalCount, PurchaseLine, PurchaseOrder, Receipt, ReceiptLine
from purchasing.operations.locking import Locked, expect, lock_purchase, outstanding, record, write_order
from purchasing.operations.suppliers import line_of_text
from purchasing.states import PURCHASE_MACHINE, PurchaseState

MOST_UNITS = 1_000_000


@dataclass(frozen=True, slots=True)
class Arrived:
    """Units of a line that came, damaged ones among them; lot and serials where the variant is followed by them."""

    line_id: int
    quantity: int
    damaged: int = 0
    lot_code: str = ""
    expires_on: date | None = None
    serials: tuple[str, ...] = ()


def receive_purchase_order(
    *,
    order_id: int,
    arrived: Sequence[Arrived],
    key: str,
    reference: str = "",
    reason: str = "",
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Receipt:
    """Book a delivery: incoming falls by what was expected of it, on hand rises by all of it, damaged by what is damaged.

    The same `key` again changes nothing and answers the receipt that it made. More than expected needs a `reason`.
    Raises Invalid (fields `quantity-<line id>`, `damaged-<line id>`, `reason`), Stale, Refusal `wrong_state`.
    """
    if not 8 <= len(key) <= 64:
        raise Invalid("bad_key", _("Open the page anew and try again."), field="key")
    with transaction.atomic():
        locked = lock_purchase(order_id)
        known = Receipt.objects.filter(key=key).first()
        if known is not None:
            if known.order_id != order_id:
                raise Invalid("bad_key", _("Open the page anew and try again."), field="key")
            return known
        if version is not None and locked.order.version != version:
            lock_purchase(order_id, version=version)  # raises Stale in its own words
        return _book(locked, arrived, key=key, reference=reference, reason=reason, actor=actor, now=now)


def book_counted(
    *, order_id: int, key: str, reference: str = "", reason: str = "", actor: Actor, now: datetime
) -> Receipt:
    """Book what was scanned and counted for the order; the counts are then empty. Idempotent and refused as `receive_purchase_order`."""
    with transaction.atomic():
        locked = lock_purchase(order_id)
        known = Receipt.objects.filter(key=key, order_id=order_id).first()
        if known is not None:
            return known
        counts = list(ArrivalCount.objects.filter(line__order_id=order_id, counted__gt=0).order_by("pk"))
        arrived = [Arrived(c.line_id, c.counted, c.damaged, c.lot_code, c.expires_on, tuple(c.serials)) for c in counts]
        if not arrived:
            raise Refusal("nothing_counted", _("Nothing is counted yet: scan what has come."))
        receipt = receive_purchase_order(
            order_id=order_id, arrived=arrived, key=key, reference=reference, reason=reason, actor=actor, now=now
        )
        ArrivalCount.objects.filter(line__order_id=order_id).delete()
        del locked
        return receipt


def _book(
    locked: Locked, arrived: Sequence[Arrived], *, key: str, reference: str, reason: str, actor: Actor, now: datetime
) -> Receipt:
    order = locked.order
    state = PURCHASE_MACHINE.check(order, "receive_late" if order.state == PurchaseState.RECEIVED else "receive")
    chosen = _checked(locked, arrived)
    reason = line_of_text(reason, "reason", 200)
    over = _over(chosen)
    if any(over.values()) and not reason:
        skus = ", ".join(line.variant.sku for line in locked.lines if over.get(line.pk))
        raise Invalid(
            "more_than_expected",
            _("{skus}: more has come than was expected. Say why.").format(skus=skus),
            field="reason",
        )
    before, had_some = outstanding(locked), order.received > 0
    receipt = Receipt.objects.create(
        order=order, key=key, reference=line_of_text(reference, "reference", 80), reason=reason if any(over.values()) else "",
        actor=actor.ref, actor_label=actor.label[:120], at=now,
    )  # fmt: skip
    ReceiptLine.objects.bulk_create(_receipt_lines(receipt, chosen, dict(over)))
    moves = [move for line, item in chosen for move in _moves(line, item, order.location_id, actor=actor, now=now)]
    for line, item in chosen:
        line.received += item.quantity
        line.damaged += item.damaged
    PurchaseLine.objects.bulk_update({line.pk: line for line, _item in chosen}.values(), ["received", "damaged"])
    expect(locked, before, actor=actor, now=now, arrived=moves)
    _register_serials(chosen, order, actor=actor, now=now)
    write_order(locked, state=state)
    record(
        order, "purchase.received", actor=actor, now=now, receipt=receipt.pk, reason=receipt.reason,
        lines=_summary((line, item.quantity) for line, item in chosen), damaged=_summary((line, item.damaged) for line, item in chosen),
    )  # fmt: skip
    if order.state == PurchaseState.PARTLY_RECEIVED and not order.outstanding:
        write_order(locked, state=PURCHASE_MACHINE.check(order, "complete"), closed_at=now)
        record(order, "purchase.received_all", actor=actor, now=now, units=order.received)
    if had_some:
        tell_landed_cost(locked, actor=actor)
    return receipt


def _checked(locked: Locked, arrived: Sequence[Arrived]) -> list[tuple[PurchaseLine, Arrived]]:
    chosen = []
    for item in arrived:
        line = locked.line(item.line_id, field=f"quantity-{item.line_id}")
        if not 0 <= item.quantity <= MOST_UNITS:
            raise Invalid(
                "bad_quantity", _("Between 0 and {most} units.").format(most=MOST_UNITS), field=f"quantity-{line.pk}"
            )
        if not 0 <= item.damaged <= item.quantity:
            raise Invalid("bad_quantity", _("More are damaged than came."), field=f"damaged-{line.pk}")
        if item.quantity:
            _check_tracking(line, item)
            chosen.append((line, item))
    if not chosen:
        raise Invalid("nothing_chosen", _("Say what has come."))
    return chosen


def _over(chosen: Iterable[tuple[PurchaseLine, Arrived]]) -> dict[int, int]:
    """Line id → units beyond what is expected of it."""
    came: dict[int, int] = defaultdict(int)
    lines = {}
    for line, item in chosen:
        came[line.pk] += item.quantity
        lines[line.pk] = line
    return {pk: max(0, units - lines[pk].to_come) for pk, units in came.items()}


def _receipt_lines(
    receipt: Receipt, chosen: Iterable[tuple[PurchaseLine, Arrived]], over: dict[int, int]
) -> list[ReceiptLine]:
    rows = []
    for line, item in reversed(list(chosen)):  # the last of several lots of a line bear what was too much
        beyond = min(item.quantity, over[line.pk])
        over[line.pk] -= beyond
        rows.append(
            ReceiptLine(receipt=receipt, line=line, quantity=item.quantity, damaged=item.damaged, over=beyond,
                        lot_code=item.lot_code, expires_on=item.expires_on, serials=list(item.serials))
        )  # fmt: skip
    return rows[::-1]


def _moves(line: PurchaseLine, item: Arrived, location_id: int, *, actor: Actor, now: datetime) -> list[Move]:
    lot_id = None
    if line.variant.tracking == Tracking.LOT:
        lot = find_or_add_lot(
            variant_id=line.variant_id, code=item.lot_code, expires_on=item.expires_on, actor=actor, now=now
        )
        lot_id = lot.pk
    moves = [Move(line.variant_id, location_id, Bucket.ON_HAND, item.quantity, MovementReason.RECEIVED, lot_id=lot_id)]
    if item.damaged:
        moves.append(
            Move(line.variant_id, location_id, Bucket.DAMAGED, item.damaged, MovementReason.DAMAGED, lot_id=lot_id)
        )
    return moves


def _check_tracking(line: PurchaseLine, item: Arrived) -> None:
    """Units that are told apart are told apart from the door on: each with its lot, or each with its serial number."""
    tracking = line.variant.tracking
    if tracking == Tracking.LOT and not item.lot_code.strip():
        raise Invalid(
            "no_lot", _("{sku} is followed by lot: write the lot.").format(sku=line.variant.sku), field=f"lot-{line.pk}"
        )
    if tracking == Tracking.SERIAL and len(item.serials) != item.quantity:
        sentence = _("{sku}: {units} units need as many serial numbers, not {given}.")
        raise Invalid(
            "serials_missing", sentence.format(sku=line.variant.sku, units=item.quantity, given=len(item.serials)), field=f"serials-{line.pk}"
        )  # fmt: skip


def _register_serials(
    chosen: Iterable[tuple[PurchaseLine, Arrived]], order: PurchaseOrder, *, actor: Actor, now: datetime
) -> None:
    for line, item in chosen:
        if line.variant.tracking == Tracking.SERIAL:
            receive_serials(
                variant_id=line.variant_id, location_id=order.location_id, serials=item.serials, cause=order.subject,
                actor=actor, now=now,
            )  # fmt: skip


def _summary(units: Iterable[tuple[PurchaseLine, int]]) -> list[dict[str, Any]]:
    return [{"sku": line.variant.sku, "quantity": quantity} for line, quantity in units if quantity]


def tell_landed_cost(locked: Locked, *, actor: Actor) -> None:
    """Units have arrived before: what they cost may be another number now, and the costs follow after the commit."""
    if locked.order.received:
        publish(LandedCostChanged(locked.order.pk), actor=actor)


def purchase_of(number: str) -> PurchaseOrder | None:
    """The order of a scanned number."""
    return PurchaseOrder.objects.filter(number=number.strip().upper()[:20]).first()
