"""A draft becomes an order: in one transaction its held stock is let go and the order is placed, so that nobody can take it in between.

Goods that are handed over at once (`location`) leave that location with the placing: they never wait for a picker, a label or a parcel.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.money import format_money, is_exact
from core.refusals import Invalid, Refusal
from core.shop import shop
from core.timeline import record as record_line
from drafts.models import DraftOrder
from drafts.operations.holding import give_back, lock_all_levels
from drafts.operations.locking import Locked, check_address, lock_draft, record, write_draft
from drafts.queries import money_of
from drafts.states import Terms
from drafts.totals import ZERO, due_on
from inventory.models import MovementReason, Tracking, Variant
from inventory.operations import Move, apply_moves
from oms.orchestration.place_order import place_order
from oms.orchestration.requests import NewLine, NewOrder
from orders.models import Order, OrderLine
from orders.operations import record_payment

#: What stands for the SKU of words and a price.
CUSTOM_SKU = "CUSTOM"


@dataclass(frozen=True, slots=True)
class PaidInPerson:
    """Money taken over the counter or at the phone: cash, the card terminal, a bank transfer that came in. amount None: all of it."""

    amount: Decimal | None
    method: str
    reference: str = ""


def complete_draft(
    *, draft_id: int, action: str, paid: PaidInPerson | None = None, actor: Actor, now: datetime, version: int | None = None
) -> Order:  # fmt: skip
    """Place the order. action: `accept` (the customer, by the link), `paid` (in person, in part too), `terms` (unpaid, with a day on which it
    is due), `place` (unpaid; it waits for its payment).

    What is not paid and has no terms waits under a payment hold. Raises Refusal `wrong_state` when it is an order already or can be
    none any more, Stale, Invalid (field `amount`) and what placing refuses.
    """
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        draft = locked.draft
        state = locked.check(action)
        check_address(draft, locked.lines)
        money = money_of(draft, locked.lines)
        on_terms = draft.terms != Terms.ADVANCE
        taken = _checked_amount(draft, paid, money.total) if action == "paid" else ZERO
        settled = taken == money.total
        if draft.location_id and not settled and not on_terms:
            raise Invalid(
                "not_paid", _("Goods that are handed over at once are paid in full, or on terms."), field="amount"
            )
        if draft.location_id or draft.hold_until:
            lock_all_levels(locked)
        units = give_back(locked, actor=actor, now=now, announce=False) if draft.hold_until else 0
        placed = place_order(
            request_of(locked, hold_unpaid=not settled and not on_terms, now=now), actor=actor, now=now
        )
        order = Order.objects.get(pk=placed.order_id)
        _note_terms(order, draft, now=now)
        if draft.location_id:
            _hand_over(order, draft, actor=actor, now=now)
        if paid is not None and taken:
            record_payment(
                order_id=order.pk, amount=taken, method=paid.method, reference=paid.reference, key=f"draft:{draft.pk}",
                actor=actor, now=now,
            )  # fmt: skip
        write_draft(locked, now=now, state=state, order=order, hold_until=None, closed_at=now)
        record(draft, "draft.completed", actor=actor, now=now, action=action, order=order.number, units=units)
        record_line(order.subject, "order.from_draft", actor=actor, at=now, draft=draft.number)
        order.refresh_from_db()
        return order


def request_of(locked: Locked, *, hold_unpaid: bool, now: datetime) -> NewOrder:
    """What is placed: the draft's lines, amounts and words, so that the order's total is the draft's."""
    draft = locked.draft
    money = money_of(draft, locked.lines)
    handed_over = draft.location_id is not None
    lines = tuple(
        NewLine(
            sku=line.variant.sku if line.variant else CUSTOM_SKU, quantity=line.quantity, unit_price=line.unit_price, title=line.title,
            discount=row.discount, tax=row.tax, tax_rate=line.rate_in(draft), custom=line.variant is None,
            shipped=line.quantity if handed_over and line.variant is not None else 0,
        )
        for line, row in zip(locked.lines, money.lines, strict=True)
    )  # fmt: skip
    return NewOrder(
        channel_id=draft.channel_id, external_id=f"draft-{draft.number}", placed_at=now, currency=draft.currency, lines=lines,
        email=draft.email, customer_name=draft.customer_name, phone=draft.phone, language=draft.language, shipping_address=draft.ship_to,
        billing_address=draft.bill_to, shipping_method=draft.shipping_method, discount_total=money.discount,
        shipping_total=money.shipping, tax_total=money.tax, tax_included=draft.tax_included, total=money.total, tags=tuple(draft.tags),
        note=draft.note, hold_unpaid=hold_unpaid,
    )  # fmt: skip


def _checked_amount(draft: DraftOrder, paid: PaidInPerson | None, total: Decimal) -> Decimal:
    if paid is not None and paid.amount is None:
        return total
    amount = paid.amount if paid is not None and paid.amount is not None else ZERO
    if amount < 0 or not is_exact(amount, draft.currency) or (total and not amount):
        raise Invalid("bad_amount", _("Say how much was paid."), field="amount")
    if amount > total:
        most = format_money(total, draft.currency)
        raise Invalid("over_capture", _("It comes to {total}: no more can be paid.").format(total=most), field="amount")
    return amount


def _note_terms(order: Order, draft: DraftOrder, *, now: datetime) -> None:
    """What the placing path does not write: the purchase-order number, the day on which it is due, whose customer it is."""
    today = now.astimezone(zoneinfo.ZoneInfo(shop().time_zone or "UTC")).date()
    order.po_number, order.payment_due_on = draft.po_number, due_on(draft.terms, today)
    fields = ["po_number", "payment_due_on"]
    if draft.customer_id and order.customer_id is None:
        order.customer_id = draft.customer_id
        fields.append("customer")
    order.save(update_fields=fields)


def _hand_over(order: Order, draft: DraftOrder, *, actor: Actor, now: datetime) -> None:
    """The goods leave the location now; its levels are locked. Raises Refusal when there are too few, or their serial numbers matter."""
    lines = list(OrderLine.objects.filter(order=order, variant__isnull=False, requires_shipping=True).order_by("pk"))
    _refuse_serials(lines)
    moves = [
        Move(line.variant_id, draft.location_id, "on_hand", -line.ordered, MovementReason.SHIPPED, draft.number)
        for line in lines
        if line.variant_id and draft.location_id
    ]
    if moves:
        apply_moves(moves, cause=order.subject, actor=actor, now=now)
    Order.objects.filter(pk=order.pk).update(historic=False)  # it touched our stock, whatever came in finished
    name = draft.location.name if draft.location else ""
    record_line(
        order.subject,
        "order.handed_over",
        actor=actor,
        at=now,
        location=name,
        units=sum(line.ordered for line in lines),
    )


def _refuse_serials(lines: Sequence[OrderLine]) -> None:
    ids = {line.variant_id for line in lines}
    tracked = Variant.objects.filter(pk__in=ids, tracking=Tracking.SERIAL).values_list("sku", flat=True).first()
    if tracked:
        message = _("{sku} is followed by serial number: ship it, so that its number is scanned.")
        raise Refusal("serial_at_the_counter", message.format(sku=tracked), field="location")
