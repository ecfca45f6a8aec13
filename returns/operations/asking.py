"""A return is asked for, and taken back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal
from orders.models import Order
from orders.operations import lock_order
from returns.events import ReturnCancelled, ReturnRequested
from returns.models import Return, ReturnLine
from returns.operations.deciding import approve_locked
from returns.operations.labels import give_up_label
from returns.operations.locking import (
    Locked,
    add_to_order_lines,
    check_move,
    lock_return,
    record,
    refresh_returning,
    write_return,
)
from returns.queries.returnable import ReturnableLine, ReturnWindow, return_window, returnable_lines
from returns.states import ReturnReason, ReturnState

LONGEST_NOTE = 2000
_KEY = re.compile(r"[A-Za-z0-9_-]{8,38}")


@dataclass(frozen=True, slots=True)
class LineRequest:
    """Units of one order line that somebody wants to send back."""

    order_line_id: int
    quantity: int
    reason: str
    note: str = ""


def request_return(
    *, order_id: int, lines: Sequence[LineRequest], customer_note: str, request_key: str, actor: Actor, now: datetime
) -> Return:
    """Ask for units of an order to come back. The same key again answers with the return of the first time.

    A customer is held to the window; a person of the shop may ask for anything that was sent. Within the window the shop's
    policy may approve at once, else somebody decides. Raises Invalid (field `quantity-<line id>` or `reason-<line id>`).
    """
    if not _KEY.fullmatch(request_key):
        raise Invalid("bad_request_key", _("This form is out of date. Open the page again."))
    with transaction.atomic():
        order = lock_order(order_id)
        key = f"{order.pk}:{request_key}"
        known = Return.objects.filter(request_key=key).first()
        if known is not None:
            return known
        window = return_window()
        offered = {item.line.pk: item for item in returnable_lines(order, window=window, now=now)}
        wanted = _checked(lines, offered, held_to_window=actor.kind == "customer")
        within = all(item.quantity <= offered[item.order_line_id].quantity for item in wanted)
        locked = _write(order, wanted, offered, _text(customer_note, LONGEST_NOTE), key, actor=actor, now=now)
        _publish_or_approve(locked, window, within=within, actor=actor, now=now)
        refresh_returning(order, now=now)
        return locked.request


def _publish_or_approve(locked: Locked, window: ReturnWindow, *, within: bool, actor: Actor, now: datetime) -> None:
    if within and window.auto_approve:
        approve_locked(locked, answer="", keep=False, actor=Actor.system("return policy"), now=now)
    else:
        publish(ReturnRequested(locked.request.pk), actor=actor)


def _checked(
    lines: Sequence[LineRequest], offered: dict[int, ReturnableLine], *, held_to_window: bool
) -> list[LineRequest]:
    """The wanted lines; raises Invalid for the first that cannot be."""
    wanted = [item for item in lines if item.quantity]
    if not wanted:
        raise Invalid("nothing_chosen", _("Choose at least one item."))
    if len({item.order_line_id for item in wanted}) < len(wanted):
        raise Invalid("line_twice", _("An item is named twice."))
    for item in wanted:
        _check_line(item, offered.get(item.order_line_id), held_to_window=held_to_window)
    return wanted


def _check_line(item: LineRequest, offer: ReturnableLine | None, *, held_to_window: bool) -> None:
    field = f"quantity-{item.order_line_id}"
    if offer is None:
        raise Invalid("not_returnable", _("This item cannot be returned from this order."), field=field)
    most = offer.quantity if held_to_window else offer.sent
    if item.quantity < 0:
        raise Invalid("bad_quantity", _("A quantity cannot be below zero."), field=field)
    if most == 0:
        raise Invalid("window_closed", _("The time to return this item is over."), field=field)
    if item.quantity > most:
        raise Invalid("too_many", _("At most {most} can be returned.").format(most=most), field=field, most=most)
    if item.reason not in ReturnReason.values:
        raise Invalid("bad_reason", _("Choose a reason."), field=f"reason-{item.order_line_id}")


def _write(
    order: Order,
    wanted: Sequence[LineRequest],
    offered: dict[int, ReturnableLine],
    note: str,
    key: str,
    *,
    actor: Actor,
    now: datetime,
) -> Locked:
    request = Return.objects.create(
        order=order,
        number=return_number(order),
        units=sum(item.quantity for item in wanted),
        customer_note=note,
        request_key=key,
        actor=actor.ref,
        requested_at=now,
    )
    lines = ReturnLine.objects.bulk_create(
        ReturnLine(
            return_request=request,
            order_line=offered[item.order_line_id].line,
            quantity=item.quantity,
            reason=item.reason,
            note=_text(item.note, 500),
        )
        for item in wanted
    )
    add_to_order_lines((item.order_line_id, {"return_requested": item.quantity}) for item in wanted)
    locked = Locked(order, request, lines)
    summary = [
        {"sku": line.order_line.sku, "quantity": line.quantity, "reason": line.reason} for line in lines
    ]  # fmt: skip
    record(locked, "return.requested", actor=actor, now=now, units=request.units, lines=summary)
    return locked


def return_number(order: Order) -> str:
    """The number printed on the label, "RMA-1207-1": the key of the locked order with a running part, which every scanner reads."""
    return f"RMA-{order.pk}-{Return.objects.filter(order=order).count() + 1}"


def cancel_return(*, return_id: int, actor: Actor, now: datetime, version: int | None = None) -> Return:
    """Take a return back before its goods arrive: its units may be asked for again. A second time changes nothing.

    Customers may until they have handed the parcel over. Raises Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_return(return_id, version=version)
        request = locked.request
        if request.state == ReturnState.CANCELLED:
            return request
        state = check_move(locked, "cancel")
        if actor.kind == "customer" and request.state == ReturnState.IN_TRANSIT:
            raise Refusal("wrong_state", _("The parcel is on its way already."), state=request.state, action="cancel")
        add_to_order_lines((line.order_line_id, {"return_requested": -line.quantity}) for line in locked.lines)
        give_up_label(request)
        write_return(locked, state=state, resolved_at=now)
        refresh_returning(locked.order, now=now)
        record(locked, "return.cancelled", actor=actor, now=now)
        publish(ReturnCancelled(request.pk), actor=actor)
        return request


def _text(value: str, limit: int) -> str:
    """Free text as it may be stored: without NUL, trimmed, of bounded length."""
    return value.replace("\x00", "").strip()[:limit]
