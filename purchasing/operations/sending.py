"""An order becomes firm: sent, confirmed, given up. Each act brings what is incoming at the destination in line with what is lacking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.paper.weasy import pdf_available
from core.refusals import Invalid, Refusal, Unavailable
from purchasing.events import PurchaseDatesChanged, PurchaseOrderSent
from purchasing.models import PurchaseLine, PurchaseOrder
from purchasing.operations.arriving import tell_landed_cost
from purchasing.operations.drafting import MOST_UNITS
from purchasing.operations.locking import Locked, expect, lock_purchase, outstanding, record, write_order
from purchasing.operations.suppliers import line_of_text
from purchasing.states import PURCHASE_MACHINE, PurchaseState


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the supplier says of a line: how many in all will have come, and when."""

    line_id: int
    quantity: int
    day: date | None = None


def send_purchase_order(
    *, order_id: int, mail: bool = True, actor: Actor, now: datetime, version: int | None = None
) -> PurchaseOrder:
    """Make a draft firm. With `mail` the supplier gets it as PDF by e-mail (drawn and sent by a worker), without it is only marked.

    Raises Refusal `wrong_state` (also: not approved, no lines, no rate) or `no_email`, Unavailable without PDF, Stale.
    """
    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        order = locked.order
        state = PURCHASE_MACHINE.check(order, "send")
        if mail:
            _check_mail(order)
        expect(locked, {}, actor=actor, now=now)
        write_order(locked, state=state, sent_at=now, mailed=mail)
        record(
            order,
            "purchase.sent" if mail else "purchase.marked_sent",
            actor=actor,
            now=now,
            to=order.supplier.email,
            total=str(order.total),
        )
        if mail:
            publish(PurchaseOrderSent(order.pk, order.version), actor=actor)
        return order


def mail_purchase_order(*, order_id: int, actor: Actor, now: datetime) -> PurchaseOrder:
    """Mail a firm order once more, as it is now. Raises Refusal `wrong_state`, `no_email`, Unavailable without PDF."""
    with transaction.atomic():
        locked = lock_purchase(order_id)
        order = locked.order
        if order.state in (PurchaseState.DRAFT, PurchaseState.CANCELLED):
            raise Refusal("wrong_state", _("Only an order that was sent can be mailed again."))
        _check_mail(order)
        write_order(locked, mailed=True)
        record(order, "purchase.mailed_again", actor=actor, now=now, to=order.supplier.email)
        publish(PurchaseOrderSent(order.pk, order.version), actor=actor)
        return order


def _check_mail(order: PurchaseOrder) -> None:
    if not order.supplier.email:
        raise Refusal(
            "no_email",
            _("{supplier} has no e-mail address. Add one, or mark the order as sent.").format(
                supplier=order.supplier.name
            ),
        )
    available, hint = pdf_available()
    if not available:
        raise Unavailable("pdf_off", hint)


