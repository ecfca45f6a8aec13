"""Holds: typed reasons why an order, or some of its lines, must not move on. oms.orchestration stops and frees work orders with them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from orders.models import Hold, HoldLine, Order, OrderLine
from orders.operations.refreshing import lock_order
from orders.states import HoldKind, Lifecycle


def add_hold(
    order: Order, *, kind: str, reason: str, until: datetime | None, actor: Actor, now: datetime, lines: Collection[int] | None = None,
    owner: User | None = None, cause: str = "",
) -> Hold:  # fmt: skip
    """Place a hold on a locked order (statuses are refreshed by the caller). lines: ids of the only lines it stops; a bundle is
    stopped as a whole. owner: the person who sees to it.

    Raises Invalid, or Refusal when the order is not open or is held for that already.
    """
    if kind not in HoldKind.values:
        raise Invalid("bad_hold", _("Choose a kind of hold."), field="kind")
    if until is not None and until <= now:
        raise Invalid("bad_until", _("That time has passed already."), field="until")
    if order.lifecycle != Lifecycle.OPEN:
        raise Refusal("not_open", _("Order {number} is not open any more.").format(number=order.number))
    held = _lines_of(order, lines) if lines is not None else []
    _refuse_second(order, kind, held)
    hold = Hold.objects.create(
        order=order, kind=kind, reason=reason[:200], until=until, whole=not held, owner=owner, cause=cause, actor=actor.ref, at=now,
    )  # fmt: skip
    HoldLine.objects.bulk_create([HoldLine(hold=hold, line=line) for line in held])
    told = {"lines": [line.sku for line in held]} if held else {}
    owned = {"owner": _name(owner)} if owner else {}
    record(
        order.subject, "hold.placed", actor=actor, at=now, hold=kind, reason=reason[:200], until=until, **told, **owned
    )
    return hold


def _lines_of(order: Order, ids: Collection[int]) -> list[OrderLine]:
    """The lines to stop, with the other components of their bundles. Raises Invalid for none, a foreign one, or one that has left."""
    by_id = {line.pk: line for line in order.lines.order_by("position")}
    if not ids:
        raise Invalid("no_lines", _("Choose at least one line."), field="lines")
    if not set(ids) <= by_id.keys():
        raise Invalid(
            "no_such_line", _("That line is not part of order {number}.").format(number=order.number), field="lines"
        )
    for pk in ids:
        if by_id[pk].ordered - by_id[pk].cancelled <= by_id[pk].shipped:
            raise Invalid(
                "line_has_left", _("{sku}: nothing of it is left to hold.").format(sku=by_id[pk].sku), field="lines"
            )
    bundles = {by_id[pk].bundle_id for pk in ids} - {None}
    return [line for line in by_id.values() if line.pk in ids or line.bundle_id in bundles]


def _refuse_second(order: Order, kind: str, held: Collection[OrderLine]) -> None:
    """One open hold of a kind on the whole order, and one on a line."""
    same = Hold.objects.filter(order=order, kind=kind, released_at__isnull=True)
    if not held:
        if same.filter(whole=True).exists():
            raise Refusal("held_already", _("It is on hold for that already."))
        return
    named = set(HoldLine.objects.filter(hold__in=same).values_list("line_id", flat=True))
    if {line.pk for line in held} <= named or same.filter(whole=True).exists():
        raise Refusal("held_already", _("It is on hold for that already."))


def _name(person: User) -> str:
    return Actor.user(person).label


def end_hold(hold: Hold, *, actor: Actor, now: datetime) -> None:
    """Release a hold of a locked order (statuses are refreshed by the caller). Raises Refusal when it is released already."""
    if hold.released_at is not None:
        raise Refusal("released_already", _("That hold was released already."))
    hold.released_at, hold.released_by = now, actor.ref
    hold.save(update_fields=["released_at", "released_by"])
    told = (
        {} if hold.whole else {"lines": list(hold.lines.order_by("line__position").values_list("line__sku", flat=True))}
    )
    record(hold.order.subject, "hold.released", actor=actor, at=now, hold=hold.kind, reason=hold.reason, **told)


def assign_hold(*, hold_id: int, owner: User | None, actor: Actor, now: datetime) -> Hold:
    """Give an open hold to the person who sees to it, or to nobody. Raises NotFound, Refusal `released_already`."""
    order_id = Hold.objects.filter(pk=hold_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound("no_such_hold", _("There is no such hold."))
    with transaction.atomic():
        order = lock_order(order_id)
        hold = Hold.objects.select_related("owner").get(pk=hold_id)
        if hold.released_at is not None:
            raise Refusal("released_already", _("That hold was released already."))
        if hold.owner_id != (owner.pk if owner else None):
            hold.owner = owner
            hold.save(update_fields=["owner"])
            record(
                order.subject, "hold.assigned", actor=actor, at=now, hold=hold.kind, owner=_name(owner) if owner else ""
            )
        return hold
