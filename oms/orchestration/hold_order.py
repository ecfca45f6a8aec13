"""Hold an order, or some of its lines, and their work; let it go on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.refusals import NotFound, Refusal
from fulfillment.operations.setting_aside import arrange_work
from orders.models import Hold, Order
from orders.operations import add_hold, end_hold, lock_order, refresh_order
from orders.states import HoldKind, Payment


def hold_order(
    *, order_id: int, kind: str, reason: str = "", until: datetime | None = None, lines: Collection[int] | None = None,
    owner: User | None = None, cause: str = "", actor: Actor, now: datetime,
) -> Hold:  # fmt: skip
    """Place a hold: nothing of the order, or of the given lines (ids), is picked from now on, and nothing is shipped.

    The stock stays reserved. Units of held lines wait in work of their own while the rest moves on; a parcel that has some of
    them picked already stops as a whole. owner: who sees to it. cause: what placed it, where that was no person.
    """
    with transaction.atomic():
        order = lock_order(order_id)
        hold = add_hold(
            order, kind=kind, reason=reason, until=until, lines=lines, owner=owner, cause=cause, actor=actor, now=now
        )
        arrange_work(order, actor=actor, now=now)
        refresh_order(order, now=now)
        return hold


def release_hold(*, hold_id: int, actor: Actor, now: datetime) -> Hold:
    """Release one hold; what no other hold stops moves on."""
    order_id = Hold.objects.filter(pk=hold_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_hold", _("There is no such hold."))
    with transaction.atomic():
        order = lock_order(order_id)
        hold = Hold.objects.select_related("order").get(pk=hold_id)
        end_hold(hold, actor=actor, now=now)
        _after_release(order, [hold], actor=actor, now=now)
        return hold


def release_holds(
    *, order_id: int, actor: Actor, now: datetime, kinds: Collection[str] | None = None, cause: str | None = None
) -> int:
    """Release all open holds of an order (those of some kinds, those of one cause); the number released."""
    with transaction.atomic():
        order = lock_order(order_id)
        holds = [
            hold
            for hold in order.holds.filter(released_at__isnull=True).select_related("order").order_by("pk")
            if (kinds is None or hold.kind in kinds) and (cause is None or hold.cause == cause)
        ]
        for hold in holds:
            end_hold(hold, actor=actor, now=now)
        if holds:
            _after_release(order, holds, actor=actor, now=now)
        return len(holds)


def release_due(*, actor: Actor, now: datetime) -> int:
    """Release the holds whose time has come; the number released. One that a person released meanwhile stops no other."""
    due = list(
        Hold.objects.filter(released_at__isnull=True, until__lte=now)
        .order_by("until")
        .values_list("pk", flat=True)[:500]
    )
    released = 0
    for hold_id in due:
        try:
            release_hold(hold_id=hold_id, actor=actor, now=now)
        except Refusal:
            continue
        released += 1
    return released


def release_if_paid(*, order_id: int, actor: Actor, now: datetime) -> bool:
    """Once an order is paid (or authorised), nothing waits for its payment any more."""
    with transaction.atomic():
        order = lock_order(order_id)
        if order.payment not in (Payment.PAID, Payment.AUTHORIZED):
            return False
        return release_holds(order_id=order_id, actor=actor, now=now, kinds={HoldKind.PAYMENT}) > 0


def _after_release(order: Order, holds: Collection[Hold], *, actor: Actor, now: datetime) -> None:
    lines = {line for hold in holds if not hold.whole for line in hold.lines.values_list("line_id", flat=True)}
    arrange_work(order, actor=actor, now=now, released=lines)
    refresh_order(order, now=now)