def confirm_purchase_order(
    *,
    order_id: int,
    lines: Sequence[Confirmation] = (),
    reference: str | None = None,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> PurchaseOrder:
    """The supplier has answered. Lines left out are confirmed as ordered; other quantities and dates correct what is incoming.

    Raises Invalid (field `quantity-<line id>`: less than has come or was given up), Stale, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        order = locked.order
        action = "reconfirm" if order.state == PurchaseState.PARTLY_RECEIVED else "confirm"
        state = PURCHASE_MACHINE.check(order, action)
        days = _days_of(locked)
        before, changes = outstanding(locked), _apply_confirmations(locked, lines)
        PurchaseLine.objects.bulk_update(locked.lines, ["confirmed", "confirmed_on"])
        expect(locked, before, actor=actor, now=now)
        head: dict[str, Any] = {
            "state": state,
            "confirmed_at": order.confirmed_at or now,
            "expected_on": next_arrival(locked),
        }
        if reference is not None:
            head["supplier_reference"] = line_of_text(reference, "reference", 80)
        write_order(locked, **head)
        record(
            order, "purchase.confirmed", actor=actor, now=now, changes=changes, expected_on=str(order.expected_on or "")
        )
        if _days_of(locked) != days:
            publish(PurchaseDatesChanged(order.pk), actor=actor)
        _complete(locked, actor=actor, now=now)
        tell_landed_cost(locked, actor=actor)
        return order


def _days_of(locked: Locked) -> list[date | None]:
    """The day for which each line is expected."""
    return [line.confirmed_on or locked.order.expected_on for line in locked.lines]


def _apply_confirmations(locked: Locked, lines: Sequence[Confirmation]) -> dict[str, list[int]]:
    said = {item.line_id: item for item in lines}
    for line_id in said:
        locked.line(line_id, field=f"quantity-{line_id}")
    changes = {}
    for line in locked.lines:
        item = said.get(line.pk)
        if item is None:
            if line.confirmed is None:
                line.confirmed = line.ordered
            continue
        least = line.cancelled if line.received >= line.expected - line.cancelled else line.received + line.cancelled
        if item.quantity != line.expected and not least <= item.quantity <= MOST_UNITS:
            sentence = _("{sku}: at least {least}, for so many have come or were given up.")
            raise Invalid(
                "too_few", sentence.format(sku=line.variant.sku, least=least), field=f"quantity-{line.pk}", least=least
            )
        if item.quantity != line.expected:
            changes[line.variant.sku] = [line.expected, item.quantity]
        line.confirmed, line.confirmed_on = item.quantity, item.day or line.confirmed_on
    return changes


def next_arrival(locked: Locked) -> date | None:
    """The day on which the next goods are expected: the earliest of the lines that lack units, else the order's own."""
    days = [line.confirmed_on for line in locked.lines if line.to_come and line.confirmed_on]
    return min(days) if days else locked.order.expected_on


def close_purchase_order(
    *,
    order_id: int,
    reason: str,
    units: Mapping[int, int] | None = None,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> PurchaseOrder:
    """Give up what has not come: all of it, or `units` (line id → how many). When nothing else is expected the order is received.

    Raises Invalid (field `reason`, `quantity-<line id>`), Refusal `nothing_came` (cancel it instead) or `wrong_state`, Stale.
    """
    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        order = locked.order
        PURCHASE_MACHINE.check(order, "close")
        reason = line_of_text(reason, "reason", 200)
        if not reason:
            raise Invalid("no_reason", _("Say why the rest will not come."), field="reason")
        before = outstanding(locked)
        given_up = _give_up(locked, before if units is None else units)
        if not any(line.to_come for line in locked.lines) and not any(line.received for line in locked.lines):
            raise Refusal("nothing_came", _("Nothing of it has come: cancel the order instead."))
        PurchaseLine.objects.bulk_update(locked.lines, ["cancelled"])
        expect(locked, before, actor=actor, now=now)
        write_order(locked, close_reason=reason)
        record(order, "purchase.given_up", actor=actor, now=now, lines=given_up, reason=reason)
        _complete(locked, actor=actor, now=now)
        tell_landed_cost(locked, actor=actor)
        return order


def _give_up(locked: Locked, units: Mapping[int, int]) -> list[dict[str, Any]]:
    summary = []
    for line_id, number in units.items():
        line = locked.line(line_id, field=f"quantity-{line_id}")
        if not 0 <= number <= line.to_come:
            raise Invalid(
                "too_many", _("Only {most} are still expected.").format(most=line.to_come), field=f"quantity-{line_id}"
            )
        if number:
            line.cancelled += number
            summary.append({"sku": line.variant.sku, "quantity": number})
    if not summary:
        raise Invalid("nothing_chosen", _("Say what will not come."))
    return summary


def _complete(locked: Locked, *, actor: Actor, now: datetime) -> None:
    """Close an order of which something came and nothing more is expected."""
    order = locked.order
    if order.state == PurchaseState.PARTLY_RECEIVED and not order.outstanding:
        write_order(locked, state=PURCHASE_MACHINE.check(order, "complete"), closed_at=now)
        record(order, "purchase.received_all", actor=actor, now=now, units=order.received)


def cancel_purchase_order(
    *, order_id: int, reason: str, actor: Actor, now: datetime, version: int | None = None
) -> PurchaseOrder:
    """Nothing of it will come. Only before something has arrived. Raises Invalid (field `reason`), Stale, Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_purchase(order_id, version=version)
        order = locked.order
        state = PURCHASE_MACHINE.check(order, "cancel")
        reason = line_of_text(reason, "reason", 200)
        if not reason and order.state != PurchaseState.DRAFT:
            raise Invalid("no_reason", _("Say why it is cancelled."), field="reason")
        before = outstanding(locked) if order.state != PurchaseState.DRAFT else {}
        for line in locked.lines:
            line.cancelled = line.expected
        PurchaseLine.objects.bulk_update(locked.lines, ["cancelled"])
        expect(locked, before, actor=actor, now=now)
        write_order(locked, state=state, closed_at=now, close_reason=reason)
        record(order, "purchase.cancelled", actor=actor, now=now, reason=reason)
        return order
