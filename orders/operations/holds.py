"""Holds: typed reasons why an order must not move on. oms.orchestration stops and frees its work orders with them."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from core.actors import Actor
from core.refusals import Invalid, Refusal
from core.timeline import record
from orders.models import Hold, Order
from orders.states import HoldKind, Lifecycle


def add_hold(order: Order, *, kind: str, reason: str, until: datetime | None, actor: Actor, now: datetime) -> Hold:
    """Place a hold on a locked order (statuses are refreshed by the caller). Raises Invalid, or Refusal when it is not open or
    has an open hold of the kind."""
    if kind not in HoldKind.values:
        raise Invalid("bad_hold", _("Choose a kind of hold."), field="kind")
    if until is not None and until <= now:
        raise Invalid("bad_until", _("That time has passed already."), field="until")
    if order.lifecycle != Lifecycle.OPEN:
        raise Refusal("not_open", _("Order {number} is not open any more.").format(number=order.number))
    if order.holds.filter(kind=kind, released_at__isnull=True).exists():
        raise Refusal("held_already", _("It is on hold for that already."))
    hold = Hold.objects.create(order=order, kind=kind, reason=reason[:200], until=until, actor=actor.ref, at=now)
    record(order.subject, "hold.placed", actor=actor, at=now, hold=kind, reason=reason, until=until)
    return hold


def end_hold(hold: Hold, *, actor: Actor, now: datetime) -> None:
    """Release a hold of a locked order (statuses are refreshed by the caller). Raises Refusal when it is released already."""
    if hold.released_at is not None:
        raise Refusal("released_already", _("That hold was released already."))
    hold.released_at, hold.released_by = now, actor.ref
    hold.save(update_fields=["released_at", "released_by"])
    record(hold.order.subject, "hold.released", actor=actor, at=now, hold=hold.kind, reason=hold.reason)
