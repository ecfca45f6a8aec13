"""Hold an order and its work orders; let it go on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import NotFound
from fulfillment.models import FulfillmentOrder
from fulfillment.states import FulfillmentState
from orders.models import Hold, Order
from orders.operations import add_hold, end_hold, lock_order, refresh_order
from orders.states import HoldKind, Payment


def hold_order(
    *, order_id: int, kind: str, reason: str = "", until: datetime | None = None, actor: Actor, now: datetime
) -> Hold:
    """Place a hold: nothing of the order is picked from now on, and nothing is shipped. Its stock stays reserved."""
    with transaction.atomic():
        order = lock_order(order_id)
        hold = add_hold(order, kind=kind, reason=reason, until=until, actor=actor, now=now)
        _move_work(
            order, {FulfillmentState.OPEN, FulfillmentState.SCHEDULED}, FulfillmentState.ON_HOLD, actor=actor, now=now
        )
        refresh_order(order, now=now)
        return hold


def release_hold(*, hold_id: int, actor: Actor, now: datetime) -> Hold:
    """Release one hold; with the last one its work orders open again."""
    order_id = Hold.objects.filter(pk=hold_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_hold", _("There is no such hold."))
    with transaction.atomic():
        order = lock_order(order_id)
        hold = Hold.objects.select_related("order").get(pk=hold_id)
        end_hold(hold, actor=actor, now=now)
        _after_release(order, actor=actor, now=now)
        return hold


def release_holds(*, order_id: int, actor: Actor, now: datetime, kinds: set[str] | None = None) -> int:
    """Release all open holds of an order (or those of some kinds); the number released."""
    with transaction.atomic():
        order = lock_order(order_id)
        holds = [
            h for h in order.holds.filter(released_at__isnull=True).order_by("pk") if kinds is None or h.kind in kinds
        ]
        for hold in holds:
            end_hold(hold, actor=actor, now=now)
        if holds:
            _after_release(order, actor=actor, now=now)
        return len(holds)


def release_due(*, actor: Actor, now: datetime) -> int:
    """Release the holds whose time has come; the number of orders looked at."""
    due = list(
        Hold.objects.filter(released_at__isnull=True, until__lte=now)
        .order_by("until")
        .values_list("pk", flat=True)[:500]
    )
    for hold_id in due:
        release_hold(hold_id=hold_id, actor=actor, now=now)
    return len(due)


def release_if_paid(*, order_id: int, actor: Actor, now: datetime) -> bool:
    """Once an order is paid (or authorised), nothing waits for its payment any more."""
    with transaction.atomic():
        order = lock_order(order_id)
        if order.payment not in (Payment.PAID, Payment.AUTHORIZED):
            return False
        return release_holds(order_id=order_id, actor=actor, now=now, kinds={HoldKind.PAYMENT}) > 0


def _after_release(order: Order, *, actor: Actor, now: datetime) -> None:
    if not order.holds.filter(released_at__isnull=True).exists():
        _move_work(order, {FulfillmentState.ON_HOLD}, FulfillmentState.OPEN, actor=actor, now=now)
    refresh_order(order, now=now)


def _move_work(order: Order, sources: set[str], target: str, *, actor: Actor, now: datetime) -> None:
    for work in (
        FulfillmentOrder.objects.select_for_update(of=("self",), no_key=True)
        .filter(order=order, state__in=sources)
        .order_by("pk")
    ):
        work.state, work.state_at, work.state_by, work.state_by_label = target, now, actor.ref, actor.label[:120]
        work.version += 1
        work.save(update_fields=["state", "state_at", "state_by", "state_by_label", "version"])
